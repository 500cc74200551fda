"""Sound files to clips: decode, check, mix to mono, resample; and clips back to WAV."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from distill.audio.archives import AUDIO_SUFFIXES, Room, is_zip, printable, unpack_zip
from distill.audio.decoder import Decoder
from distill.audio.decoding import DecodingError, Facts, decode
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.errors import AudioError, FullError
from distill.settings import DEFAULTS, MIB, Settings

MIN_CLIPS = 5
WRITTEN_SAMPLES = 12 * SAMPLE_RATE
"""Of a sound that is written, before others may be let by."""
SILENCE_PEAK = 1e-4  # -80 dBFS: under the noise of a 14-bit recording, nobody would call it sound


@dataclass(frozen=True, eq=False)
class Clip:
    """A mono sound with its name.

    Attributes
    ----------
    name : str
        File name without folders, as shown to people.
    waveform : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.

    Examples
    --------
    >>> Clip("silence.wav", np.zeros(22_050, dtype=np.float32)).seconds
    0.5
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


def new_decoder(settings: Settings = DEFAULTS) -> Decoder:
    """A process to decode strangers' files, for :func:`load_clip` and :func:`read_clips`; to be used in a ``with``.

    Examples
    --------
    >>> with new_decoder() as decoder:
    ...     load_clip("examples/clips/loop_amen.flac", decoder=decoder).name
    'loop_amen.flac'
    """
    return Decoder(
        asdict(settings),
        memory_bytes=settings.decoding_memory_bytes,
        seconds_in_all=settings.upload_decoding_seconds,
    )


