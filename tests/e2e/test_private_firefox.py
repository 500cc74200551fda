"""Private mode in Firefox: sounds of the kinds that it decodes are encoded in the page."""

import base64
import os
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from tests.e2e.test_private import tone
from tests.instrument.firefox import Firefox
from tests.waiting import until

FIND = "[...document.querySelectorAll('#{0} *')].find(part => part.{1})?.{1}"
MODE, GRID = FIND.format("private-switch", "privacy"), FIND.format("edit-grid", "grid")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory, app_url):
    program = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("This test needs Firefox: apt-get install firefox-esr, or set FIREFOX to its path.")
    browser = Firefox(program, tmp_path_factory.mktemp("profile"))
    browser.open(app_url)
    until(lambda: browser.evaluate(f"!!{MODE}?.served && !!{GRID}"))
    yield browser
    browser.close()


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg"])
def test_a_private_sound_is_encoded_in_firefox(firefox, example, tmp_path, kind):
    codec, _ = example
    source, path = tmp_path / "tone.wav", tmp_path / f"mine.{kind}"
    soundfile.write(source, tone(1.3, 48_000), 48_000)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", source, path], check=True)
    packed = base64.b64encode(path.read_bytes()).decode()
    file = f"new File([Uint8Array.from(atob('{packed}'), letter => letter.charCodeAt(0))], '{path.name}')"
    firefox.evaluate(f"{MODE}.open({file})")
    until(lambda: firefox.evaluate(f"{MODE}.value?.name") == path.name)
    assert firefox.evaluate(f"{MODE}.words") == ""
    grid = codec.encode(load_clip(path).waveform, SAMPLE_RATE)
    found = np.array(until(lambda: firefox.evaluate(f"Array.from({GRID}.indices)"))).reshape(3, 8, -1)
    assert found.shape == grid.indices.shape
    assert (found == grid.indices).mean() > 0.8


def test_what_firefox_cannot_read_is_refused_in_a_sentence(firefox):
    firefox.evaluate(f"{MODE}.open(new File([new Uint8Array(2000).fill(7)], 'mine.m4a'))")
    refused = "mine.m4a is no sound that this browser can read, and no grid of codes."
    until(lambda: firefox.evaluate(f"{MODE}.words") == refused)
