"""The training sounds of the base model: many kinds, free to use, and available without a download.

The sounds are recordings from a folder (Debian's ``sonic-pi-samples`` is CC0), short arrangements played through a
General MIDI SoundFont, synthetic speech, and synthesized sweeps, noises and percussion. Arrangements need
``fluidsynth`` and ``mido``; speech needs ``espeak-ng``. If a program is not installed, its kind of sound is left out.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr

from distill.audio import SAMPLE_RATE, Clip, load_clip, read_clips
from distill.errors import AudioError

SENTENCES = (
    "The quick brown fox jumps over the lazy dog while seven quiet owls watch from the ridge.",
    "She sells sea shells by the shore, and checks each box of fresh fish with great care.",
    "Please call again tomorrow: bring five big bags of sugar, three forks, and a thin rope.",
    "Thunder rolled through the valley; children laughed, doors slammed, and the old clock struck twelve.",
)
SOUNDFONTS = (Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"))
"""Where Debian's packages ``fluid-soundfont-gm`` and ``musescore-general-soundfont-small`` lie."""
SPEEDS = (1.0, 0.75, 1.33)
"""Playback speeds of each recording. A lower speed also lowers the pitch."""
VOICES = ("en", "en-us+f3", "de", "fr+f2", "it", "es+m4", "pl", "sv+f4", "tr", "pt-br", "nl+m7", "fi", "ja", "ru+f1")


def base_sounds(
    recordings: Path,
    soundfonts: Sequence[Path],
    *,
    leave_out: str = "",
    arrangements: int = 700,
    synthetic: int = 350,
    seed: int = 0,
) -> Iterator[Clip]:
    """Generate all sounds, one clip at a time. The same seed and the same programs give the same sounds.

    Parameters
    ----------
    recordings : Path
        Folder of sound files.
    soundfonts : sequence of Path
        Files of General MIDI SoundFonts for ``fluidsynth``, which play the arrangements in turn. Missing ones are left
        out.
    leave_out : str
        Prefix of file names. Recordings with this prefix are not used, so that a benchmark can test on them. "" leaves
        out nothing.
    arrangements, synthetic : int
        Number of arrangements, and number of synthesized clips.
    seed : int
        Seed of all random choices.

    Raises
    ------
    AudioError
        If ``recordings`` is not a folder.
    """
    if not recordings.is_dir():
        raise AudioError(f"{recordings.name} is not a folder of recordings.")
    random = np.random.default_rng(seed)
    for item in read_clips([recordings]):
        if isinstance(item, Clip) and not (leave_out and item.name.startswith(leave_out)):
            for speed in SPEEDS:
                played = soxr.resample(item.waveform, SAMPLE_RATE, SAMPLE_RATE / speed)
                yield Clip(f"{item.name} at {speed:g}", played.astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        fonts = [path for path in soundfonts if path.exists()]
        if shutil.which("fluidsynth") and find_spec("mido") and fonts:
            for number in range(arrangements):
                soundfont = fonts[number % len(fonts)]
                path = Path(folder) / f"arrangement-{number}.wav"
                yield from _usable(partial(_arrangement, random, soundfont, path))
        if shutil.which("espeak-ng"):
            for number, (voice, sentence) in enumerate((v, s) for v in VOICES for s in SENTENCES):
                path = Path(folder) / f"speech-{number}.wav"
                yield from _usable(partial(_speech, random, voice, sentence, path))
    for number in range(synthetic):
        waveform = _synthetic(random)
        yield Clip(
            f"synthetic-{number}", (waveform / np.abs(waveform).max() * random.uniform(0.2, 1)).astype(np.float32)
        )


def _usable(make: Callable[[], Path]) -> Iterator[Clip]:
    try:
        yield load_clip(make())
    except (AudioError, subprocess.CalledProcessError):
        return  # an instrument without a sound for these notes, or a voice that is not installed


def _arrangement(random: np.random.Generator, soundfont: Path, path: Path) -> Path:
    """Write a random arrangement of two bars to a sound file: up to three instruments, in most cases with drums."""
    import mido

    beat = 480
    events: list[tuple[int, int, int, mido.Message]] = []

    def note(channel: int, key: int, start: float, length: float, velocity: int) -> None:
        on, off = int(start * beat), int((start + length) * beat)
        events.append((on, 1, key, mido.Message("note_on", channel=channel, note=key, velocity=velocity)))
        events.append((off, 0, key, mido.Message("note_off", channel=channel, note=key)))

    root, scale = int(random.integers(0, 12)), (0, 2, 3, 5, 7, 8, 10)
    drums = random.random() < 0.7
    for channel in range(int(random.integers(0 if drums else 1, 4))):
        program = mido.Message("program_change", channel=channel, program=int(random.integers(0, 128)))
        events.append((0, -1, 0, program))
        octave, step = int(random.integers(2, 7)), float(random.choice([0.25, 0.5, 1, 2, 4]))
        chord = (0, 2, 4) if step >= 1 and random.random() < 0.5 else (0,)
        for start in np.arange(0, 8, step):
            degree = int(random.integers(0, 7))
            for third in chord:
                key = 12 * octave + root + scale[(degree + third) % 7] + 12 * ((degree + third) // 7)
                if random.random() < 0.85:
                    note(channel, key, float(start), step * random.uniform(0.3, 1), int(random.integers(50, 127)))
    if drums:
        for key in (36, 38, 42, *random.integers(35, 82, size=3)):
            step, chance = float(random.choice([0.25, 0.5, 1])), random.uniform(0.2, 0.8)
            for start in np.arange(0, 8, step):
                if random.random() < chance:
                    note(9, int(key), float(start), 0.2, int(random.integers(40, 127)))
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(int(random.integers(80, 170))))])
    now = 0
    for when, _, _, message in sorted(events, key=lambda event: event[:3]):
        track.append(message.copy(time=when - now))
        now = when
    score = path.with_suffix(".mid")
    mido.MidiFile(ticks_per_beat=beat, tracks=[track]).save(score)
    effects = ["-R", str(int(random.random() < 0.5)), "-C", "0"]
    command = ["fluidsynth", "-q", "-n", "-i", *effects, "-g", "0.6", "-r", str(SAMPLE_RATE), "-F", str(path)]
    subprocess.run([*command, str(soundfont), str(score)], check=True, capture_output=True)
    return path