def load_clip(
    path: str | os.PathLike[str],
    *,
    settings: Settings = DEFAULTS,
    decoder: Decoder | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Clip:
    """Decode one sound file; the content decides the format, not the name.

    Parameters
    ----------
    path : path-like
        WAV, FLAC, OGG, MP3 or AIFF, and M4A where there is ``ffmpeg``; from one hop (12 ms) to 10 minutes.
    settings : Settings
        Bounds the file, its length, its sample rate and its channels.
    decoder : Decoder, optional
        Decode in its process, where a file that was made to do harm can do none; in this one by default.
    tick : callable, optional
        Called after every few seconds of sound that the decoder has given.

    Returns
    -------
    Clip
        Mixed to mono, resampled to 44 100 Hz, scaled down if it was louder than full scale.

    Raises
    ------
    AudioError
        If the file is missing, empty, damaged, silent, too large, short or long, or holds NaN or infinite samples.

    Examples
    --------
    >>> clip = load_clip("examples/clips/loop_amen.flac")
    >>> clip.name, clip.waveform.dtype, round(clip.seconds, 2)
    ('loop_amen.flac', dtype('float32'), 1.75)
    """
    path = Path(path)
    name = printable(path.name)
    if not os.path.isfile(path):  # Path.is_file raises an error where a name is too long
        raise AudioError(f"{name} does not exist or is not a file.")
    num_bytes = path.stat().st_size
    if num_bytes == 0:
        raise AudioError(f"{name} is empty: the file has no bytes in it.")
    if num_bytes > settings.upload_file_bytes:
        raise AudioError(f"{name} is larger than {settings.upload_file_bytes / MIB:g} MB; please cut it.")
    try:
        sound = (
            decoder.decode(path, SAMPLE_RATE, name=name, tick=tick)
            if decoder
            else decode(path, SAMPLE_RATE, asdict(settings), name=name)
        )
    except DecodingError as error:
        raise AudioError(str(error)) from error
    except OSError as error:
        raise AudioError(f"{name} could not be opened.") from error
    _check(sound.facts, name)
    return Clip(name, _within_full_scale(sound.samples))


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

    Examples
    --------
    >>> stereo = np.sin(np.arange(22_050)[:, None] / 10) * [0.2, 0.4]
    >>> to_mono_44k(stereo, 22_050).shape
    (44100,)
    """
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    loudest, peak = (float(np.abs(each).max(initial=0)) for each in (mono, samples))
    _check(Facts(sample_rate, len(mono), loudest, peak), name)
    return _within_full_scale(soxr.resample(mono.astype(np.float32), sample_rate, SAMPLE_RATE))


def _check(facts: Facts, name: str) -> None:
    """Raise an AudioError if a sound is too short or silent."""
    if facts.num_frames < HOP_LENGTH * facts.sample_rate / SAMPLE_RATE:
        raise AudioError(f"{name} is too short: {facts.num_frames} samples, where sound starts at 12 ms.")
    if facts.loudest < SILENCE_PEAK:
        cancelled = " once its channels are mixed to one" if facts.peak > SILENCE_PEAK else ""
        raise AudioError(f"{name} is silent{cancelled}: nothing in it is louder than -80 dB.")


def _within_full_scale(waveform: np.ndarray) -> np.ndarray:
    return waveform / max(1.0, float(np.abs(waveform).max()))


def read_clips(
    paths: Iterable[str | os.PathLike[str]],
    *,
    settings: Settings = DEFAULTS,
    decoder: Decoder | None = None,
    folder: str | os.PathLike[str] | None = None,
    once: bool = False,
    tick: Callable[[int], object] = lambda count: None,
    take: Callable[[int], object] = lambda num_bytes: None,
) -> Iterator[Clip | Refusal]:
    """Decode files one after another, so that a bad one costs only itself.

    Parameters
    ----------
    paths : iterable of path-like
        Sound files, zip archives of them, and folders, which are searched for names that end like sound. A file named
        directly is tried whatever its name, so that a wrong one is reported rather than ignored.
    settings : Settings
        Bounds each clip and all of them.
    decoder : Decoder, optional
        As :func:`load_clip` takes it.
    folder : path-like, optional
        Where archives are unpacked, a file at a time; the system's place for temporary files by default.
    once : bool
        Read no file twice: one that has the bytes of an earlier one is refused.
    tick : callable, optional
        Called with the number of files so far, within each of them after every few seconds of sound.
    take : callable, optional
        Called with the bytes of a file before it is unpacked, and with as many below 0 once it is deleted; an error
        that it raises ends the reading.

    Yields
    ------
    Clip or Refusal
        One for each file, in order. Past 500 clips or two hours of sound in all, the rest are refused; past 600 files
        there is one refusal for all.

    Raises
    ------
    FullError
        If an archive cannot be unpacked because there is no place or no room for it.

    Examples
    --------
    >>> for item in read_clips(["examples/clips/loop_tabla.flac", "examples/CREDITS.md"]):
    ...     print(type(item).__name__, item.name)
    Clip loop_tabla.flac
    Refusal CREDITS.md
    """
    accepted, seconds = 0, 0.0
    earlier: dict[bytes, str] = {}
    with _temporary_folder(folder) as unpacked:
        for number, item in enumerate(_find_audio(paths, unpacked, settings, take, once=once)):
            name = printable(item.name)
            if number == settings.upload_files:
                reason = f"{name} and all after it were left out: {settings.upload_files} files are the most at once."
                yield Refusal(name, reason)
                return
            if isinstance(item, Refusal):
                yield item
                continue
            if accepted == settings.set_clips:
                reason = f"{name} was left out: {settings.set_clips} clips are the most that one codec takes."
                yield Refusal(name, reason)
                continue
            too_much = f"{name} was left out: with it the set would hold more than {_duration(settings.set_seconds)}"
            if seconds > settings.set_seconds - HOP_LENGTH / SAMPLE_RATE:  # not even the shortest clip fits
                yield Refusal(name, f"{too_much} of sound.")
                continue
            content = _content(item, settings) if once else None
            if content in earlier:
                yield Refusal(name, f"{name} was left out: it is the same file as {earlier[content]}.")
                continue
            if content is not None:
                earlier[content] = name
            try:
                clip = load_clip(item, settings=settings, decoder=decoder, tick=partial(tick, number))
            except AudioError as error:
                yield Refusal(name, str(error))
                continue
            if seconds + clip.seconds > settings.set_seconds:
                yield Refusal(name, f"{too_much} of sound.")
                continue
            accepted, seconds = accepted + 1, seconds + clip.seconds
            yield clip


def _duration(seconds: float) -> str:
    return "two hours" if seconds == 7200 else f"{seconds / 60:g} minutes"


@contextlib.contextmanager
def _temporary_folder(parent: str | os.PathLike[str] | None) -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(dir=parent)
    except OSError as error:
        raise FullError(
            "There is no place for temporary files that can be written now; please try again later."
        ) from error
    with folder as path:
        yield Path(path)


def _content(path: Path, settings: Settings) -> bytes | None:
    """What tells files of other bytes apart; None for one that cannot be read, or is too large to be."""
    try:
        if not os.path.isfile(path) or not 0 < path.stat().st_size <= settings.upload_file_bytes:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def _find_audio(
    paths: Iterable[str | os.PathLike[str]],
    unpacked: Path,
    settings: Settings,
    take: Callable[[int], object],
    *,
    once: bool,
) -> Iterator[Path | Refusal]:
    room, earlier = Room(settings.zip_bytes), set[Path]()
    for number, path in enumerate(map(Path, paths)):
        if once and path in earlier:
            yield Refusal(printable(path.name), f"{printable(path.name)} was left out: it is named twice.")
            continue
        earlier.add(path)
        if os.path.isdir(path):
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file())
        elif is_zip(path):
            folder, name = unpacked / str(number), printable(path.name)
            folder.mkdir()
            try:
                for item in unpack_zip(path, folder, settings=settings, room=room, take=take):
                    if isinstance(item, Path):
                        yield item
                        item.unlink()
                    else:
                        yield Refusal(name, str(item))
            except AudioError as error:
                yield Refusal(name, str(error))
        else:
            yield path


def write_wav(
    path: str | os.PathLike[str], waveform: np.ndarray, progress: Callable[[float], object] | None = None
) -> None:
    """Write a 16-bit WAV at 44 100 Hz, scaled down if the waveform is louder than full scale; ``progress`` is called
    with the share that is written, 0 to 1, every 12 s of sound.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_wav(f"{folder}/sine.wav", np.sin(np.arange(44_100) / 10))
    ...     load_clip(f"{folder}/sine.wav").seconds
    1.0
    """
    _write(path, waveform, "WAV", progress)


def write_flac(
    path: str | os.PathLike[str], waveform: np.ndarray, progress: Callable[[float], object] | None = None
) -> None:
    """Write a 16-bit FLAC file, as :func:`write_wav` does a WAV."""
    _write(path, waveform, "FLAC", progress)


def _write(
    path: str | os.PathLike[str], waveform: np.ndarray, kind: str, progress: Callable[[float], object] | None
) -> None:
    parts = [slice(start, start + WRITTEN_SAMPLES) for start in range(0, len(waveform), WRITTEN_SAMPLES)]
    loudest = max([1.0, *(float(np.abs(waveform[part]).max()) for part in parts)])
    with (
        open(path, "wb") as file,  # a file that cannot be opened is then an OSError with its name
        soundfile.SoundFile(file, "w", SAMPLE_RATE, 1, "PCM_16", format=kind) as sound,
    ):
        for number, part in enumerate(parts, start=1):
            sound.write(waveform[part] / loudest)
            if progress:
                progress(number / len(parts))
