"""The stems of a clip: what each level adds to the sound, and a folder of all for an audio workstation."""

import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE, write_wav
from distill.audio.wav_chunks import LoopPoints, add_chunks
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.codes.levels import level_names
from distill.editing.timing import Timing

Progress = Callable[[float], object]
COPIED_BYTES = 4 << 20
"""Bytes that are copied into a zip at a time."""


def stems(codec: Codec, grid: CodeGrid, progress: Progress = lambda share: None) -> Iterator[tuple[str, np.ndarray]]:
    """What each level adds to the sound of a grid.

    The stem of a level is the sound of the levels up to it, minus the sound of the levels before it. So the sum of all
    stems is the sound of the whole grid, but for the rounding of float32 sums: about 1e-7 of full scale.

    Parameters
    ----------
    codec : Codec
    grid : CodeGrid
        A grid of the codec.
    progress : callable, optional
        Called with the share that is done, 0 to 1, about every 12 s of decoded sound.

    Yields
    ------
    str
        Name of the level, the coarsest first.
    ndarray of float32 [num_samples]
        Its stem, at 44 100 Hz.
    """
    before: np.ndarray | float = 0.0
    for number, name in enumerate(level_names(grid.levels)):
        tell = partial(_tell, progress, number, grid.levels)
        sound = codec.decode(grid, levels=number + 1, progress=tell)
        yield name, (sound - before).astype(np.float32)
        before = sound


def _tell(progress: Progress, number: int, count: int, share: float) -> None:
    progress((number + share) / count)


def write_kit(
    path: Path, stem: str, codec: Codec, grid: CodeGrid, sound: np.ndarray, timing: Timing,
    progress: Progress = lambda share: None,
) -> None:  # fmt: skip
    """Write a clip as a zip for an audio workstation.

    It holds the whole sound and its loop as 16-bit WAV files, one 32-bit float WAV file for each level, the grid as NPZ
    and text, and a text that explains them. All WAV files have the tempo, and the whole sound has the points of the
    loop. If the sound is louder than full scale, it and its stems are made quieter by the same factor.

    Parameters
    ----------
    path : Path
        The zip to write; the files pass through the folder where it is.
    stem : str
        How the names of all files begin.
    codec : Codec
    grid : CodeGrid
    sound : ndarray of float32 [num_samples]
        The sound of the grid.
    timing : Timing
        Tempo and loop.
    progress : callable, optional
        Called as in :func:`stems`, and for each few MB that are written.
    """
    points = timing.points(len(sound))
    named = f"{stem}-{timing.tempo:.6g}bpm"
    first, stop = timing.samples(len(sound))
    loudest = max(1.0, float(np.abs(sound).max()))
    shares = [0.0]

    def tell(share: float) -> None:
        shares[0] = share
        progress(share)

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kit:

        def add(name: str, write: Callable[[Path], object]) -> None:
            """Add a file as it is: sound and arrays that are packed hardly become smaller."""
            file = path.with_name(name)
            write(file)
            packed = zipfile.ZipInfo.from_file(file, f"{stem}/{name}")
            with file.open("rb") as source, kit.open(packed, "w") as target:
                while block := source.read(COPIED_BYTES):
                    target.write(block)
                    progress(shares[0])
            file.unlink()

        add(f"{named}.wav", lambda file: write_wav(file, sound / loudest, points=points))
        if timing.loop:
            bare = LoopPoints((0, stop - first), timing.tempo, timing.bar)
            add(f"{named}-loop.wav", lambda file: write_wav(file, sound[first:stop] / loudest, points=bare))
        names = []
        for number, (level, each) in enumerate(stems(codec, grid, tell), start=1):
            names.append(f"{named}-{number}-{level.lower()}.wav")
            add(names[-1], partial(_write_float, waveform=each / np.float32(loudest), points=points))
        add(f"{stem}.npz", grid.save)
        kit.writestr(f"{stem}/{stem}-grid.txt", grid.to_text())
        kit.writestr(f"{stem}/read-me.txt", _explained(named, names, timing, len(sound)))


def _write_float(path: Path, waveform: np.ndarray, points: LoopPoints) -> None:
    soundfile.write(path, waveform, SAMPLE_RATE, "FLOAT", format="WAV")
    add_chunks(path, points, len(waveform))


def _explained(named: str, names: list[str], timing: Timing, num_samples: int) -> str:
    first, stop = timing.samples(num_samples)
    loop = f"The loop is samples {first} to {stop - 1} ({first / SAMPLE_RATE:.4f} to {stop / SAMPLE_RATE:.4f} s)."
    lines = [
        f"Tempo: {timing.tempo:.6g} beats per minute, {timing.bar} beats in a bar.",
        f"The first beat of a bar is at {timing.offset:.4f} s.",
        loop if timing.loop else "There is no loop.",
        f"{named}.wav is the whole sound, 16 bits.",
        "Samplers find the loop in its smpl chunk, hosts that stretch loops the tempo in its acid chunk.",
        *([f"{named}-loop.wav is the loop alone."] if timing.loop else []),
        f"The stems are {', '.join(names)}: what each level adds, 32-bit float.",
        "The sum of all stems at the same volume is the whole sound, before it was rounded to 16 bits.",
        "The .npz and the -grid.txt hold the codes; Distill opens both.",
    ]
    return "\n".join(lines) + "\n"
