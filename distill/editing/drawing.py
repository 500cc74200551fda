"""The pictures of a clip, made step by step so that others can go first."""

from collections.abc import Generator

import numpy as np
import torch

from distill.audio import Clip
from distill.codec import Codec
from distill.codec.decoded import DecodedMel
from distill.codec.evaluation import Layer, peel
from distill.codec.pieces import log_mel_blocks


def drawing(
    codec: Codec, clip: Clip | None, original: np.ndarray | None, mels: list[DecodedMel]
) -> Generator[float, None, tuple[np.ndarray, list[Layer]]]:
    """Make the log-mels of a clip and of its layers, step by step.

    Nothing here holds the work that is drawn: a drawing that stays unfinished would keep it in memory.

    Parameters
    ----------
    codec : Codec
    clip : Clip, optional
        The clip; without one, the sound of all levels takes its place.
    original : ndarray of float32 [128, frames], optional
        The clip's log-mel, if it is known.
    mels : list of DecodedMel
        For each number of levels, the log-mel that they decode to.

    Yields
    ------
    float
        Finished share, 0 to 1.

    Returns
    -------
    original : ndarray of float32 [128, frames]
    layers : list of Layer
    """
    num_frames, steps = mels[-1].num_frames, codec.num_levels + 1
    if original is None and clip:
        original = np.empty((codec.log_mel.n_mels, num_frames), dtype=np.float32)
        for frames, block in log_mel_blocks(codec.log_mel, torch.from_numpy(clip.waveform)):
            original[:, frames] = block.numpy()
            yield frames.stop / num_frames / steps
    elif original is None:
        original = mels[-1].log_mel
        while mels[-1].ready < num_frames:
            mels[-1].decode()
            yield mels[-1].ready / num_frames / steps
    peeled = peel(codec, torch.from_numpy(original), mels)
    while True:
        try:
            yield (1 + next(peeled) * codec.num_levels) / steps
        except StopIteration as end:
            return original, end.value
