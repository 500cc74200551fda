"""The calls of programs and agents: each brings all that it needs, and the server keeps nothing for the next one."""

import base64
import binascii
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from distill.audio import SAMPLE_RATE, load_clip, new_decoder, write_wav
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.codes.lengths import SAMPLES_PER_FRAME, TIME_STRIDES
from distill.codes.levels import level_names
from distill.editing.edit_lists import edit_kinds, make_edits
from distill.editing.requests import Request, read
from distill.editing.values import MustBe, Switch
from distill.errors import FullError, GateError, GridError
from distill.models.vqvae import ROWS
from distill.plots import row_ranges_hz
from distill.server.askers import Asker
from distill.server.paths import DECODE, DESCRIBE, EDIT_GRID, ENCODE
from distill.server.rates import Places, Rates
from distill.server.storage import LONGEST_PATH
from distill.strict import FailFast

if TYPE_CHECKING:
    from distill.server.server import Server

DATA = "data:"
"""Beginning of a file that is in the call itself (RFC 2397)."""
Pause = Callable[..., object]
"""Called between the pieces of long work, so that others go first; raises an error after too much time."""


def _to_path(value: Any) -> Any:
    """The path of a file, also where Gradio has it in an object; any other value unchanged."""
    return value.get("path") if isinstance(value, dict) else value


FILE_WORDS = "the path of a file that was uploaded to /gradio_api/upload, or a data URL in base64"
GRID_WORDS = "a grid of codes as encode gives it: an object, or its line of text"
GivenFile = Annotated[str, BeforeValidator(_to_path), MustBe(FILE_WORDS)]
AnyFile = Annotated[GivenFile | None, MustBe(FILE_WORDS)]
GivenGrid = Annotated[dict[str, Any] | str, MustBe(GRID_WORDS)]
AnyGrid = Annotated[GivenGrid | None, MustBe(GRID_WORDS)]
Edits = Annotated[
    list[dict[str, Any]], FailFast(), Field(min_length=1), MustBe("a list of edits, each an object with its kind")
]


class ProgramCall(Request):
    """A call of a program."""

    codec: AnyFile = None
    """The .distill file of another codec than the example's: the path that an upload answered with."""


class Describe(ProgramCall):
    """Tell the facts of the codec: levels, codes, rows and their bands in Hz, seconds of a column, sample rate; the
    limits of a call; and every edit that edit_grid makes, with its arguments. Call this first."""


class Encode(ProgramCall):
    """Encode a sound to a grid of codes: whole numbers [levels][rows][columns], level 0 the coarsest, row 0 the lowest
    frequencies, a column a step in time. Answers with the grid and with facts of it and of its codec."""

    file: GivenFile
    """The sound, a file of any usual kind, from 12 ms to as many seconds as describe tells (120 if nobody changed
    that): the path that an upload answered with, which is deleted once it was read, or a data URL such as
    data:audio/wav;base64,… up to 1 MB."""
    as_text: Switch = False
    """True to get the grid as one short line of text, false to get it as an object whose "indices" can be read."""


class Decode(ProgramCall):
    """Decode a grid of codes to its sound: a WAV file, mono, 44 100 Hz, 16 bit, scaled down if it would be louder than
    full scale, to be fetched from its url within ten minutes."""

    grid: GivenGrid
    """The grid, as encode or edit_grid gave it: the object or the line of text, as long as a sound may be."""


class EditGrid(ProgramCall):
    """Make a list of edits of a grid, one after another. Answers with the new grid, in the form of the given one, with
    each edit in words, and with the sound if that is asked for. The given grid stays as it is."""

    grid: GivenGrid
    """The grid, as encode or edit_grid gave it: the object or the line of text, as long as a sound may be."""
    edits: Edits
    """The edits, as many as describe tells (64 if nobody changed that), each an object with its kind and its arguments,
    as describe lists them. For example {"kind": "reverse", "levels": [0, 2], "rows": [0, 7], "columns": [2, 5]}; both
    ends are included, and all count from 0."""
    second: AnyGrid = None
    """A second grid of the same codec, for the edits blend, swap and cross."""
    sound: Switch = False
    """True to get the sound of the new grid too: a WAV file, to be fetched from its url within ten minutes."""


