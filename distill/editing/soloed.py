"""The sound of a part of a grid alone: everything else is muted. Listening changes no edit, and nothing is kept."""

import numpy as np

from distill.audio.vocoder import BLOCK_FRAMES, BLOCK_SAMPLES
from distill.codes import edits, masks
from distill.editing.sound_requests import Solo
from distill.editing.work import Work
from distill.errors import GridError


def solo_piece(work: Work, number: int, solo: Solo) -> tuple[np.ndarray, int]:
    """A piece of the edited sound with a region alone, cut as in :meth:`Work.piece`, and the version of the sound.

    Raises
    ------
    GridError
        If the piece does not exist, or the region is not in the grid.
    """
    if not 0 <= number < work.num_pieces:
        raise GridError("That part of the sound is not there; please reload the page.")
    with work.lock:
        grid, version = work.history.grid, work.version
    alone = edits.solo_codes(grid, **solo.region)
    if solo.only:
        alone = masks.keep_codes(edits.mix_codes(grid, mute=True), alone, cells=solo.only)
    frames = slice(number * BLOCK_FRAMES, min(grid.num_frames, (number + 1) * BLOCK_FRAMES))
    waveform = work.codec.decode_frames(alone, frames)
    return waveform[: work.num_samples - number * BLOCK_SAMPLES], version
