"""One clip at a time, as workers do it: a file to a row of codes, a row to a sound file, a file to its errors.

A worker takes an item and returns an answer, both dicts that JSON can hold. It knows neither tables nor other workers.
"""

import contextlib
import io
import json
import math
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from distill.audio import SAMPLE_RATE, Clip, load_clip
from distill.audio.decoder import Decoder
from distill.codec import Codec
from distill.codec.evaluation import Tally
from distill.codes import CodeGrid
from distill.errors import AudioError, ConfigError, PassingError, ScaleError
from distill.settings import DEFAULTS

Item = dict[str, Any]
Answer = dict[str, Any]
Worker = Callable[[Item], Answer]
UNFINISHED = ".unfinished"
"""End of the name of a file that is being written."""


@dataclass(frozen=True)
class Job:
    """What all items of a set have in common; JSON can hold it.

    Attributes
    ----------
    task : str
        "encode", "decode" or "evaluate".
    codec : str
        Path of the ``.distill`` file.
    folder : str
        Absolute path of the folder that sounds are read from or written to.
    vocoder : str
        Name of the vocoder, as :class:`~distill.codec.Codec` takes it.
    """

    task: str
    codec: str
    folder: str
    vocoder: str = "neural"


def encode_file(codec: Codec, path: Path, decoder: Decoder | None = None) -> Answer:
    """Encode a sound file to what a row of the table says of it.

    Parameters
    ----------
    codec : Codec
    path : Path
        The sound file, up to ten minutes long.
    decoder : Decoder, optional
        A process to decode in, as for :func:`~distill.audio.load_clip`.

    Returns
    -------
    dict
        ``codes`` (nested lists [levels, rows, columns]), ``num_frames``, ``num_samples`` (at 44 100 Hz), ``note``. Of a
        file that is no clip, only ``reason``, a sentence, and ``may_pass`` if that is not about its content.

    Examples
    --------
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> row = encode_file(codec, Path("examples/clips/loop_amen.flac"))
    >>> np.shape(row["codes"]), row["num_frames"]
    ((3, 8, 10), 152)
    >>> encode_file(codec, Path("examples/CREDITS.md"))["reason"]
    'CREDITS.md could not be read as sound: it is text.'
    """
    clip = _clip_or_reason(path, decoder)
    if not isinstance(clip, Clip):
        return clip
    grid = codec.encode_clip(clip)
    facts = {"num_frames": grid.num_frames, "num_samples": grid.num_samples, "note": clip.note or None}
    return {"codes": grid.indices.tolist(), **facts}


def decode_row(codec: Codec, row: Item, folder: Path, unfinished_in: Path | None = None) -> Answer:
    """Decode the codes of a row and write the sound; until it is whole, the file has another name.

    Parameters
    ----------
    codec : Codec
    row : dict
        ``codes`` [levels, rows, columns], ``num_frames``, ``num_samples``, and ``out``, the file's path in the folder,
        with slashes; it ends with ".wav" or ".flac".
    folder : Path
    unfinished_in : Path, optional
        As for :func:`whole_file`.

    Returns
    -------
    dict
        ``seconds`` of sound.

    Raises
    ------
    ScaleError
        If the file cannot be written, for instance because the disk is full.
    GridError
        If the row is no grid of the codec.
    """
    lengths = row["num_frames"], codec.model_id, codec.codebook_size, row["num_samples"], codec.time_stride
    waveform = codec.decode(CodeGrid(np.array(row["codes"]), *lengths))
    path = folder / row["out"]
    sound = io.BytesIO()  # where the disk is full, soundfile would print tracebacks
    kind = path.suffix.lstrip(".").upper()
    soundfile.write(sound, waveform / max(1.0, float(np.abs(waveform).max())), SAMPLE_RATE, "PCM_16", format=kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, unfinished_in) as unfinished:
            unfinished.write_bytes(sound.getbuffer())
    except OSError as error:
        raise ScaleError(f"{path.name} could not be written: {reason_of(error)}.") from error
    return {"seconds": grid_seconds(row["num_samples"])}


