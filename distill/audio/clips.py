"""Sound files to clips: decode, check, mix to mono, resample; and clips back to WAV."""

import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile
import soxr

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.errors import AudioError

MIN_CLIPS, MAX_CLIPS = 5, 500
MAX_CLIP_SECONDS = 10 * 60
MAX_TOTAL_SECONDS = 120 * 60
MAX_ARCHIVE_BYTES = 2 * 1024**3
SILENCE_PEAK = 1e-4  # -80 dBFS: under the noise of a 14-bit recording, nobody would call it sound
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")


@dataclass(frozen=True, eq=False)
class Clip:
    """A mono sound with its name.

    Attributes
    ----------
    name : str
        File name without folders, as shown to people.
    waveform : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.
    """

    name: str
    waveform: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.waveform) / SAMPLE_RATE


@dataclass(frozen=True)
class Refusal:
    """A file that was left out, and the one sentence that says why."""

    name: str
    reason: str


def load_clip(path: str | os.PathLike[str]) -> Clip:
    """Decode one sound file; the content decides the format, not the name.

    Parameters
    ----------
    path : path-like
        WAV, FLAC, OGG, MP3 or AIFF, of any sample rate and number of channels, from one hop (12 ms) to 10 minutes.

    Returns
    -------
    Clip
        Mixed to mono, resampled to 44 100 Hz, scaled down if it was louder than full scale.

    Raises
    ------
    AudioError
        If the file is missing, empty, damaged, silent, too short or too long, or holds NaN or infinite samples.
    """
    path = Path(path)
    name = path.name
    if not path.is_file():
        raise AudioError(f"{name} does not exist or is not a file.")
    if path.stat().st_size == 0:
        raise AudioError(f"{name} is empty: the file has no bytes in it.")
    try:
        with soundfile.SoundFile(path) as file:
            seconds = file.frames / file.samplerate
            if seconds > MAX_CLIP_SECONDS:
                raise AudioError(
                    f"{name} lasts {seconds / 60:.1f} minutes; clips of up to {MAX_CLIP_SECONDS // 60} minutes work, "
                    "so please cut it."
                )
            sample_rate, samples = file.samplerate, file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise AudioError(
            f"{name} could not be read as sound: it is damaged, cut short, or not a WAV, FLAC, OGG, MP3 or AIFF file."
        ) from error
    if not np.isfinite(samples).all():
        raise AudioError(f"{name} holds samples that are not numbers (NaN or infinite); please export it again.")
    return Clip(name, to_mono_44k(samples, sample_rate, name=name))


def to_mono_44k(samples: np.ndarray, sample_rate: int, *, name: str = "The clip") -> np.ndarray:
    """Mix to mono and resample.

    Parameters
    ----------
    samples : ndarray [samples] or [samples, channels]
        Finite amplitudes.
    sample_rate : int
        Their rate, in Hz.
    name : str
        What to call the sound in an error.

    Returns
    -------
    ndarray of float32 [samples]
        At 44 100 Hz, peak at most 1.

    Raises
    ------
    AudioError
        If it is shorter than one hop (12 ms) or silent.
    """
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    if len(mono) < HOP_LENGTH * sample_rate / SAMPLE_RATE:
        raise AudioError(f"{name} is too short: {len(mono)} samples, where sound starts at 12 ms.")
    peak = np.abs(mono).max()
    if peak < SILENCE_PEAK:
        cancelled = " once its channels are mixed to one" if np.abs(samples).max() > SILENCE_PEAK else ""
        raise AudioError(f"{name} is silent{cancelled}: nothing in it is louder than -80 dB.")
    mono = soxr.resample(mono.astype(np.float32), sample_rate, SAMPLE_RATE)
    return mono / max(1.0, float(np.abs(mono).max()))


def read_clips(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Clip | Refusal]:
    """Decode files one after another, so that a bad one costs only itself.

    Parameters
    ----------
    paths : iterable of path-like
        Sound files, zip archives of them, and folders, which are searched for names that end like sound. A file named
        directly is tried whatever its name, so that a wrong one is reported rather than ignored.

    Yields
    ------
    Clip or Refusal
        One for each file, in order. Past 500 clips or two hours of sound in all, the rest are refused.
    """
    accepted, seconds = 0, 0.0
    with tempfile.TemporaryDirectory() as unpacked:
        for item in _find_audio(paths, Path(unpacked)):
            if isinstance(item, Refusal):
                yield item
                continue
            name = item.name
            if accepted == MAX_CLIPS:
                yield Refusal(name, f"{name} was left out: {MAX_CLIPS} clips are the most that one codec takes.")
                continue
            try:
                clip = load_clip(item)
            except AudioError as error:
                yield Refusal(name, str(error))
                continue
            if seconds + clip.seconds > MAX_TOTAL_SECONDS:
                yield Refusal(name, f"{name} was left out: with it the set would hold more than two hours of sound.")
                continue
            accepted, seconds = accepted + 1, seconds + clip.seconds
            yield clip


def _find_audio(paths: Iterable[str | os.PathLike[str]], unpacked: Path) -> Iterator[Path | Refusal]:
    for number, path in enumerate(map(Path, paths)):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file())
        elif path.suffix.lower() == ".zip":
            folder = unpacked / str(number)
            folder.mkdir()
            try:
                yield from unpack_zip(path, folder)
            except AudioError as error:
                yield Refusal(path.name, str(error))
        else:
            yield path


def unpack_zip(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write the sound files of a zip archive into a folder, each under its bare file name.

    Parameters
    ----------
    path : path-like
        The archive. Members that do not end like sound are passed over.
    folder : path-like
        An existing, empty folder. Each member gets a sub-folder of its own, so equal names do not collide.

    Returns
    -------
    list of Path
        The files, in the archive's order.

    Raises
    ------
    AudioError
        If it is not a zip archive that can be opened, holds no sound files, or unpacks to more than 2 GiB.
    """
    name, written = Path(path).name, []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(AUDIO_SUFFIXES)]
            members = [m for m in members if not _bare_name(m).startswith("._")][: MAX_CLIPS * 2]
            if sum(member.file_size for member in members) > MAX_ARCHIVE_BYTES:
                raise AudioError(f"{name} unpacks to more than 2 GB; please split it.")
            for number, member in enumerate(members):
                target = Path(folder) / str(number) / _bare_name(member)
                target.parent.mkdir()
                with archive.open(member) as source, target.open("wb") as destination:
                    shutil.copyfileobj(source, destination)
                written.append(target)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise AudioError(f"{name} is not a zip archive that can be opened.") from error
    if not written:
        raise AudioError(f"{name} holds no sound files.")
    return written


def _bare_name(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name


def write_wav(path: str | os.PathLike[str], waveform: np.ndarray) -> None:
    """Write a 16-bit WAV at 44 100 Hz, scaled down if the waveform is louder than full scale."""
    _write(path, waveform, "WAV")


def write_flac(path: str | os.PathLike[str], waveform: np.ndarray) -> None:
    """Write a 16-bit FLAC file at 44 100 Hz, scaled down if the waveform is louder than full scale."""
    _write(path, waveform, "FLAC")


def _write(path: str | os.PathLike[str], waveform: np.ndarray, kind: str) -> None:
    scaled = waveform / max(1.0, float(np.abs(waveform).max(initial=0.0)))
    with open(path, "wb") as file:  # a file that cannot be opened is then an OSError with its name
        soundfile.write(file, scaled, SAMPLE_RATE, format=kind, subtype="PCM_16")