CALLS: dict[str, type[ProgramCall]] = {DESCRIBE: Describe, ENCODE: Encode, DECODE: Decode, EDIT_GRID: EditGrid}
"""What each call takes, by its name."""


class Programs:
    """Carries out the calls of programs, within limits of their own.

    Parameters
    ----------
    server : Server
        The examples' codec, the uploads, the turns and the limits.
    clock : callable
        Gives the time in seconds, from a monotonic clock.
    """

    def __init__(self, server: "Server", *, clock: Callable[[], float] = time.monotonic) -> None:
        settings = server.settings
        self._server, self._clock, self._rates = server, clock, Rates(settings)
        columns = -(-settings.program_seconds * SAMPLE_RATE // (SAMPLES_PER_FRAME * TIME_STRIDES[0]))
        self._settings = replace(
            settings,
            clip_seconds=min(settings.clip_seconds, settings.program_seconds),
            grid_columns=min(settings.grid_columns, columns),
        )
        self._places = Places(
            settings.visit_programs, settings.address_programs,
            "Your other calls are still at work; please try again in some seconds.",
        )  # fmt: skip

    async def answer(self, name: str, sent: Any, asker: Asker) -> dict[str, Any]:
        """Carry out a call.

        Parameters
        ----------
        name : str
            One of :data:`CALLS`.
        sent : object
            The arguments by name; a value from a stranger may be anything.
        asker : Asker
            Who calls. The page is a name of this call alone.

        Returns
        -------
        dict
            The results by name: ``facts`` of "describe"; ``grid`` and ``facts`` of "encode"; ``sound`` of "decode";
            ``grid``, ``history`` and ``sound`` of "edit_grid". A sound is the path of a file, or None.

        Raises
        ------
        DistillError
            If the call does not fit, or passes a limit.
        """
        self._rates.spend(self._rates.programs, asker)
        with self._places.one(asker):
            return await self._server.turns.take(asker, lambda: self._carry_out(name, sent, asker))

    def _carry_out(self, name: str, sent: Any, asker: Asker) -> dict[str, Any]:
        asked, pause = read(CALLS[name], sent, self._settings), self._pause()
        codec = self._codec(asked.codec, asker)
        if isinstance(asked, Encode):
            return self._encode(codec, asked, asker, pause)
        if isinstance(asked, Decode):
            return {"sound": self._sound(codec, self._grid(asked.grid), asker, pause)}
        if isinstance(asked, EditGrid):
            return self._edit(codec, asked, asker, pause)
        settings = self._settings
        limits = {"seconds": settings.clip_seconds, "edits": settings.program_edits, "edit_cells": settings.edit_cells}
        return {"facts": _facts(codec) | {"limits": limits, "edits": edit_kinds()}}

    def _encode(self, codec: Codec, asked: Encode, asker: Asker, pause: Pause) -> dict[str, Any]:
        with self._opened(asked.file, asker) as path, new_decoder(self._settings) as decoder:
            clip = load_clip(path, settings=self._settings, decoder=decoder, tick=pause)
            self._server.storage.discard(path)
        grid = codec.encode_mel(codec.log_mel_of(clip, pause), pause, num_samples=len(clip.waveform))
        facts = {"seconds": round(clip.seconds, 3), "columns": grid.columns, "note": clip.note, "codec": _facts(codec)}
        return {"grid": grid.to_text() if asked.as_text else grid.to_dict(), "facts": facts}

    def _edit(self, codec: Codec, asked: EditGrid, asker: Asker, pause: Pause) -> dict[str, Any]:
        settings = self._settings
        if len(asked.edits) > settings.program_edits:
            raise GridError(
                f"One call can make up to {settings.program_edits} edits, and this one has {len(asked.edits)}; "
                "please make several calls of it."
            )
        second = None if asked.second is None else self._grid(asked.second)
        grid, history = make_edits(
            codec, self._grid(asked.grid), asked.edits, second=second, settings=settings, progress=pause
        )
        sound = self._sound(codec, grid, asker, pause) if asked.sound else None
        return {
            "grid": grid.to_text() if isinstance(asked.grid, str) else grid.to_dict(),
            "history": history,
            "sound": sound,
        }

    def _sound(self, codec: Codec, grid: CodeGrid, asker: Asker, pause: Pause) -> str:
        """Write the sound of a grid as a WAV file that the asker can fetch, and return its path."""
        waveform = codec.decode(grid, progress=pause)
        with self._server.storage.filling(asker.visitor, 2 * len(waveform), address=asker.address) as folder:
            path = folder / "decoded.wav"
            write_wav(path, waveform, pause)
        return str(path)

    def _grid(self, given: dict[str, Any] | str) -> CodeGrid:
        read_grid = CodeGrid.from_text if isinstance(given, str) else CodeGrid.from_dict
        return read_grid(given, settings=self._settings)  # type: ignore[arg-type]

    def _codec(self, given: str | None, asker: Asker) -> Codec:
        if given is None:
            return self._server.examples.codec
        with self._opened(given, asker) as path:
            return self._server.codecs.load(path, settings=self._settings)

    @contextlib.contextmanager
    def _opened(self, given: str, asker: Asker) -> Iterator[Path]:
        """The path of a file: an upload of the asker, or a file of a data URL, which is deleted at the end."""
        storage = self._server.storage
        if given.startswith(DATA):
            with storage.unpacking() as folder:
                path = folder / "file"
                path.write_bytes(_content(given))
                yield path
        elif _is_plain(given) and storage.is_owned(given, asker.owner) and os.path.isfile(given):
            yield Path(given)
        else:
            raise GateError("This file is not among your uploads; please upload it again.", 403)

    def _pause(self) -> Pause:
        turns, ends = self._server.turns, self._clock() + self._settings.program_work_seconds

        def pause(*_: object) -> None:
            turns.pause()
            if self._clock() > ends:
                raise FullError("This call took too long; please send less at once, or try again in some minutes.")

        return pause


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema of the arguments of a call; its ``description`` tells what the call does.

    Examples
    --------
    >>> schema = schema_of("encode")
    >>> sorted(schema["properties"]), schema["required"]
    (['as_text', 'codec', 'file'], ['file'])
    """
    schema = CALLS[name].model_json_schema()
    fields = schema["properties"]
    fields["codec"] = fields.pop("codec")  # to the end: most calls do without
    for part in (schema, *fields.values()):
        del part["title"]
        part["description"] = " ".join(part["description"].split())
    return schema


def _is_plain(path: str) -> bool:
    return len(path) <= LONGEST_PATH and ".." not in path.split("/") and "\0" not in path


def _content(url: str) -> bytes:
    """The bytes of a data URL in base64."""
    header, _, body = url.partition(",")
    try:
        if not header.endswith(";base64"):
            raise ValueError("another encoding")
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise GridError("This is no data URL: it must be data:, a media type, ;base64, and the bytes.") from None


def _facts(codec: Codec) -> dict[str, Any]:
    """The facts of a codec that a program needs to make grids of it."""
    described = codec.describe()
    return {name: described[name] for name in ("model_id", "levels", "codebook_size", "time_stride", "bitrate_bps")} | {
        "level_names": list(level_names(codec.num_levels)),
        "rows": ROWS,
        "row_hz": [[round(low), round(high)] for low, high in row_ranges_hz(ROWS)],
        "column_seconds": codec.column_seconds,
        "sample_rate": SAMPLE_RATE,
    }
