"""The codec: a trained model with its front end and vocoder. The one object that the page, the command line and
scripts talk to."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from distill.audio.clips import Clip, to_mono_44k
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE, LogMel
from distill.audio.vocoders import get_vocoder
from distill.codec.atlas import CodebookAtlas
from distill.codec.pieces import (
    Patch,
    Progress,
    Region,
    blocks,
    code_blocks,
    decoded_blocks,
    decoder_reach,
    following,
    gathered,
    joined,
    log_mel_blocks,
    resound,
)
from distill.codes.edits import Span, to_slice
from distill.codes.grid import FRAMES_PER_COLUMN, CodeGrid
from distill.errors import AudioError, CodecFileError, GridError, VocoderError
from distill.models.persistence import load_with_info, save_model
from distill.models.vqvae import ROWS, ConvVQVAE
from distill.settings import DEFAULTS, Settings
from distill.training.codec_info import CodecInfo, FrontEnd, Statistics
from distill.training.health import LevelHealth

T = TypeVar("T")
JOIN_FADE_SAMPLES = 256
QUIETEST, LOUDEST = -50.0, 10.0
"""Of decoded log-mels, in nepers. A clip keeps far within them (a full-scale sine reaches 4.6); a codec from a stranger
need not, and the exponential of what it makes would soon be infinite."""


class Codec:
    """Encodes clips to grids of codes and decodes grids to clips. Immutable, so it can be shared.

    Parameters
    ----------
    model : ConvVQVAE
        Trained; it is put in eval mode.
    info : CodecInfo, optional
        What is known of its training, as :meth:`Trainer.codec_info` gives it.
    vocoder : str
        "griffin-lim" or "bigvgan". If BigVGAN cannot be had here, a ``RuntimeWarning`` says why in a sentence, and
        Griffin-Lim takes its place.

    Raises
    ------
    ConfigError
        If there is no such vocoder.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode(load_clip("examples/clips/loop_amen.flac").waveform, sample_rate=44_100)
    >>> grid.levels, grid.rows, grid.columns
    (3, 8, 10)
    >>> codec.decode(grid).shape == (grid.num_frames * 512,)
    True
    """

    def __init__(self, model: ConvVQVAE, info: CodecInfo | None = None, *, vocoder: str = "griffin-lim") -> None:
        self.model = model.eval().requires_grad_(False)
        self.info = info or CodecInfo()
        self.log_mel = LogMel()
        try:
            self.vocoder = get_vocoder(vocoder, self.log_mel)
        except VocoderError as error:
            warnings.warn(f"{str(error).rstrip('.')}; Griffin-Lim is used instead.", RuntimeWarning, stacklevel=2)
            self.vocoder = get_vocoder("griffin-lim", self.log_mel)
        self.model_id = _fingerprint(model)
        self.reach = decoder_reach(model)
        self._made: dict[str, Any] = {}

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, vocoder: str = "griffin-lim", settings: Settings = DEFAULTS
    ) -> "Codec":
        """Read a ``.distill`` file, which may come from a stranger: it is checked, and no grid can make it fail.

        Parameters
        ----------
        path : path-like
        vocoder : str
            As in the class.
        settings : Settings
            Its ``codec_bytes``, ``codec_header_bytes`` and ``codec_codes`` are the limits.

        Raises
        ------
        CodecFileError
            If the file is missing, too large, damaged, or not a codec.
        ConfigError
            If there is no such vocoder.
        """
        model, info = load_with_info(path, settings=settings)
        if not isinstance(model, ConvVQVAE):
            raise CodecFileError(f"{Path(path).name} holds the continuous baseline, which has no codes.")
        return cls(model, info, vocoder=vocoder)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.distill`` file."""
        mean, std = (tuple(bands.flatten().tolist()) for bands in (self.model.mel_mean, self.model.mel_std))
        save_model(self.model, path, replace(self.info, front_end=FrontEnd(), statistics=Statistics(mean, std)))

    @property
    def num_levels(self) -> int:
        return self.model.num_levels

    @property
    def codebook_size(self) -> int:
        return self.model.codebook_size

    @property
    def num_bytes(self) -> int:
        """Of memory: its weights, and its codebooks and what they sound like once these were asked for."""
        weights = self.model.state_dict().values()
        return sum(each.nbytes for each in (*weights, *list(self._made.values())))

    @property
    def bitrate_bps(self) -> float:
        """Bits per second of a grid whose codes are stored as they are: levels x 8 rows x log2(size) per column."""
        columns_per_second = SAMPLE_RATE / HOP_LENGTH / FRAMES_PER_COLUMN
        return columns_per_second * ROWS * self.num_levels * float(np.log2(self.codebook_size))

    @property
    def training_health(self) -> list[LevelHealth]:
        """Health of each level at the end of training; empty if that is not known."""
        return list(self.info.levels or ())

    @property
    def training_usage(self) -> np.ndarray | None:
        """How often each code occurred in the training clips, [levels, codebook_size]; None if that is not known."""
        return None if self.info.usage is None else np.array(self.info.usage)

    @torch.no_grad()
    def encode(self, waveform: np.ndarray, sample_rate: int) -> CodeGrid:
        """A clip's grid.

        Parameters
        ----------
        waveform : ndarray [samples] or [samples, channels]
            Finite amplitudes; integers count as fractions of their type's range.
        sample_rate : int
            In Hz.

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
        return self.encode_mel(self.log_mel_of(Clip("clip", to_mono_44k(waveform, sample_rate))))

    def log_mel_of(self, clip: Clip, progress: Progress | None = None) -> Tensor:
        """A clip's log-mel [128, frames]; ``progress`` as in :meth:`decode`."""
        waveform = torch.from_numpy(clip.waveform)
        num_frames = self.log_mel.num_frames(len(waveform))
        return gathered(log_mel_blocks(self.log_mel, waveform), num_frames, progress)

    def encode_mel(self, log_mel: Tensor, progress: Progress | None = None) -> CodeGrid:
        """The grid of a log-mel [128, frames]; ``progress`` as in :meth:`decode`."""
        num_frames = log_mel.shape[1]
        indices = np.empty((self.num_levels, ROWS, -(-num_frames // FRAMES_PER_COLUMN)), dtype=np.int64)
        for columns, codes in code_blocks(self.model, log_mel):
            indices[:, :, columns] = codes.numpy()
            if progress:
                progress(columns.stop / indices.shape[2])
        return CodeGrid(indices, num_frames, self.model_id, self.codebook_size)

    def decode_mel(self, grid: CodeGrid, *, levels: int | None = None, progress: Progress | None = None) -> Tensor:
        """The log-mel [128, num_frames] of a grid, by the first ``levels`` of its levels (all by default).

        Raises
        ------
        GridError
            If the grid is from another codec, or there is no such number of levels.
        """
        return gathered(self.mel_blocks(grid, levels=levels), grid.num_frames, progress)

    def mel_blocks(self, grid: CodeGrid, *, levels: int | None = None) -> Iterator[tuple[slice, Tensor]]:
        """The log-mel of :meth:`decode_mel` block by block, each with its frames."""
        self._check_levels(grid, levels)
        blocks = decoded_blocks(grid.num_frames)
        return ((block, self._decode_frames(grid, block.start, block.stop, levels)) for block in blocks)

    def decode(self, grid: CodeGrid, *, levels: int | None = None, progress: Progress | None = None) -> np.ndarray:
        """The clip of a grid.

        Parameters
        ----------
        grid : CodeGrid
            Made by this codec.
        levels : int, optional
            How many levels to use, coarsest first; all by default.
        progress : callable, optional
            Called with the share that is done, 0 to 1, every 12 s of sound.

        Returns
        -------
        ndarray of float32 [num_frames * 512]
            At 44 100 Hz.

        Raises
        ------
        GridError
            If the grid is from another codec, or there is no such number of levels.
        """
        return joined(self.stream(grid, levels=levels), grid.num_frames * HOP_LENGTH, progress).numpy()

    def stream(self, grid: CodeGrid, *, levels: int | None = None) -> Iterator[Tensor]:
        """The clip of :meth:`decode`, 12 s at a time; nothing is decoded before it is asked for."""
        return self.vocoder.stream_from(following(self.mel_blocks(grid, levels=levels)), grid.num_frames)

    def decode_region(self, grid: CodeGrid, *, columns: Span, previous: np.ndarray) -> Patch:
        """What an edit of some columns changes in the decoded clip.

        The decoder runs on those columns and the ones it looks at around them, so the log-mel is that of a full
        decode. The vocoder starts from the phase of ``previous`` and is held to its samples on both sides, so
        the patch joins on without a click and the cost follows the edit, not the clip.

        Parameters
        ----------
        grid : CodeGrid
            After the edit.
        columns : slice or int
            The columns in which codes changed.
        previous : ndarray of float32 [num_frames * 512]
            The decoded clip from before the edit.

        Raises
        ------
        GridError
            If the grid is from another codec, the columns are not in it, or ``previous`` has another length.
        """
        self.check(grid)
        columns, previous = to_slice("Column", columns, grid.columns), np.asarray(previous, dtype=np.float32)
        if len(previous) != grid.num_frames * HOP_LENGTH:
            raise GridError(f"The previous clip has {len(previous)} samples, not {grid.num_frames * HOP_LENGTH}.")
        region = self.region(grid, columns)
        return self.mend(grid, region, previous[region.window])

    def region(self, grid: CodeGrid, columns: slice) -> Region:
        """What an edit of some columns can change, and what has to be looked at for it."""
        return Region.around(columns, grid.num_frames, self.reach)

    @torch.no_grad()
    def mend(self, grid: CodeGrid, region: Region, around: np.ndarray) -> Patch:
        """The patch of :meth:`decode_region`, of which only the samples in ``region.window`` are at hand."""
        first, last, start, stop = region.window_first, region.window_last, region.start, region.stop
        cuts = [(first + block.start, first + block.stop) for block in blocks(last - first)]
        mel = torch.cat([self._decode_frames(grid, *ends) for ends in cuts], dim=1)
        old = torch.from_numpy(around)
        left, right = start - first * HOP_LENGTH, last * HOP_LENGTH - stop
        new = resound(self.vocoder, mel, old, (left, right))
        fade = torch.ones(len(new))
        if left:
            fade[:left] = 0
            fade[left : left + JOIN_FADE_SAMPLES] = torch.linspace(0, 1, JOIN_FADE_SAMPLES)
        if right:
            fade[-right:] = 0
            fade[-right - JOIN_FADE_SAMPLES : -right] = torch.linspace(1, 0, JOIN_FADE_SAMPLES)
        joined = torch.lerp(old, new, fade)[left : len(new) - right]
        return Patch(start, joined.numpy())

    def audition(self, level: int, code: int) -> np.ndarray:
        """A code by itself, as float32 [samples] at 44 100 Hz: in every row of three columns, its level alone.

        Raises
        ------
        GridError
            If the codec has no such level or code.
        """
        if not (0 <= level < self.num_levels and 0 <= code < self.codebook_size):
            raise GridError(
                f"This codec has levels 0 to {self.num_levels - 1} and codes 0 to {self.codebook_size - 1}, "
                f"not level {level}, code {code}."
            )
        indices = torch.full((self.num_levels, ROWS, 3), -1)
        indices[level] = code
        return self.vocoder(self._decode_columns(indices)).numpy()

    @property
    def codebooks(self) -> np.ndarray:
        """The embedding of every code, float32 [levels, codebook_size, codebook_dim]."""
        return self._once("codebooks", lambda: self.model.quantizer.codebooks.cpu().numpy())

    @property
    def quiet_codes(self) -> np.ndarray:
        """The codes of silence, int [levels, rows]."""
        silence = torch.full((self.log_mel.n_mels, 3 * FRAMES_PER_COLUMN), LogMel.floor)
        return self._once("quiet_codes", lambda: self.encode_mel(silence).indices[:, :, 1])

    @property
    def neutral_codes(self) -> np.ndarray:
        """The code of each level that adds the least to the others, int [levels, rows], the same in all rows."""
        least = np.linalg.norm(self.codebooks, axis=2).argmin(axis=1)
        return np.repeat(least[:, None], ROWS, axis=1)

    @property
    def atlas(self) -> CodebookAtlas:
        """What each code sounds like, which codes are like it, and its colour; made when first asked for."""
        return self.draw_atlas(lambda share: None)

    def draw_atlas(self, progress: Progress) -> CodebookAtlas:
        """:attr:`atlas`; while it is made, ``progress`` is told the share that is done, 0 to 1."""
        return self._once("atlas", lambda: CodebookAtlas.of(self.model, progress))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """What was made first under a name; no cached property, which in Python 3.11 holds one lock for all codecs."""
        return self._made[name] if name in self._made else self._made.setdefault(name, make())

    def usage(self, grid: CodeGrid) -> np.ndarray:
        """How often each code occurs in a grid, [levels, codebook_size]."""
        return np.stack([np.bincount(codes.ravel(), minlength=self.codebook_size) for codes in grid.indices])

    def check(self, grid: CodeGrid) -> None:
        """Raise a GridError unless this codec can decode the grid."""
        expected = (self.num_levels, ROWS, self.codebook_size)
        if grid.model_id != self.model_id or (grid.levels, grid.rows, grid.codebook_size) != expected:
            raise GridError("This grid was made by another codec; load the codec it was made with.")

    def describe(self) -> dict[str, Any]:
        """The codec's facts, for people and for JSON."""
        return {
            "model_id": self.model_id,
            "levels": self.num_levels,
            "codebook_size": self.codebook_size,
            "codebook_dim": self.model.codebook_dim,
            "bitrate_bps": self.bitrate_bps,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
        }

    def synthesize(self, log_mel: Tensor, progress: Progress | None = None) -> Tensor:
        """The waveform [frames * 512] of a log-mel [128, frames]; ``progress`` as in :meth:`decode`."""
        return joined(self.vocoder.stream(log_mel), log_mel.shape[1] * HOP_LENGTH, progress)

    def _check_levels(self, grid: CodeGrid, levels: int | None) -> None:
        self.check(grid)
        if levels is not None and not 1 <= levels <= self.num_levels:
            raise GridError(f"levels must be from 1 to {self.num_levels}, got {levels}.")

    @torch.no_grad()
    def _decode_columns(self, indices: Tensor) -> Tensor:
        """Log-mel [128, 16 * columns] of indices [levels, rows, columns]."""
        cells = indices.flatten(1).T[None]
        return self.model.decode(self.model.codes_to_embeddings(cells))[0, 0].clamp(QUIETEST, LOUDEST)

    def _decode_frames(self, grid: CodeGrid, first: int, last: int, levels: int | None = None) -> Tensor:
        """Frames ``first`` to ``last`` of the decoded log-mel, from no more columns than those frames depend on."""
        before, after = self.reach
        start = max(0, (first - after) // FRAMES_PER_COLUMN)
        stop = min(grid.columns, -(-(last + before) // FRAMES_PER_COLUMN))
        indices = torch.from_numpy(grid.indices[:, :, start:stop].copy())
        if levels is not None:
            indices[levels:] = -1
        mel = self._decode_columns(indices)
        return mel[:, first - start * FRAMES_PER_COLUMN : last - start * FRAMES_PER_COLUMN]


def _fingerprint(model: ConvVQVAE) -> str:
    """Twelve hexadecimal digits that name a model by its values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:12]
