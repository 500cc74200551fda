"""Read sound files as clips (decode, check, mix to mono, resample), and write clips as WAV or FLAC."""

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

from distill.audio.archives import printable
from distill.audio.decoder import Decoder
from distill.audio.decoding import DecodingError, Facts, decode
from distill.audio.finding import PassedOver, Refusal, Untold, find_sounds
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.audio.loudness import within_full_scale
from distill.audio.wav_chunks import LoopPoints, add_chunks
from distill.errors import AudioError, FullError, PassingError
from distill.settings import DEFAULTS, MIB, Settings

MIN_CLIPS = 5
"""Smallest number of clips that a codec is trained on."""
WRITTEN_SAMPLES = 12 * SAMPLE_RATE
"""Samples that are written at a time; after each such piece, ``progress`` is called and may let other work go first."""
SILENCE_PEAK = 1e-4  # -80 dBFS, less than one step of a 14-bit recording


@dataclass(frozen=True, eq=False)
class Clip:
    """A mono sound with its name.

    Attributes
    ----------
    name : str
        File name without folders, as shown to people.
    waveform : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.
    note : str
        A sentence that says what of the file's sound is missing; "" if nothing is.

    Examples
    --------
    >>> Clip("silence.wav", np.zeros(22_050, dtype=np.float32)).seconds
    0.5
    """

    name: str
    waveform: np.ndarray
    note: str = ""

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return len(self.waveform) / SAMPLE_RATE


def new_decoder(settings: Settings = DEFAULTS) -> Decoder:
    """Make a process in which :func:`load_clip` and :func:`read_clips` decode untrusted files; use it in a ``with``.

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
        A sound file (WAV, AIFF, FLAC, MP3, OGG, M4A, WebM, CAF, WMA and some more) or a film with sound; from one hop
        (12 ms) to 10 minutes.
    settings : Settings
        Limits of the file's size, length, sample rate and channels.
    decoder : Decoder, optional
        A process to decode in, where a malicious file can do no harm; by default, the file is decoded in this process.
    tick : callable, optional
        Called after every few seconds of decoded sound, if there is a ``decoder``.

    Returns
    -------
    Clip
        The sound mixed to mono, resampled to 44 100 Hz, and scaled down if it was louder than full scale. Of a damaged
        file, it is what could be read; its ``note`` says so.

    Raises
    ------
    AudioError
        If the file is missing, empty, silent, too large, too short or too long, is no sound, gives none of its sound,
        holds NaN or infinite samples, or is all but inaudible beside its peak. A PassingError if that is not about
        its content.

    Examples
    --------
    >>> clip = load_clip("examples/clips/loop_amen.flac")
    >>> clip.name, clip.waveform.dtype, round(clip.seconds, 2)
    ('loop_amen.flac', dtype('float32'), 1.75)
    """
    path = Path(path)
    name = printable(path.name)
    if not os.path.isfile(path):  # Path.is_file raises an error for a name that is too long
        raise PassingError(f"{name} does not exist or is not a file.")
    try:
        num_bytes = path.stat().st_size
    except OSError as error:
        raise PassingError(f"{name} could not be opened.") from error
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
        raise (PassingError if error.may_pass else AudioError)(str(error)) from error
    except OSError as error:
        raise PassingError(f"{name} could not be opened.") from error
    _check(sound.facts, name)
    return Clip(name, within_full_scale(sound.samples, name), _note(sound.facts, name))


def _note(facts: Facts, name: str) -> str:
    """Sentence about the missing parts of a file's sound; "" if none is missing."""
    seconds = facts.num_frames / facts.sample_rate
    if facts.announced_seconds:
        return (
            f"{name} is cut short: of the {facts.announced_seconds:.2f} s that it announces, {seconds:.2f} s are there "
            "and are used."
        )
    if facts.lost_packets:
        return f"{name} is damaged: parts of it could not be read; the rest, {seconds:.2f} s, is used."
    return ""


def to_mono_44k(samples: np.ndarray, sample_rate: int, *, name: str = "The clip") -> np.ndarray:
    """Mix a sound to mono and resample it to 44 100 Hz.

    Parameters
    ----------
    samples : ndarray [samples] or [samples, channels]
        Finite amplitudes.
    sample_rate : int
        Sample rate of ``samples``, in Hz.
    name : str
        Name of the sound in an error message.

    Returns
    -------
    ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz; scaled down if the sound was louder than full scale.

    Raises
    ------
    AudioError
        If the sound is shorter than one hop (12 ms) or silent, or all but inaudible beside its peak.

    Examples
    --------
    >>> stereo = np.sin(np.arange(22_050)[:, None] / 10) * [0.2, 0.4]
    >>> to_mono_44k(stereo, 22_050).shape
    (44100,)
    """
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    loudest, peak = (float(np.abs(each).max(initial=0)) for each in (mono, samples))
    _check(Facts(sample_rate, len(mono), loudest, peak), name)
    return within_full_scale(soxr.resample(mono.astype(np.float32), sample_rate, SAMPLE_RATE), name)


