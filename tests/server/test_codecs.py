"""Visitors who load the same codec share one object, for as long as one of them uses it."""

import gc
import shutil
import threading
import weakref
from dataclasses import replace

import pytest

from distill.errors import CodecFileError
from distill.server.codecs import Codecs
from distill.settings import DEFAULTS


def test_uploads_of_the_same_codec_are_one_object(tmp_path, codec_path, other_codec_path):
    codecs = Codecs()
    paths = [shutil.copy(codec_path, tmp_path / f"{number}.distill") for number in range(4)]
    loaded = []
    threads = [threading.Thread(target=lambda path=path: loaded.append(codecs.load(path))) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 4
    assert len(set(map(id, loaded))) == 1
    assert codecs.load(other_codec_path).model_id != loaded[0].model_id


def test_a_codec_that_nobody_uses_any_more_is_forgotten(other_codec_path):
    codecs = Codecs()
    used = weakref.ref(codecs.load(other_codec_path))
    gc.collect()
    assert used() is None
    assert codecs.load(other_codec_path)


def test_a_file_that_is_no_codec_is_refused(tmp_path, codec_path, is_one_sentence):
    codecs = Codecs()
    (tmp_path / "no.distill").write_bytes(b"no")
    for path in (tmp_path / "no.distill", tmp_path / "missing.distill", tmp_path):
        with pytest.raises(CodecFileError) as refusal:
            codecs.load(path)
        assert is_one_sentence(refusal.value)
    codec = codecs.load(codec_path)
    with pytest.raises(CodecFileError, match="too large"):
        codecs.load(codec_path, settings=replace(DEFAULTS, codec_bytes=1000))
    assert codec
