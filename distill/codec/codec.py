"""The codec: a trained model with its front end and vocoder. The page, the command line and scripts use this class."""

import os
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from distill.audio.clips import Clip, to_mono_44k
from distill.audio.logmel import HOP_LENGTH, LogMel
from distill.audio.vocoder import BLOCK_FRAMES
from distill.codec.atlas import CodebookAtlas
from distill.codec.grid_decoder import GridDecoder
from distill.codec.pieces import (
    Patch,
    Progress,
    code_blocks,
    decoded_blocks,
    following,
    gathered,
    joined,
    log_mel_blocks,
    widened,
)
from distill.codec.published import Publishable
from distill.codec.qualities import Qualities, Spread
from distill.codec.vocoders import make_vocoder
from distill.codes.edits import Span, to_slice
from distill.codes.grid import CodeGrid, column_seconds
from distill.errors import AudioError, CodecFileError, GridError
from distill.models.persistence import fingerprint, load_parts, save_model
from distill.models.vocoder import VocoderNetwork
from distill.models.vqvae import ROWS, ConvVQVAE
from distill.settings import DEFAULTS, Settings
from distill.training.codec_info import CodecInfo, FrontEnd, Statistics
from distill.training.health import LevelHealth

T = TypeVar("T")
SHORT_FRAMES = 48
"""Length in frames of the sound of a single code, and of the silence whose codes are looked up, at every stride."""