def evaluate_file(codec: Codec, path: Path, decoder: Decoder | None = None) -> Answer:
    """Encode and decode a sound file, and measure the error and the time.

    Returns
    -------
    dict
        ``tally``, the fields of :class:`~distill.codec.evaluation.Tally`. Of a file that is no clip, only ``reason``.
    """
    clip = _clip_or_reason(path, decoder)
    if not isinstance(clip, Clip):
        return clip
    tally = Tally.of(codec)
    tally.add(codec, clip)
    return {"tally": asdict(tally) | {"counts": tally.counts.tolist()}}


@contextlib.contextmanager
def open_worker(job: Job, codec: Codec | None = None) -> Iterator[Worker]:
    """Load the codec of a job once, and yield what does the job's items one after another, in one thread.

    Files are decoded in a process of their own, so that a file which breaks a decoder is refused like any other.

    Parameters
    ----------
    job : Job
    codec : Codec, optional
        The codec, if it is loaded already.
    """
    codec = codec or Codec.load(job.codec, vocoder=job.vocoder)
    limits = asdict(DEFAULTS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with Decoder(limits, memory_bytes=DEFAULTS.decoding_memory_bytes) as decoder:
            if job.task == "decode":
                yield lambda item: _decode_staged(codec, Path(item["staged"]), Path(job.folder))
            elif job.task in ("encode", "evaluate"):
                do = encode_file if job.task == "encode" else evaluate_file
                yield lambda item: do(codec, Path(job.folder, item["file"]), decoder)
            else:
                raise ConfigError(f"There is no task named {job.task!r}.")
    finally:
        torch.set_num_threads(threads)


def _decode_staged(codec: Codec, staged: Path, folder: Path) -> Answer:
    """Decode a row that waits in a file of its own; a killed worker leaves what is unfinished beside that."""
    return decode_row(codec, json.loads(staged.read_bytes()), folder, staged.parent)


@contextlib.contextmanager
def whole_file(path: Path, unfinished_in: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to; at the end of the block, that file takes the place of ``path``, or is deleted.

    It is on the disk before it takes that place. Until then, it is in the folder ``unfinished_in``, by default that of
    ``path``.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder, "a.txt")) as unfinished:
    ...         _ = unfinished.write_text("a")
    ...     os.listdir(folder)
    ['a.txt']
    """
    unfinished = (unfinished_in or path.parent) / f".{secrets.token_hex(8)}{UNFINISHED}"
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def grid_seconds(num_samples: int) -> float:
    """Seconds of a sound of so many samples."""
    return num_samples / SAMPLE_RATE


def reason_of(error: Exception) -> str:
    """What an error of the system says, without a full stop, a path or more than a line.

    Examples
    --------
    >>> reason_of(OSError(28, "No space left on device", "/secret/place"))
    'No space left on device'
    """
    if "No space left" in str(error):
        return "No space left on device"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words.partition("\n")[0].rstrip(". ")[:200] or type(error).__name__


def _clip_or_reason(path: Path, decoder: Decoder | None) -> Clip | Answer:
    try:
        return load_clip(path, decoder=decoder)
    except AudioError as error:
        return {"reason": str(error)} | ({"may_pass": True} if isinstance(error, PassingError) else {})


def add_up(tallies: Iterable[Item], codec: Codec) -> Tally:
    """Add the tallies of :func:`evaluate_file` up: in whatever order they come, to the same sums."""
    whole, values = Tally.of(codec), defaultdict[str, list[float]](list)
    for each in tallies:
        whole.counts += np.array(each["counts"])
        for name in set(each) - {"counts"}:
            values[name].append(each[name])
    for name, numbers in values.items():
        setattr(whole, name, type(numbers[0])(math.fsum(numbers)))
    return whole