def _check(facts: Facts, name: str) -> None:
    """Raise an AudioError if a sound is too short or silent."""
    if facts.num_frames < HOP_LENGTH * facts.sample_rate / SAMPLE_RATE:
        raise AudioError(f"{name} is too short: {facts.num_frames} samples, where sound starts at 12 ms.")
    if facts.loudest < SILENCE_PEAK:
        cancelled = " once its channels are mixed to one" if facts.peak > SILENCE_PEAK else ""
        raise AudioError(f"{name} is silent{cancelled}: nothing in it is louder than -80 dB.")


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
    """Decode files one after another. A file that cannot be read is refused, and the others are still read.

    Parameters
    ----------
    paths : iterable of path-like
        Sound files, zip archives of sound files, and folders. The content of a file decides whether it is a sound or
        an archive, wherever the file is. Folders are searched with their sub-folders, archives and links.
    settings : Settings
        Limits of each clip and of all clips together.
    decoder : Decoder, optional
        A process to decode in, as in :func:`load_clip`.
    folder : path-like, optional
        Folder in which archives are unpacked, one file at a time; by default, the system's folder for temporary files.
    once : bool
        Refuse a path that is named twice, and a file with the same bytes as an earlier file.
    tick : callable, optional
        Called with the index of the file that is being read, from 0, after every few seconds of decoded sound, if
        there is a ``decoder``.
    take : callable, optional
        Called with the size of a file in bytes before it is unpacked from an archive, and with the negative size after
        the file was deleted. An error that ``take`` raises ends the reading.

    Yields
    ------
    Clip or Refusal
        One for each file, in order. With default settings, a clip is refused if it would be the 501st or would make
        the sound longer than two hours in all; one refusal stands for all sounds after the 600th. Files that are no
        sound are named one by one up to the 20th of a folder or an archive, and up to the 200th in all; one refusal
        for each folder or archive stands for the others, and one for all companion files of macOS and Windows.

    Raises
    ------
    FullError
        If an archive cannot be unpacked because the folder for temporary files is full or cannot be written.

    Examples
    --------
    >>> for item in read_clips(["examples/clips/loop_tabla.flac", "examples/CREDITS.md"]):
    ...     print(type(item).__name__, item.name)
    Clip loop_tabla.flac
    Refusal CREDITS.md
    """
    accepted, seconds, number = 0, 0.0, 0
    earlier: dict[bytes, str] = {}
    untold = Untold()
    with _temporary_folder(folder) as unpacked:
        for item in find_sounds(paths, unpacked, settings, take, once=once):
            name = printable(item.name)
            if isinstance(item, PassedOver):
                tick(number)
                if not untold.add(item):
                    yield item
                continue
            if number == settings.upload_files:
                reason = f"{name} and all after it were left out: {settings.upload_files} files are the most at once."
                yield Refusal(name, reason)
                break
            number += 1
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
                clip = load_clip(item, settings=settings, decoder=decoder, tick=partial(tick, number - 1))
            except AudioError as error:
                yield Refusal(name, str(error))
                continue
            if seconds + clip.seconds > settings.set_seconds:
                yield Refusal(name, f"{too_much} of sound.")
                continue
            accepted, seconds = accepted + 1, seconds + clip.seconds
            yield clip
    yield from untold.told()


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
    """SHA-256 digest of a file's content; None if the file cannot be read, is empty, or is too large."""
    try:
        if not os.path.isfile(path) or not 0 < path.stat().st_size <= settings.upload_file_bytes:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def write_wav(
    path: str | os.PathLike[str],
    waveform: np.ndarray,
    progress: Callable[[float], object] | None = None,
    *,
    points: LoopPoints | None = None,
) -> None:
    """Write a 16-bit WAV file at 44 100 Hz; the waveform is scaled down if it is louder than full scale.

    Parameters
    ----------
    path : path-like
        The file to write.
    waveform : ndarray of float32 [samples]
        Amplitude at 44 100 Hz.
    progress : callable, optional
        Called with the share that is written, 0 to 1, after every 12 s of sound.
    points : LoopPoints, optional
        The loop and the tempo that samplers and audio workstations read; they are written after the samples.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_wav(f"{folder}/sine.wav", np.sin(np.arange(44_100) / 10))
    ...     load_clip(f"{folder}/sine.wav").seconds
    1.0
    """
    _write(path, waveform, "WAV", progress)
    if points:
        add_chunks(path, points, len(waveform))


def write_flac(
    path: str | os.PathLike[str], waveform: np.ndarray, progress: Callable[[float], object] | None = None
) -> None:
    """Write a 16-bit FLAC file; the parameters are those of :func:`write_wav`."""
    _write(path, waveform, "FLAC", progress)


def _write(
    path: str | os.PathLike[str], waveform: np.ndarray, kind: str, progress: Callable[[float], object] | None
) -> None:
    parts = [slice(start, start + WRITTEN_SAMPLES) for start in range(0, len(waveform), WRITTEN_SAMPLES)]
    loudest = max([1.0, *(float(np.abs(waveform[part]).max()) for part in parts)])
    with (
        open(path, "wb") as file,  # open() names the file in its OSError
        soundfile.SoundFile(file, "w", SAMPLE_RATE, 1, "PCM_16", format=kind) as sound,
    ):
        for number, part in enumerate(parts, start=1):
            sound.write(waveform[part] / loudest)
            if progress:
                progress(number / len(parts))
