"""The base model: the same network, trained once on broad sound, from which a visitor's training starts.

Only its weights are taken over. The codebooks are placed anew, by k-means on the visitor's own clips.
"""

from pathlib import Path

import torch

from distill.models.persistence import load_model
from distill.models.vqvae import ConvVQVAE
from distill.training.config import VQVAEConfig

BASE_CONFIG = VQVAEConfig(
    codebook_size=256,
    num_quantizers=4,
    decay=0.95,
    level_dropout=True,  # a visitor's codec may have fewer levels, and coarser ones
    gain_db=12.0,  # or quieter or louder sound
    refinement=0.0,  # the encoder is what a visitor's training changes least
    learning_rate=4e-3,
    batch_size=16,
    epochs=1_000_000,
    minutes=40.0,
    validations=20,
    from_base=False,
)
"""How the base model itself is trained, by ``python -m distill base``."""
BASE_PATH = Path(__file__).with_name("base.distill")


@torch.no_grad()
def start_from_base(model: ConvVQVAE, path: Path = BASE_PATH) -> None:
    """Take over the base model's weights and statistics.

    Where the codebook dimension is another one than the base's, the layers next to the codebooks stay as they are.

    Parameters
    ----------
    model : ConvVQVAE
        Changed in place, but for its quantizer.
    path : path-like
        A ``.distill`` file.

    Raises
    ------
    CodecFileError
        If the file is missing or damaged.
    """
    own, base = model.state_dict(), load_model(path).state_dict()
    for name, tensor in own.items():
        if not name.startswith("quantizer.") and base[name].shape == tensor.shape:
            tensor.copy_(base[name])
