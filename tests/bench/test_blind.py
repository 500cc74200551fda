"""The page of the blind listening test holds the sounds of eight clips, and counts right."""

import base64
import io
import json
import re

import pytest
import soundfile

from distill.audio import SAMPLE_RATE
from distill.cli import main


@pytest.fixture
def page(codec_path, clip_folder, tmp_path):
    out = tmp_path / "blind.html"
    assert main(["blind", str(codec_path), str(clip_folder), "--out", str(out)]) == 0
    return out


def test_each_trial_has_the_original_and_two_different_sounds_of_its_length(page):
    trials = json.loads(re.search(r'id="trials">(.*?)</script>', page.read_text(), re.DOTALL)[1])
    assert len(trials) == 6  # the folder has six clips
    assert {trial["own"] for trial in trials} == {0, 1}
    for trial in trials:
        sounds = [soundfile.read(io.BytesIO(base64.b64decode(url.split(",")[1]))) for url in trial["sounds"]]
        assert [rate for _, rate in sounds] == [SAMPLE_RATE] * 3
        assert len({len(sound) for sound, _ in sounds}) == 1
        assert abs(sounds[1][0] - sounds[2][0]).max() > 0.01


def test_the_page_counts_how_often_the_codecs_own_vocoder_was_chosen(page, new_browser):
    view = new_browser("--autoplay-policy=no-user-gesture-required").new_page()
    view.goto(page.as_uri())
    own = view.evaluate("JSON.parse(document.getElementById('trials').textContent).map((trial) => trial.own)")
    for number, choice in enumerate(own):
        view.get_by_role("button", name="Original").click()
        chosen = choice if number < 4 else 1 - choice
        view.get_by_role("button", name="AB"[chosen] + " is closer").click()
    assert view.locator("#result").text_content() == "The codec's own vocoder was closer 4 times, Griffin-Lim 2 times."
    view.close()
