"""Writes a codec, clips and their edits as one HTML page, of the app's own components."""

import base64
import html
import json
import os
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distill import __version__
from distill.audio.names import without_suffix
from distill.browser import FOLDER, KERNELS, one_script
from distill.codec import Codec
from distill.codec.page_file import page_file
from distill.codes import CodeGrid
from distill.codes.history import Change
from distill.editing.lens import codec_lens
from distill.editing.sprites import codec_pictures, spectrogram
from distill.editing.work import Work
from distill.errors import GridError
from distill.instrument.linking import import_map, resource

LICENCES = {
    "none": ("No licence given", ""),
    "cc0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "cc-by": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "cc-by-sa": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "cc-by-nc": ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "reserved": ("All rights reserved", ""),
}
"""Licences that an instrument may name: their short names, with the words on the page and the address of the text."""
DEFAULT_LICENCE = "none"
TITLE_LENGTH = 80
"""Maximum number of characters of a title."""
HISTORY_BYTES = 2 * 1024**2
"""Maximum bytes of a clip's edits in the file; older edits stay, but can no longer be undone."""
ENTRY = "instrument/instrument.js"
STYLES = ("instrument/instrument.css", "ui/style.css", "ui/components/code_grid.css")
Progress = Callable[[float], object]


def write_instrument(
    path: str | os.PathLike[str],
    codec: Codec,
    works: Sequence[Work],
    *,
    title: str = "",
    licence: str = DEFAULT_LICENCE,
    encoder: bool = True,
    progress: Progress = lambda share: None,
) -> None:
    """Write an instrument as an HTML file; the arguments are those of :func:`instrument_page`.

    Examples
    --------
    >>> import tempfile
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> work = Work.begin(codec, load_clip("examples/clips/loop_amen.flac"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_instrument(f"{folder}/loops.html", codec, [work], title="Loops", encoder=False)
    """
    page = instrument_page(codec, works, title=title, licence=licence, encoder=encoder, progress=progress)
    Path(path).write_text(page, encoding="utf-8")


def instrument_page(
    codec: Codec,
    works: Sequence[Work],
    *,
    title: str = "",
    licence: str = DEFAULT_LICENCE,
    encoder: bool = True,
    progress: Progress = lambda share: None,
) -> str:
    """Write a codec and clips with their edits as an HTML page that plays and edits them without a network.

    Parameters
    ----------
    codec : Codec
    works : sequence of Work
        At least one clip in the codec. The page shows the first one.
    title : str
        Title of the page, at most 80 characters; by default the name of the first clip.
    licence : str
        A name of :data:`LICENCES`.
    encoder : bool
        Whether the page can open sounds; without the encoder, the file is smaller.
    progress : callable
        Called with the share that is done, 0 to 1.

    Raises
    ------
    GridError
        If there is no clip, a clip is of another codec, there is no licence of that name, or the title is too long.
    ConfigError
        If the codec's vocoder is not "neural".
    """
    if licence not in LICENCES:
        raise GridError(f"There is no licence named {licence!r:.60}; there are {', '.join(LICENCES)}.")
    if not works:
        raise GridError("An instrument needs at least one clip.")
    for work in works:
        codec.check(work.history.original)
    title = title_of(title) or title_of(without_suffix(works[0].name)[:TITLE_LENGTH]) or "Instrument"
    words, address = LICENCES[licence]
    pictures = codec_pictures(codec.draw_atlas(lambda share: progress(share / 2)), lambda share: progress(0.5))
    told = [lambda share, index=index: progress(0.5 + (index + share) / len(works) / 2) for index in range(len(works))]
    data = {
        "title": title,
        "codec": _codec_data(codec, encoder) | {"pictures": pictures, "lens": codec_lens(codec, slides=True)},
        "kernels": {name: _packed((FOLDER / name).read_bytes()) for name in KERNELS},
        "worker": _packed(one_script("codec_worker").encode()),
        "clips": [_clip_data(work, tell) for work, tell in zip(works, told, strict=True)],
    }
    linked = f'<a rel="license" href="{html.escape(address)}">{html.escape(words)}</a>' if address else words
    parts = {
        "TITLE": html.escape(title),
        "VERSION": html.escape(__version__),
        "STYLE": "\n".join(resource(style).decode() for style in STYLES),
        "MODULES": import_map(ENTRY),
        "GRID": resource("ui/components/code_grid.html").decode(),
        "LICENCE": linked,
        "MADE": html.escape(made_how(codec)),
        "ENCODER": "yes" if encoder else "no",
        "DATA": _json(data),
    }
    pieces = resource("instrument/instrument.html").decode().split("@@")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def title_of(text: str) -> str:
    """A title on one line, without characters that have no form.

    Raises
    ------
    GridError
        If the title is too long.

    Examples
    --------
    >>> title_of("  My\\tloops ")
    'My loops'
    """
    title = " ".join("".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text).split())
    if len(title) > TITLE_LENGTH:
        raise GridError(f"A title can have up to {TITLE_LENGTH} characters, and this one has {len(title)}.")
    return title


