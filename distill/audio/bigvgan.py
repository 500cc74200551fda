"""BigVGAN as a vocoder; it needs the ``bigvgan`` package and the public weights."""

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from distill.audio.logmel import HOP_LENGTH, N_MELS, SAMPLE_RATE, LogMel
from distill.audio.vocoder import Vocoder
from distill.errors import VocoderError

REPOSITORY = "nvidia/bigvgan_v2_44khz_128band_512x"


class BigVGAN(Vocoder):
    """The 44.1 kHz generator of BigVGAN v2, trained on the same log-mels that Distill uses.

    Lee et al., "BigVGAN: A Universal Neural Vocoder with Large-Scale Training", 2023. The generator has 122 million
    weights (490 MB) and is made for an accelerator.

    Parameters
    ----------
    generator : nn.Module
        Maps log-mels [1, 128, frames] to waveforms [1, 1, frames * 512].
    """

    reach = 64
    """More than the receptive field of the generator."""

    def __init__(self, generator: nn.Module) -> None:
        self.generator = generator.eval().requires_grad_(False)

    @classmethod
    def load(cls, *, fetch: Callable[[str], str] | None = None) -> "BigVGAN":
        """Load the public weights from the Hugging Face hub or its local cache, onto the GPU if there is one.

        Parameters
        ----------
        fetch : callable, optional
            Takes the name of a file in the weights' repository and returns a local path; by default, the file is
            downloaded from the hub.

        Raises
        ------
        VocoderError
            If the package or the weights are not available, or the weights were trained on other log-mels.
        """
        try:
            from bigvgan.bigvgan import BigVGAN as Generator
            from bigvgan.env import AttrDict
        except ImportError as error:
            raise VocoderError("BigVGAN needs a package of that name: pip install --no-deps bigvgan.") from error
        try:
            fetch = fetch or _fetch_from_hub
            settings = json.loads(Path(fetch("config.json")).read_text(encoding="utf-8"))
            weights = torch.load(fetch("bigvgan_generator.pt"), map_location="cpu", weights_only=True)["generator"]
        except OSError as error:  # the hub's own errors are OSErrors too
            raise VocoderError("BigVGAN's weights cannot be fetched from the Hugging Face hub.") from error
        except Exception as error:
            raise VocoderError("BigVGAN's weights are damaged; delete them from the hub's cache.") from error
        _check_front_end(settings)
        try:
            generator = Generator(AttrDict(settings))
            generator.load_state_dict(weights)
        except (RuntimeError, AttributeError, KeyError, TypeError) as error:
            raise VocoderError("BigVGAN's weights are not those that its settings describe.") from error
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a line
            generator.remove_weight_norm()
        return cls(generator.to("cuda" if torch.cuda.is_available() else "cpu"))

    @torch.no_grad()
    def __call__(self, log_mel: Tensor, first_frame: int = 0) -> Tensor:
        """Synthesize a waveform [frames * 512] from a log-mel [128, frames]; ``first_frame`` changes nothing."""
        device = next(self.generator.parameters()).device
        return self.generator(log_mel[None].to(device))[0, 0].cpu()


def _fetch_from_hub(name: str) -> str:
    from huggingface_hub import hf_hub_download

    return hf_hub_download(REPOSITORY, name)


def _check_front_end(settings: Mapping[str, Any]) -> None:
    expected = {
        "sampling_rate": SAMPLE_RATE,
        "hop_size": HOP_LENGTH,
        "num_mels": N_MELS,
        "n_fft": LogMel.n_fft,
        "win_size": LogMel.n_fft,
    }
    if any(settings.get(name) != value for name, value in expected.items()):
        raise VocoderError("These BigVGAN weights were trained on another kind of log-mel.")
