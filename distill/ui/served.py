"""Server functions that the scripts of the page's components call."""

import hashlib
from functools import lru_cache, partial
from typing import Any

from distill.codec import Codec
from distill.editing import calls, requests, vamping
from distill.editing.answers import flac_base64, pack
from distill.editing.lens import codec_lens
from distill.editing.spectra import spectra as pack_spectra
from distill.editing.sprites import spectrogram
from distill.editing.values import Name, Switch
from distill.editing.work import Work
from distill.models.persistence import fingerprint
from distill.prior import Memory
from distill.server.askers import Asker
from distill.server.heard import heard_by
from distill.server.server import Server
from distill.server.visit import Page
from distill.server.visitors import Examples
from distill.training.base import base_vocoder
from distill.ui.components import codec_pictures
from distill.ui.components.modules import VERSION
from distill.ui.strip import strip_of


class PlayedAsked(requests.Request):
    """A clip of the strip to be played on a pad."""

    id: Name
    """The clip's id."""
    heard: Switch = True
    """Whether the answer brings the clip's sound in any case; false if the page can make it of the codes."""


def edit(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Carry out a request to a clip's grid; see :func:`distill.editing.calls.perform`."""
    find = partial(server.visitors.own_work, asker.visitor)
    page = server.visitors.page(asker.visitor, asker.page, asker.address)
    work = find(requests.field(request, "work"))
    return calls.perform(work, request, find, server.settings, server.turns.pause, page.visit.learned_by(work.codec))


def timing(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Find, change or return the beat and the loop of a clip; see :func:`distill.editing.calls.timed`."""
    is_change = isinstance(request, dict) and set(request) - {"work", "find"}
    find = server.visitors.own_work if is_change else server.visitors.work
    return calls.timed(find(asker.visitor, requests.field(request, "work")), request, server.turns.pause)


def clip_names(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The clips that can be played on pads: those of the strip."""
    page = server.visitors.page(asker.visitor, asker.page, asker.address)
    return {"clips": [{"id": clip.id, "name": clip.name} for clip in strip_of(server, page).clips if clip.is_kept]}


def clip_codes(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The codes of a clip of the strip as they are now, in the codec of the open clip, to play the clip on a pad; also
    its sound, if that is asked for or the clip has a mix."""
    asked = requests.read(PlayedAsked, request)
    page = server.visitors.page(asker.visitor, asker.page, asker.address)
    codec = _work(server, asker, request).codec
    played = strip_of(server, page, server.turns.pause).read(asked.id, codec)
    grid = played.history.grid
    is_heard = asked.heard or grid.mix is not None  # the page makes the sound of codes without a mix
    flac = flac_base64(played.piece_now(0, server.turns.pause)[0]) if is_heard else None
    return {"indices": pack(grid.indices), "columns": grid.columns, "num_frames": grid.num_frames, "flac": flac}


def edited_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """A piece of a clip's sound, after or before the edits."""
    return calls.edited_sound(_work(server, asker, request), request, server.turns.pause)


def layer_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """A piece of a clip's sound decoded from its first levels."""
    return calls.layer_sound(_work(server, asker, request), request, server.turns.pause)


def spectra(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The spectrograms of a part of a clip, and of its first levels."""
    return pack_spectra(_work(server, asker, request), request, server.turns.pause)


def takes(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Takes of a region of a clip, to choose from."""
    page = server.visitors.page(asker.visitor, asker.page, asker.address)
    work = _work(server, asker, request)
    return vamping.takes(work, request, server.turns.pause, memory_of(server, page, work.codec))


def audition(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The sound of a single code."""
    return calls.audition(_work(server, asker, request), request)


def pictures(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The pictures and the colours of the codes of a clip's codec."""
    atlas = _work(server, asker, request).codec.draw_atlas(server.turns.pause)
    return codec_pictures(atlas, server.turns.pause)


def lens(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """What the lens needs to know of a clip's codec."""
    return codec_lens(_work(server, asker, request).codec, slides=request.get("slides") is True)


def second_grid(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The codes of a second clip, to be shown beside the first: ``columns``, ``indices`` and ``spectrogram``."""
    work = _work(server, asker, request)
    grid = work.history.grid
    frames = grid.columns * grid.time_stride
    return {
        "columns": grid.columns,
        "indices": pack(grid.indices),
        "spectrogram": spectrogram(work.log_mel(server.turns.pause), frames),
    }


def codec_file_for(page: Page, codec: Codec, examples: Examples) -> str:
    """The address from which a page may load a codec; "" if it cannot.

    Everybody may load the example's codec. A visitor's own codec goes to the owner of a cookie alone, so a page without
    a cookie leaves its sound to the server.
    """
    return codec_file(codec) if codec is examples.codec or not page.is_without_cookie else ""


def codec_file(codec: Codec) -> str:
    """The address of a codec for the page; what is found there never changes.

    It has the hash of :func:`read_by`, and the name of the codec's sound. Below it, at ``/encoder``, the codec also
    encodes.
    """
    return f"codec/{read_by(codec.network is None)}/{codec.sound_id}"


@lru_cache
def read_by(has_base_vocoder: bool) -> str:
    """A hash of the modules that read a codec's file and, if the file has it, of the vocoder of the base model."""
    if not has_base_vocoder:
        return VERSION
    return hashlib.sha256(f"{VERSION} {fingerprint(base_vocoder())}".encode()).hexdigest()[:16]


def memory_of(server: Server, page: Page, codec: Codec) -> Memory | None:
    """What a codec draws from for a page, with the names of the clips; None for the grids in its file without names."""
    jobs = server.runner.jobs_of(page.owner)
    return heard_by(codec, page, server.examples, jobs[-1] if jobs else None)


def _work(server: Server, asker: Asker, request: Any) -> Work:
    return server.visitors.work(asker.visitor, requests.field(request, "work"))
