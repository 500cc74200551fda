"""A page for a blind listening test: which of two sounds is closer to the original?"""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE, Clip, GriffinLim
from distill.codec import Codec
from distill.errors import AudioError

PAIRS = 8
SECONDS = 4.0
"""Largest length of a sound in seconds."""
TEMPLATE = Path(__file__).with_name("blind.html")


def make_blind_page(codec: Codec, clips: Sequence[Clip], path: Path, *, seed: int = 0) -> None:
    """Write a page with eight clips, each decoded by the codec's own vocoder and by Griffin-Lim, in random order.

    The page tells after the last answer how often the codec's own vocoder was chosen. It is one file and needs no
    network.

    Parameters
    ----------
    codec : Codec
    clips : sequence of Clip
        Clips to choose from; eight of them are drawn at random, all if there are fewer.
    path : Path
        HTML file to write.
    seed : int
        Seed of the choice of clips and of the order of the sounds.

    Raises
    ------
    AudioError
        If there is no clip.
    """
    if not clips:
        raise AudioError("There is no clip to listen to.")
    random = np.random.default_rng(seed)
    griffin_lim, trials = GriffinLim(codec.log_mel), []
    for number in random.permutation(len(clips))[:PAIRS]:
        clip = clips[number]
        samples = min(len(clip.waveform), int(SECONDS * SAMPLE_RATE))
        log_mel = codec.decode_mel(codec.encode_clip(Clip(clip.name, clip.waveform[:samples])))
        ours, theirs = (vocoder(log_mel)[:samples].numpy() for vocoder in (codec.vocoder, griffin_lim))
        swapped = bool(random.integers(2))
        sounds = [clip.waveform[:samples], *((theirs, ours) if swapped else (ours, theirs))]
        trials.append({"sounds": [_data_url(sound) for sound in sounds], "own": int(swapped)})
    page = TEMPLATE.read_text(encoding="utf-8").replace("TRIALS", json.dumps(trials))
    path.write_text(page, encoding="utf-8")


def _data_url(sound: np.ndarray) -> str:
    """Encode a sound as a FLAC file in a URL."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(sound, -1, 1), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(file.getvalue()).decode()
