"""The codecs that pages load: the example's goes to everybody, a visitor's own to that visitor alone."""

import asyncio
import hashlib
import json

import httpx
import numpy as np
import pytest
import safetensors.torch
import torch

from distill.audio import SAMPLE_RATE, Clip
from distill.codec import Codec
from distill.codec.page_file import page_file
from distill.models import ConvVQVAE
from distill.server import codec_files
from distill.server.askers import owner_of
from distill.ui import served
from distill.ui.app import Front


@pytest.fixture(scope="module")
def front(app):
    return Front(app)


def visitor(front, cookie="", **headers):
    headers |= {"cookie": f"distill={cookie * 40}"} if cookie else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://distill", headers=headers)


@pytest.fixture(scope="module")
def own(app):
    """The address of a codec that only the visitor with the cookie "1" has, and the codec."""
    torch.manual_seed(0)
    model = ConvVQVAE(codebook_dim=8, codebook_size=16)
    model(torch.randn(1, 1, 128, 64))
    codec = Codec(model)
    page = app.backend.visitors.page(owner_of(f"distill={'1' * 40}"), "a-page", "127.0.0.1")
    sound = np.random.default_rng(0).uniform(-0.1, 0.1, SAMPLE_RATE // 2).astype(np.float32)
    page.turn_to_clip(codec, Clip("mine", sound))
    return f"/{served.codec_file(codec)}", codec


def tensors_of(content):
    return safetensors.torch.load(content)


async def test_everybody_may_have_the_examples_codec_and_keep_it(app, front):
    codec = app.backend.examples.codec
    async with visitor(front, **{"accept-encoding": "br"}) as anyone:
        answer = await anyone.get(f"/{served.codec_file(codec)}")
        head = await anyone.head(f"/{served.codec_file(codec)}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "br"
    assert (head.status_code, head.content) == (200, b"")
    found, whole = tensors_of(answer.content), codec.model.state_dict()
    assert torch.equal(found["mel_mean"].float(), whole["mel_mean"])
    assert any(name.startswith("vocoder.") for name in found)
    assert not any(name.startswith("encoder.") for name in found)


async def test_a_visitors_own_codec_goes_to_that_visitor_alone(front, own):
    path, codec = own
    async with visitor(front, "1") as owner, visitor(front, "2") as other, visitor(front) as nobody:
        answer = await owner.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.content == page_file(codec)
        for stranger in (other, nobody):
            refused = await stranger.get(path)
            assert refused.status_code == 404
            assert "not yours" in refused.text
            assert len(refused.content) < 200


async def test_a_page_that_encodes_gets_the_encoder_too(app, front, own):
    path, codec = own
    async with visitor(front, "1") as owner, visitor(front) as anyone:
        answer = await owner.get(f"{path}/encoder")
        assert answer.content == page_file(codec, encoder=True)
        assert (await owner.get(path)).content == page_file(codec)
        example = f"/{served.codec_file(app.backend.examples.codec)}"
        for suffix, has_encoder in (("", False), ("/encoder", True), ("", False)):
            found = tensors_of((await anyone.get(example + suffix)).content)
            assert any(name.startswith("encoder.") for name in found) == has_encoder
        assert (await anyone.get(f"{path}/encoder")).status_code == 404
        assert (await owner.get(f"{path}/decoder")).status_code == 404


def test_a_page_without_a_cookie_is_told_of_no_codec_that_it_may_not_load(app, own):
    examples, visitors = app.backend.examples, app.backend.visitors
    homeless = visitors.page("", "a-page-without-a-cookie", "127.0.0.1")
    owner = visitors.page(owner_of(f"distill={'1' * 40}"), "a-page", "127.0.0.1")
    assert served.codec_file_for(homeless, own[1], examples) == ""
    assert served.codec_file_for(homeless, examples.codec, examples) == served.codec_file(examples.codec)
    assert served.codec_file_for(owner, own[1], examples) == served.codec_file(own[1])


def test_the_base_vocoder_is_named_once_for_all_addresses(app, monkeypatch):
    served.read_by.cache_clear()
    named, fingerprint = [], served.fingerprint
    monkeypatch.setattr(served, "fingerprint", lambda network: named.append(network) or fingerprint(network))
    codec = app.backend.examples.codec
    bare = Codec(codec.model)
    assert bare.network is None
    assert served.codec_file(bare) == served.codec_file(bare) == f"codec/{served.read_by(True)}/{bare.sound_id}"
    assert len(named) == 1


async def test_no_page_of_another_site_may_have_a_codec(app, front, own):
    elsewhere = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    for path in (own[0], f"/{served.codec_file(app.backend.examples.codec)}"):
        async with visitor(front, "1", **elsewhere) as foreign:
            assert (await foreign.get(path)).status_code == 403


@pytest.mark.parametrize("sound", ["0" * 24, "", "../x", "0" * 12 + "%00", "A" * 24, "0" * 500])
async def test_other_names_are_not_there(front, own, sound):
    async with visitor(front, "1") as owner:
        assert (await owner.get(f"/codec/{'0' * 16}/{sound}")).status_code == 404


async def test_downloads_at_the_same_time_share_one_file_and_are_limited(app, front, own, monkeypatch):
    path, _ = own
    made = []
    monkeypatch.setattr(codec_files, "page_file", lambda codec, *, encoder: made.append(codec) or page_file(codec))
    async with visitor(front, "1") as owner:
        monkeypatch.setattr("distill.server.gate.REFUSED_SECONDS", 0.0)
        answers = await asyncio.gather(*(owner.get(path) for _ in range(12)))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 429}
    assert 200 in statuses
    assert len(made) <= codec_files.AT_ONCE


def test_the_file_names_its_codec_and_is_the_same_each_time(own):
    _, codec = own
    content = page_file(codec)
    assert hashlib.sha256(content).digest() == hashlib.sha256(page_file(codec)).digest()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["distill"])["model"]["codebook_size"] == 16
    with_encoder = tensors_of(page_file(codec, encoder=True))
    assert any(name.startswith("encoder.") for name in with_encoder)
