"""Names of files that are made of clips."""

from hypothesis import given
from hypothesis import strategies as st

from distill.audio.names import MOST_BYTES, file_stem, without_suffix


def test_a_name_loses_the_suffix_of_its_kind_alone():
    for name, stem in {
        "kick.wav": "kick", "kick.01.wav": "kick.01", "kick.01 + snare": "kick.01 + snare", "kick.01": "kick.01",
        "a.MP3": "a", "b.m4a": "b", ".wav": ".wav", "grid from text": "grid from text", "take.npz": "take",
    }.items():  # fmt: skip
        assert without_suffix(name) == stem


def test_a_title_names_the_file_whatever_stands_in_it():
    assert file_stem("Mine & <b>yours</b>") == "Mine b yours b"
    assert file_stem("../../etc/passwd") == "etc passwd"
    assert file_stem("Żółw – 12_a") == "Żółw – 12_a"
    assert file_stem(" . ") == "clip"
    assert file_stem("", "") == ""


@given(st.text(max_size=400))
def test_any_name_makes_a_file_that_can_be_written(name):
    stem = file_stem(name)
    assert 0 < len(stem.encode()) <= MOST_BYTES
    assert not set(stem) & set('/\\\0:\n"<>|')
    assert stem.strip(" .") == stem
