"""From a training to its codec."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from torch import Tensor

from distill.codec.codec import Codec
from distill.codes.kept import MOST_COLUMNS, KeptGrids
from distill.training.trainer import Trainer
from distill.training.validation import MOST_FRAMES


def codec_of(trainer: Trainer, grids: KeptGrids | None = None) -> Codec:
    """Make the codec of the best weights so far; it keeps the grids of its clips if the settings say so.

    Parameters
    ----------
    trainer : Trainer
    grids : KeptGrids, optional
        What these weights make of the clips, if it is known: then no clip is encoded.

    Raises
    ------
    TrainingError
        Before the first validation.
    """
    codec = Codec(trainer.best_model(), trainer.codec_info(), network=trainer.vocoder_network())
    if not trainer.config.keep_grids:
        return codec
    log_mels = (clip.log_mel for clip in (*trainer.heard, *trainer.held_out))
    return keeping(codec, grids or kept_grids(codec, log_mels))


def keeping(codec: Codec, grids: KeptGrids | None) -> Codec:
    """Return the same codec with other grids of its training clips in its file, or with none.

    Whoever has the file can decode the grids to the sound of the clips.
    """
    return Codec(codec.model, replace(codec.info, grids=grids), network=codec.network)


def kept_grids(codec: Codec, log_mels: Iterable[Tensor]) -> KeptGrids | None:
    """Encode up to three minutes of clips, and up to 4096 columns, for the codec's file; None if there are none.

    Parameters
    ----------
    codec : Codec
    log_mels : iterable of Tensor [128, frames]
    """
    grids = list(encoded(codec, log_mels, min(MOST_COLUMNS, MOST_FRAMES // codec.time_stride)))
    return KeptGrids.of(grids) if grids else None


def encoded(codec: Codec, log_mels: Iterable[Tensor], columns: int = MOST_COLUMNS) -> Iterator[np.ndarray]:
    """Encode clips one by one, each [levels, 8, columns], up to a number of columns in all; the last may be cut.

    Parameters
    ----------
    codec : Codec
    log_mels : iterable of Tensor [128, frames]
        Taken one by one, and none when there is no room left.
    columns : int
        Maximum number of columns in all.
    """
    room = columns
    if room <= 0:
        return
    for log_mel in log_mels:
        indices = codec.encode_mel(log_mel[:, : room * codec.time_stride].float()).indices
        yield indices
        room -= indices.shape[2]
        if room <= 0:
            return


def training_grids(codec: Codec) -> list[np.ndarray]:
    """Return the codes of the training clips, each [levels, 8, columns]; none if the file does not keep them."""
    grids = codec.info.grids
    return grids.unpack(codec.num_levels, codec.codebook_size) if grids else []