def _speech(random: np.random.Generator, voice: str, sentence: str, path: Path) -> Path:
    speed, pitch = str(random.integers(120, 210)), str(random.integers(20, 80))
    command = ["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "-w", str(path), sentence]
    subprocess.run(command, check=True, capture_output=True)
    return path


def _synthetic(random: np.random.Generator) -> np.ndarray:
    """Synthesize 3 to 7 s of random tones, sweeps, noises and hits."""
    seconds = random.uniform(3, 7)
    out = np.zeros(int(seconds * SAMPLE_RATE))
    start = 0.0
    while start < seconds - 0.05:
        length = min(seconds - start, float(np.exp(random.uniform(np.log(0.08), np.log(2.5)))))
        t = np.arange(int(length * SAMPLE_RATE)) / SAMPLE_RATE
        low, high = np.exp(random.uniform(np.log(40), np.log(8000), size=2))
        frequency = low * (high / low) ** (t / length) if random.random() < 0.5 else np.full_like(t, low)
        phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
        partials = range(1, int(random.integers(2, 12)))
        tone = sum(np.sin(k * phase) / k ** random.uniform(0.5, 2) for k in partials if k * frequency.max() < 20_000)
        noise = random.standard_normal(len(t))
        smooth = int(random.choice([1, 2, 4, 16, 64]))
        noise = np.convolve(noise, np.ones(smooth) / smooth, mode="same")
        blend = random.choice([0, random.random(), 1])
        decay = np.exp(-t / (length * random.uniform(0.05, 1)))
        attack = np.minimum(1, t / random.choice([0.001, 0.01, 0.1]))
        begin = int(start * SAMPLE_RATE)
        out[begin : begin + len(t)] += ((1 - blend) * tone + blend * noise) * decay * attack * random.uniform(0.1, 1)
        start += length * random.uniform(0.3, 1.2)
    return out + random.standard_normal(len(out)) * 10 ** random.uniform(-5, -2)