class Codec(Publishable):
    """Encodes clips to grids of codes and decodes grids to clips. Immutable, so it can be shared.

    Parameters
    ----------
    model : ConvVQVAE
        Trained model. The codec puts it in eval mode.
    info : CodecInfo, optional
        Facts about the training of the model, from :meth:`Trainer.codec_info`.
    vocoder : str
        "neural", "griffin-lim" or "bigvgan". If BigVGAN is not available, a ``RuntimeWarning`` gives the reason in one
        sentence, and "neural" is used instead.
    network : VocoderNetwork, optional
        Network of the vocoder "neural", trained on the sound of the same clips; by default that of the base model.

    Attributes
    ----------
    model_id : str
        Identifies the model, and so the grids that the codec can decode.
    sound_id : str
        Identifies the model and the network together: codecs of one ``sound_id`` make the same sounds.

    Raises
    ------
    ConfigError
        If there is no vocoder of this name.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode(load_clip("examples/clips/loop_amen.flac").waveform, sample_rate=44_100)
    >>> grid.levels, grid.rows, grid.columns
    (3, 8, 10)
    >>> len(codec.decode(grid)) == grid.num_samples
    True
    """

    def __init__(
        self,
        model: ConvVQVAE,
        info: CodecInfo | None = None,
        *,
        vocoder: str = "neural",
        network: VocoderNetwork | None = None,
    ) -> None:
        self.model, self.info = model.eval().requires_grad_(False), info or CodecInfo()
        self.log_mel, self.network = LogMel(), network
        self.vocoder = make_vocoder(vocoder, self.log_mel, network)
        self.model_id = fingerprint(model)
        self.sound_id = self.model_id + (fingerprint(network) if network else "")
        itself = weakref.proxy(self)  # a circle of references would keep a codec in memory that nobody uses any more
        self.grid_decoder = GridDecoder(self.model, lambda: itself.quiet_codes)
        self.reach, self._made = self.grid_decoder.reach, dict[str, Any]()

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, vocoder: str = "neural", settings: Settings = DEFAULTS) -> "Codec":
        """Read a codec from a ``.distill`` file.

        The file may come from a stranger, so its contents are checked. No grid can make a loaded codec fail.

        Parameters
        ----------
        path : path-like
        vocoder : str
            "neural", "griffin-lim" or "bigvgan", as for the class.
        settings : Settings
            Limits; only ``codec_bytes``, ``codec_header_bytes`` and ``codec_codes`` are read.

        Raises
        ------
        CodecFileError
            If the file is missing, too large, damaged, or not a codec.
        ConfigError
            If there is no vocoder of this name.
        """
        model, info, network = load_parts(path, settings=settings)
        if not isinstance(model, ConvVQVAE):
            raise CodecFileError(f"{Path(path).name} holds the continuous baseline, which has no codes.")
        return cls(model, info, vocoder=vocoder, network=network)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the codec to a ``.distill`` file."""
        mean, std = (tuple(bands.flatten().tolist()) for bands in (self.model.mel_mean, self.model.mel_std))
        info = replace(self.info, front_end=FrontEnd(), statistics=Statistics(mean, std))
        save_model(self.model, path, info, self.network)

    @property
    def num_levels(self) -> int:
        return self.model.num_levels

    @property
    def codebook_size(self) -> int:
        return self.model.codebook_size

    @property
    def time_stride(self) -> int:
        """Number of frames that a column spans: 16, 8 or 4."""
        return self.model.time_stride

    @property
    def column_seconds(self) -> float:
        """Seconds that a column spans: 0.186, 0.093 or 0.046."""
        return column_seconds(self.time_stride)

    @property
    def num_bytes(self) -> int:
        """Bytes of memory of the codec: its weights and grids, and what has been computed of its codebooks."""
        weights = [each for part in (self.model, self.network) if part for each in part.state_dict().values()]
        kept = len(self.info.grids.codes) if self.info.grids else 0
        return kept + sum(each.nbytes for each in (*weights, *list(self._made.values())))

    @property
    def bitrate_bps(self) -> float:
        """Bits per second of uncompressed codes: levels x 8 rows x log2(codebook size) bits per column."""
        return ROWS * self.num_levels * float(np.log2(self.codebook_size)) / self.column_seconds

    @property
    def training_health(self) -> list[LevelHealth]:
        """Health of each level at the end of training; empty if unknown."""
        return list(self.info.levels or ())

    @property
    def training_usage(self) -> np.ndarray | None:
        """Number of times that each code occurred in the training clips, [levels, codebook_size]; None if unknown."""
        return None if self.info.usage is None else np.array(self.info.usage)

    @torch.no_grad()
    def encode(self, waveform: np.ndarray, sample_rate: int) -> CodeGrid:
        """Encode a clip to a grid.

        Parameters
        ----------
        waveform : ndarray [samples] or [samples, channels]
            Finite samples, full scale from -1 to 1. Integers are scaled by the range of their type.
        sample_rate : int
            Sample rate in Hz.

        Raises
        ------
        AudioError
            If the waveform is empty, silent, shorter than 12 ms or not finite.
        """
        waveform = np.asarray(waveform)
        if waveform.ndim not in (1, 2) or waveform.size == 0 or sample_rate <= 0:
            raise AudioError("The clip is empty, or is not one waveform with a sample rate.")
        if np.issubdtype(waveform.dtype, np.integer):
            limits = np.iinfo(waveform.dtype)
            middle, half = (limits.max + 1 + limits.min) // 2, (limits.max + 1 - limits.min) // 2
            waveform = (waveform.astype(np.float64) - middle) / half
        if not np.isfinite(waveform).all():
            raise AudioError("The clip holds samples that are not numbers (NaN or infinite).")
        return self.encode_clip(Clip("clip", to_mono_44k(waveform, sample_rate)))

    def encode_clip(self, clip: Clip) -> CodeGrid:
        """Encode a clip to a grid of its length."""
        return self.encode_mel(self.log_mel_of(clip), num_samples=len(clip.waveform))

    def log_mel_of(self, clip: Clip, progress: Progress | None = None) -> Tensor:
        """Compute the log-mel [128, frames] of a clip; ``progress`` is as in :meth:`decode`."""
        waveform = torch.from_numpy(clip.waveform)
        num_frames = self.log_mel.num_frames(len(waveform))
        return gathered(log_mel_blocks(self.log_mel, waveform), num_frames, progress)

    def encode_mel(self, log_mel: Tensor, progress: Progress | None = None, *, num_samples: int = 0) -> CodeGrid:
        """Encode a log-mel [128, frames] of a clip of ``num_samples`` samples, by default ``frames * 512``, to a grid.

        ``progress`` is as in :meth:`decode`.
        """
        num_frames = log_mel.shape[1]
        indices = np.empty((self.num_levels, ROWS, -(-num_frames // self.time_stride)), dtype=np.int64)
        for columns, codes in code_blocks(self.model, log_mel):
            indices[:, :, columns] = codes.numpy()
            if progress:
                progress(columns.stop / indices.shape[2])
        return CodeGrid(indices, num_frames, self.model_id, self.codebook_size, num_samples, self.time_stride)

    def decode_mel(self, grid: CodeGrid, *, levels: int | None = None, progress: Progress | None = None) -> Tensor:
        """Decode the first ``levels`` levels of a grid (all by default) to a log-mel [128, num_frames].

        ``progress`` is as in :meth:`decode`.

        Raises
        ------
        GridError
            If the grid is from another codec, or ``levels`` is out of range.
        """
        return gathered(self.mel_blocks(grid, levels=levels), grid.num_frames, progress)

    def mel_blocks(self, grid: CodeGrid, *, levels: int | None = None) -> Iterator[tuple[slice, Tensor]]:
        """Decode a grid block by block: yield the frames of each block and their log-mel, as in :meth:`decode_mel`."""
        self._check_levels(grid, levels)
        blocks = decoded_blocks(grid.num_frames, self.vocoder.reach)
        return ((block, self.grid_decoder.frames(grid, block.start, block.stop, levels)) for block in blocks)

    def decode(self, grid: CodeGrid, *, levels: int | None = None, progress: Progress | None = None) -> np.ndarray:
        """Decode a grid to a clip.

        Parameters
        ----------
        grid : CodeGrid
            Grid that this codec made.
        levels : int, optional
            Number of levels to use, coarsest first, from 1 to the number of levels of the codec; all by default.
        progress : callable, optional
            Called with the finished share, 0 to 1, after every 12 s of sound.

        Returns
        -------
        ndarray of float32 [num_samples]
            Waveform at 44 100 Hz, as long as the clip.

        Raises
        ------
        GridError
            If the grid is from another codec, or ``levels`` is out of range.
        """
        whole = joined(self.stream(grid, levels=levels), grid.num_frames * HOP_LENGTH, progress)
        return whole[: grid.num_samples].numpy()

    def stream(self, grid: CodeGrid, *, levels: int | None = None) -> Iterator[Tensor]:
        """Decode all frames of a grid, ``num_frames * 512`` samples, lazily, in pieces of 12 s."""
        return self.vocoder.stream_from(following(self.mel_blocks(grid, levels=levels)), grid.num_frames)

    def decode_region(self, grid: CodeGrid, *, columns: Span) -> Patch:
        """Decode only the part of a clip that an edit of some columns changes.

        The samples equal those of a full decode; outside of them, an edit of these columns changes nothing. The cost
        depends on the length of the edit, not on the length of the clip.

        Parameters
        ----------
        grid : CodeGrid
            Grid after the edit.
        columns : slice or int
            The columns in which codes changed.

        Raises
        ------
        GridError
            If the grid is from another codec, or the columns are not in the grid.
        """
        self.check(grid)
        frames = self.heard_frames(grid, to_slice("Column", columns, grid.columns))
        start = frames.start * HOP_LENGTH
        return Patch(start, self.decode_frames(grid, frames)[: grid.num_samples - start])

    def heard_frames(self, grid: CodeGrid, columns: slice) -> slice:
        """Return the frames whose sound depends on the codes of some columns."""
        return widened(
            slice(columns.start * self.time_stride, columns.stop * self.time_stride),
            self.reach[0] + self.vocoder.reach,
            self.reach[1] + self.vocoder.reach,
            grid.num_frames,
        )

    def decode_frames(self, grid: CodeGrid, frames: slice) -> np.ndarray:
        """Decode the sound of some frames, float32 [frames * 512]: these samples of a full decode."""
        parts = [
            self.vocoder.part(
                partial(self.grid_decoder.frames, grid), grid.num_frames, first, min(frames.stop, first + BLOCK_FRAMES)
            )
            for first in range(frames.start, frames.stop, BLOCK_FRAMES)
        ]
        return torch.cat(parts).numpy()

    def audition(self, level: int, code: int) -> np.ndarray:
        """Decode a single code to a waveform, float32 [samples] at 44 100 Hz.

        The code fills every row for 0.56 s (48 frames) on its level; the other levels are left out.

        Raises
        ------
        GridError
            If the codec has no such level or code.
        """
        if not (0 <= level < self.num_levels and 0 <= code < self.codebook_size):
            known = f"levels 0 to {self.num_levels - 1} and codes 0 to {self.codebook_size - 1}"
            raise GridError(f"This codec has {known}, not level {level}, code {code}.")
        indices = torch.full((self.num_levels, ROWS, SHORT_FRAMES // self.time_stride), -1)
        indices[level] = code
        return self.vocoder(self.grid_decoder.columns(indices)).numpy()

    @property
    def codebooks(self) -> np.ndarray:
        """Embeddings of all codes, float32 [levels, codebook_size, codebook_dim]."""
        return self._once("codebooks", lambda: self.model.quantizer.codebooks.cpu().numpy())

    @property
    def quiet_codes(self) -> np.ndarray:
        """Codes of silence, int [levels, rows]."""
        silence, middle = torch.full((self.log_mel.n_mels, SHORT_FRAMES), LogMel.floor), SHORT_FRAMES // 2
        return self._once("quiet_codes", lambda: self.encode_mel(silence).indices[:, :, middle // self.time_stride])

    @property
    def neutral_codes(self) -> np.ndarray:
        """Code of each level whose embedding has the smallest norm, int [levels, rows], the same in all rows."""
        return np.repeat(np.linalg.norm(self.codebooks, axis=2).argmin(axis=1)[:, None], ROWS, axis=1)

    @property
    def atlas(self) -> CodebookAtlas:
        """Sound, order and colour of every code; computed on first use."""
        return self.draw_atlas(lambda share: None)

    def draw_atlas(self, progress: Progress) -> CodebookAtlas:
        """Return :attr:`atlas`; ``progress`` is called with the finished share, 0 to 1."""
        return self._once("atlas", lambda: CodebookAtlas.of(self.model, progress))

    @property
    def qualities(self) -> Qualities:
        """Directions of sound among the vectors of the codes; computed on first use, as is :attr:`spread`."""
        return self._once("qualities", lambda: Qualities.of(self.model, self.grid_decoder, self.codebooks))

    @property
    def spread(self) -> Spread:
        return self._once("spread", lambda: Spread.of(self.model, self.grid_decoder))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Return what a name stores, made on first use. (In Python 3.11 a ``cached_property`` locks all codecs.)"""
        return self._made[name] if name in self._made else self._made.setdefault(name, make())

    def usage(self, grid: CodeGrid) -> np.ndarray:
        """Count how often each code occurs in a grid, [levels, codebook_size]."""
        return np.stack([np.bincount(codes.ravel(), minlength=self.codebook_size) for codes in grid.indices])

    def check(self, grid: CodeGrid) -> None:
        """Raise a GridError unless this codec can decode the grid."""
        expected = (self.num_levels, ROWS, self.codebook_size, self.time_stride)
        found = (grid.levels, grid.rows, grid.codebook_size, grid.time_stride)
        if grid.model_id != self.model_id or found != expected:
            raise GridError("This grid was made by another codec; load the codec it was made with.")

    def describe(self) -> dict[str, Any]:
        """Return the main facts about the codec as a dict that JSON can hold."""
        return {
            "model_id": self.model_id,
            "levels": self.num_levels,
            "codebook_size": self.codebook_size,
            "codebook_dim": self.model.codebook_dim,
            "time_stride": self.time_stride,
            "bitrate_bps": self.bitrate_bps,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
        }

    def synthesize(self, log_mel: Tensor, progress: Progress | None = None) -> Tensor:
        """Turn a log-mel [128, frames] into a waveform [frames * 512]; ``progress`` is as in :meth:`decode`."""
        return joined(self.vocoder.stream(log_mel), log_mel.shape[1] * HOP_LENGTH, progress)

    def _check_levels(self, grid: CodeGrid, levels: int | None) -> None:
        self.check(grid)
        if levels is not None and not 1 <= levels <= self.num_levels:
            raise GridError(f"levels must be from 1 to {self.num_levels}, got {levels}.")
