"""A repository is named as people write and paste it, and nothing but the Hub can be named."""

import pytest

from distill.errors import HubError
from distill.hub import read_name


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("ada/loops", "ada/loops", None),
        ("  ada/lo-op_s.2 \n", "ada/lo-op_s.2", None),
        ("ada/loops@v1.0", "ada/loops", "v1.0"),
        ("hf://ada/loops@refs/pr/3", "ada/loops", "refs/pr/3"),
        ("https://huggingface.co/ada/loops", "ada/loops", None),
        ("http://www.HuggingFace.co/ada/loops/?library=distill#use", "ada/loops", None),
        ("hf.co/ada/loops/tree/v2", "ada/loops", "v2"),
        ("https://huggingface.co/ada/loops/tree/refs%2Fpr%2F3", "ada/loops", "refs/pr/3"),
        ("https://huggingface.co/ada/loops/blob/main/codec.distill", "ada/loops", "main"),
        ("https://huggingface.co/ada/loops/discussions", "ada/loops", None),
    ],
)
def test_a_repository_is_read_as_it_is_written_or_pasted(text, repository, revision):
    assert read_name(text) == (repository, revision)


NOT_ON_THE_HUB = [
    "http://127.0.0.1:8000/ada/loops",
    "https://evil.example/ada/loops",
    "https://huggingface.co@evil.example/ada/loops",
    "https://huggingface.co.evil.example/ada/loops",
    "https://evil.example/https://huggingface.co/ada/loops",
    "file:///etc/passwd",
    "//evil.example/loops",
    "../../etc/passwd",
    "ada/..",
    "ada/loops/../../api",
    "ada/loops@../../api",
    "ada/loops@",
    "ada/loops@a b",
    "https://huggingface.co/ada/%2e%2e%2fapi",
    "https://huggingface.co/ada/loops/tree/..%2f..",
    "https://huggingface.co/datasets/ada/loops",
    "https://huggingface.co/spaces/ada/loops",
    "https://huggingface.co/ada",
    "ada/loops\nHost: evil",
    "ada/loops?x=1",
    "loops",
    "",
    "a" * 5000,
    "ä/loops",
]


@pytest.mark.parametrize("text", NOT_ON_THE_HUB)
def test_what_names_no_repository_of_a_codec_is_refused_in_a_sentence(text):
    with pytest.raises(HubError) as error:
        read_name(text)
    assert str(error.value).endswith(".")
    assert len(str(error.value)) < 250
