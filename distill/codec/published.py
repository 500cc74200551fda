"""A codec in a model repository: the files that it is published as, and the ways there and back.

No name of a training clip goes out. A ``.distill`` file has none, and it is written anew from its checked fields, so
that whatever else a file from elsewhere may hold is left behind.
"""

import copy
import io
import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from distill import __version__
from distill.audio.clips import write_flac
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.codec.atlas import CodebookAtlas
from distill.codec.card import model_card
from distill.codes.grid import CodeGrid
from distill.errors import ConfigError
from distill.hub import CODEC_FILE, HubFile, fetch, publish
from distill.models.persistence import FORMAT_VERSION
from distill.models.vqvae import ROWS, ConvVQVAE
from distill.settings import DEFAULTS, Settings
from distill.training.codec_info import CodecInfo

DEFAULT_LICENCE = "cc0-1.0"
LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
"""A licence as the Hub names it."""
SOUND_SECONDS = 10
"""Longest sound that is published, in seconds."""
DEVICES = ("cpu", "cuda")
"""Devices that are told; the field of a file from elsewhere may hold any text."""


class Publishable(ABC):
    """What a codec can do with the Hugging Face Hub; :class:`~distill.codec.Codec` is one."""

    model: ConvVQVAE
    info: CodecInfo

    @classmethod
    @abstractmethod
    def load(cls, path: str | os.PathLike[str], *, vocoder: str = "neural", settings: Settings = DEFAULTS) -> Self: ...

    @abstractmethod
    def save(self, path: str | os.PathLike[str]) -> None: ...

    @property
    @abstractmethod
    def atlas(self) -> CodebookAtlas: ...

    @abstractmethod
    def describe(self) -> dict[str, Any]: ...

    @abstractmethod
    def check(self, grid: CodeGrid) -> None: ...

    @abstractmethod
    def decode_frames(self, grid: CodeGrid, frames: slice) -> np.ndarray: ...

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        vocoder: str = "neural",
        settings: Settings = DEFAULTS,
    ) -> Self:
        """Load a codec from the Hugging Face Hub, or from a folder that :meth:`save_pretrained` wrote.

        Parameters
        ----------
        name : str or path-like
            A repository, "user/name", or a folder.
        revision : str, optional
            Branch, tag or commit; by default "main".
        token : str or bool, optional
            Token of the Hub; by default the one that is stored on this machine. With False, none is sent.
        cache_dir : path-like, optional
            Folder of downloads; by default that of ``huggingface_hub``.
        local_files_only : bool
            Whether nothing is downloaded.
        vocoder, settings
            As for :meth:`Codec.load`. A file of more than ``settings.codec_bytes`` is not downloaded.

        Raises
        ------
        HubError
            If the Hub cannot be reached or the repository, the revision or the codec is not there or not for you.
        CodecFileError
            If the file is damaged, or not a codec.

        Examples
        --------
        >>> from distill.codec import Codec
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Codec.load("examples/models/loops.distill").save_pretrained(folder)
        ...     Codec.from_pretrained(folder).num_levels
        3
        """
        if Path(name).is_dir():
            path = Path(name) / CODEC_FILE
        else:
            path = fetch(
                os.fspath(name),
                CODEC_FILE,
                most_bytes=settings.codec_bytes,
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        return cls.load(path, vocoder=vocoder, settings=settings)

    def hub_files(
        self,
        repository: str = "user/name",
        *,
        license: str = DEFAULT_LICENCE,
        sounds: Sequence[CodeGrid] = (),
        grids: bool = False,
    ) -> list[HubFile]:
        """Make what would be published, and publish nothing: the codec, its figures, its card, a picture of its codes.

        Parameters
        ----------
        repository : str
            Its name, which the card tells.
        license : str
            Licence of the codec, by its name on the Hub: "cc0-1.0", "cc-by-4.0", "other" …
        sounds : sequence of CodeGrid
            Grids of this codec whose sound is published, the first 10 s of each; by default none.
        grids : bool
            Whether the codec keeps the codes of its training clips, which are their sound to whoever has it. Without
            them, it cannot go on with a grid by itself.

        Raises
        ------
        ConfigError
            If the licence is no name of a licence.
        GridError
            If a grid is from another codec.

        Examples
        --------
        >>> from distill.codec import Codec
        >>> [file.path for file in Codec.load("examples/models/loops.distill").hub_files()]
        ['codec.distill', 'config.json', 'README.md', 'codes.png']
        """
        if not LICENCE.fullmatch(license):
            raise ConfigError(f"“{license:.40}” is no name of a licence on the Hub, such as cc0-1.0 or cc-by-4.0.")
        for grid in sounds:
            self.check(grid)
        info, facts = self._published_info(grids), self.describe()
        heard = [self._sound(number, grid) for number, grid in enumerate(sounds, start=1)]
        figures = facts | {
            "library_name": "distill",
            "distill_version": __version__,
            "format_version": FORMAT_VERSION,
            "sample_rate": SAMPLE_RATE,
            "rows": ROWS,
        }
        figures |= {name: asdict(info)[name] for name in ("mel_l1", "val_mel_l1", "config", "provenance")}
        figures["health"] = asdict(info)["levels"]
        card = model_card(repository, info, facts, license, [file.path for file in heard])
        clips = (
            "It keeps the codes of up to three minutes of its training clips: whoever has it can hear them."
            if info.grids
            else "No codes of its training clips are in it."
        )
        return [
            HubFile(CODEC_FILE, self._file(info), f"The codec: weights, settings and figures of its training. {clips}"),
            HubFile("config.json", _json(figures), "Its settings and figures, for programs."),
            HubFile("README.md", card.encode(), f"Its page on the Hub, with the licence {license}."),
            HubFile("codes.png", self._picture(), "A picture of the sound of each of its codes."),
            *heard,
        ]

    def save_pretrained(self, folder: str | os.PathLike[str], *, repository: str = "user/name", **options: Any) -> None:
        """Write the files of :meth:`hub_files` to a folder; the options are its own."""
        for file in self.hub_files(repository, **options):
            path = Path(folder) / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        token: str | bool | None = None,
        license: str = DEFAULT_LICENCE,
        sounds: Sequence[CodeGrid] = (),
        grids: bool = False,
        commit_message: str = "Publish a codec",
    ) -> str:
        """Publish the files of :meth:`hub_files` in a model repository of the Hugging Face Hub.

        Parameters
        ----------
        repository : str
            Its name, "user/name"; it is made if it is not there. Sounds that were published before are replaced.
        private : bool
            Whether only its owner may read it.
        token : str or bool, optional
            Token of the Hub that may write; by default the one that is stored on this machine.
        license, sounds, grids
            As for :meth:`hub_files`.
        commit_message : str

        Returns
        -------
        str
            Address of the commit.

        Raises
        ------
        HubError
            If the name is no name or is taken, the token may not write there, or the Hub cannot be reached.
        ConfigError, GridError
            As :meth:`hub_files` does.
        """
        files = self.hub_files(repository, license=license, sounds=sounds, grids=grids)
        return publish(repository, files, message=commit_message, private=private, token=token)

    def _published_info(self, grids: bool) -> CodecInfo:
        """Return the facts that go out."""
        info = self.info if grids else replace(self.info, grids=None)
        if info.provenance and info.provenance.device not in DEVICES:
            info = replace(info, provenance=replace(info.provenance, device=""))
        return info

    def _file(self, info: CodecInfo) -> bytes:
        """Return the codec's file with these facts."""
        told = copy.copy(self)
        told.info = info
        with tempfile.TemporaryDirectory() as folder:
            told.save(path := Path(folder) / CODEC_FILE)
            return path.read_bytes()

    def _picture(self) -> bytes:
        from distill.plots import plot_atlas

        buffer, atlas = io.BytesIO(), self.atlas
        plot_atlas(atlas.log_mels, atlas.colours, atlas.order).savefig(buffer, format="png")
        return buffer.getvalue()

    def _sound(self, number: int, grid: CodeGrid) -> HubFile:
        """Return the start of what a grid sounds like."""
        most = SOUND_SECONDS * SAMPLE_RATE
        frames = slice(0, min(grid.num_frames, -(-most // HOP_LENGTH)))
        waveform = self.decode_frames(grid, frames)[: min(grid.num_samples, most)]
        with tempfile.TemporaryDirectory() as folder:
            write_flac(path := Path(folder) / "sound.flac", waveform)
            words = f"Sound {number} as the codec plays it, {len(waveform) / SAMPLE_RATE:.1f} s."
            return HubFile(f"sounds/{number}.flac", path.read_bytes(), words)


def _json(figures: dict[str, Any]) -> bytes:
    return (json.dumps(figures, indent=2) + "\n").encode()