def made_how(codec: Codec) -> str:
    """How the codec was made, in a sentence."""
    what = f"{codec.num_levels} levels of {codec.codebook_size} codes, columns of {1000 * codec.column_seconds:.0f} ms"
    made = f"Codec {codec.model_id}: {what}"
    if source := codec.info.provenance:
        clips = "1 clip" if source.clips == 1 else f"{source.clips} clips"
        made += f"; trained on {clips} ({source.sound_seconds:.0f} s of sound) for {source.training_seconds:.0f} s"
    return f"{made}."


def _codec_data(codec: Codec, encoder: bool) -> dict[str, Any]:
    return {
        "file": _packed(page_file(codec, encoder=encoder)),
        "modelId": codec.model_id,
        "encoder": encoder,
        "quiet": codec.quiet_codes.tolist(),
        "neutral": codec.neutral_codes.tolist(),
    }


def _clip_data(work: Work, progress: Progress) -> dict[str, Any]:
    log_mel = work.log_mel(progress)  # layers, which the page does not show, would take memory
    with work.lock:
        history = work.history
        grid, original, done, undone = history.grid, history.original, history.done, history.undone
        timing = work.timing
    return {
        "name": work.name,
        "levels": grid.levels,
        "rows": grid.rows,
        "columns": grid.columns,
        "size": grid.codebook_size,
        "numFrames": grid.num_frames,
        "samples": grid.num_samples,
        "timeStride": grid.time_stride,
        "original": _packed_cells(original),
        "indices": _packed_cells(grid),
        "done": [_change_data(change) for change in _newest(done)],
        "undone": [_change_data(change) for change in _newest(undone)],
        "spectrogram": spectrogram(log_mel, grid.columns * grid.time_stride),
        "timing": timing.answer() if timing else None,
    }


def _packed_cells(grid: CodeGrid) -> str:
    """The codes of a grid, and after them its mix if it has one."""
    cells = grid.indices if grid.mix is None else grid.cells
    return _packed(cells.astype("<u2").tobytes())


def _newest(changes: Sequence[Change]) -> Sequence[Change]:
    """The last changes, as many as the file may hold."""
    sizes = np.cumsum([change.num_bytes for change in reversed(changes)])
    return changes[len(changes) - int((sizes <= HISTORY_BYTES).sum()) :]


def _change_data(change: Change) -> dict[str, str]:
    return {
        "label": change.label,
        "positions": _packed(change.positions.astype("<i4").tobytes()),
        "before": _packed(change.before.astype("<u2").tobytes()),
        "after": _packed(change.after.astype("<u2").tobytes()),
    }


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(data: Any) -> str:
    """JSON that no text in it can end, in an element ``script``."""
    return json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
