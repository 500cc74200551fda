"""Hostile ``.distill`` files, one table for both readers: that of Python and that of the page.

Each list holds what a stranger may write in one place of a file. ``tests/models/test_codec_files.py`` says how Python
refuses them; :func:`hostile_files` writes them all, for the page's reader.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from distill.models import ConvVQVAE, save_model
from distill.models.vocoder import VocoderNetwork
from tests.models.rewriting import rewrite

SETTINGS = [
    {"num_quantizers": 7},
    {"num_quantizers": 1},
    {"num_quantizers": 4},
    {"codebook_dim": 0},
    {"codebook_dim": 16},
    {"codebook_dim": "8"},
    {"codebook_dim": 10**9},
    {"codebook_size": 32},
    {"codebook_size": -1},
    {"codebook_size": 15.5},
    {"codebook_size": None},
    {"decay": 7},
    {"dropout": 2},
    {"dropout": -1},
    {"commitment_weight": 1e6},
    {"threshold_ema_dead_code": -1},
    {"codebook_dim": 8.0},
    {"codebook_dim": True},
    {"level_dropout": 1},
    {"level_dropout": None},
    {"decay": "0.8"},
    {"time_stride": 8},
    {"time_stride": 5},
    {"time_stride": 0},
    {"time_stride": 10**30},
    {"time_stride": 16.0},
    {"time_stride": True},
    {"time_stride": "16"},
    {"time_stride": None},
    {"colour": "red"},
]
"""Settings of a model that are out of range, or do not fit the tensors of a codec of dimension 8."""
HEADERS = [
    {"architecture": "ConvVAE"},
    {"architecture": "os.system"},
    {"architecture": None},
    {"model": None},
    {"model": []},
    {"architecture": ["ConvVQVAE"]},
    {"architecture": "ConvVQVAE" * 1000},
    {"model": {}},
    {"model": {"codebook_dim": 8, "codebook_size": 16, "num_quantizers": 3}},
    {"format_version": "one"},
    {"format_version": None},
    {"format_version": 2.0},
    {"format_version": True},
]
"""Entries of the header."""
VALUES = [
    ("mel_std", 0.0),
    ("mel_std", -1.0),
    ("mel_mean", 1e30),
    ("decoder.stages.3.running_var", -1.0),
    ("decoder.stages.3.running_mean", -1e20),
    ("quantizer.rvq.layers.0._codebook.embed", 1e10),
    ("quantizer.rvq.layers.2._codebook.embed_avg", -1e38),
    ("quantizer.rvq.layers.1._codebook.cluster_size", 1e38),
    ("encoder.stages.4.num_batches_tracked", -(2**63)),
]
"""Values of a whole tensor."""
LENGTHS = [0, 1, 2**20, 2**32, 2**63, 2**64 - 1]
"""Lengths that the first eight bytes claim for the header."""
TEXTS = [
    "[" * 100_000,
    '{"format_version": 2, "mel_l1": NaN}',
    '{"format_version": 2, "comment": -Infinity}',
    '{"format_version": ' + "9" * 5000,
]
"""What may stand in the place of the JSON in the header."""
TRAINED = {"clips": 7, "sound_seconds": 20.5, "training_seconds": 60.0, "steps": 900}
HEALTH = {"utilization": 1.0, "perplexity": 9.5, "dead_codes": 0}
NOTES = [
    {"mel_l1": "0.2"},
    {"mel_l1": 10**400},
    {"mel_l1": -1},
    {"mel_l1": True},
    {"provenance": TRAINED},
    {"provenance": TRAINED | {"clips": "<b>7</b>"}, "mel_l1": 0.2},
    {"provenance": TRAINED | {"clips": 7.5}, "mel_l1": 0.2},
    {"provenance": TRAINED | {"device": "<script>" * 9}, "mel_l1": 0.2},
    {"provenance": TRAINED | {"device": "c\u202epu"}, "mel_l1": 0.2},
    {"provenance": TRAINED | {"from_base": "yes"}, "mel_l1": 0.2},
    {"provenance": TRAINED | {"epochs": [1]}, "mel_l1": 0.2},
    {"levels": [HEALTH]},
    {"levels": [HEALTH | {"perplexity": -1}] * 3},
    {"levels": [HEALTH | {"utilization": 7}] * 3},
    {"levels": [HEALTH | {"dead_codes": 17}] * 3},
    {"usage": [[1] * 16] * 2},
    {"usage": [[1] * 15] * 3},
    {"usage": [[-1] * 16] * 3},
    {"usage": [[10**30] * 16] * 3},
    {"config": {"minutes": "<b>"}},
    {"config": {"seed": 10**30}},
    {"config": {"codebook_size": True}},
    {"config": {"epochs": 7.0}},
    {"config": {"learning_rate": 7}},
    {"config": []},
    {"curves": {"steps": []}},
    {"curves": {"steps": [[1, 2]], "validations": []}},
    {"curves": {"steps": [{"seconds": 1, "recon_loss": 1}] * 5001, "validations": []}},
    {"curves": {"steps": [], "validations": [{"seconds": 1, "mel_l1": 1}]}},
    {"curves": {"steps": [], "validations": [{"seconds": 1e300, "mel_l1": 1, "val_mel_l1": None}]}},
    {"curves": {"steps": [{"seconds": True, "recon_loss": 1}], "validations": []}},
    {"curves": {"steps": [{"seconds": 1, "recon_loss": True}], "validations": []}},
    {"curves": {"steps": [{"seconds": 1, "recon_loss": 1e7}], "validations": []}},
    {"curves": {"steps": [{"seconds": 1, "recon_loss": -1}], "validations": []}},
    {"front_end": {"n_mels": 128.0}},
    {"front_end": [44_100]},
    {"statistics": {"mel_mean": [0.0] * 128}},
    {"statistics": {"mel_mean": [0.0] * 127, "mel_std": [1.0] * 128}},
    {"statistics": {"mel_mean": [0.0] * 128, "mel_std": ["1"] * 128}},
]
"""What a file says of its training. The page does not look at it."""
VOCODERS = [
    None,
    {},
    [],
    {"channels": 8, "hidden": 16, "blocks": 2, "projections": 2},
    {"channels": 10**9, "hidden": 16, "blocks": 1, "projections": 2},
    {"channels": 8.0, "hidden": 16, "blocks": 1, "projections": 2},
    {"channels": 8, "hidden": 16, "blocks": 1, "projections": 10**6},
]
"""Settings of a vocoder of 8 channels, a hidden layer of 16, and one block."""
SAME_NUMBERS: list[dict] = [{"codebook_dim": 8.0}, {"time_stride": 16.0}, {"format_version": 2.0}, {"channels": 8.0}]
"""Numbers that Python refuses because of how they are written, and JavaScript cannot tell from the right ones."""


def hostile_files(model: ConvVQVAE, folder: Path) -> Iterator[tuple[str, Path, bool]]:
    """Write all hostile files: yield what is wrong with each, its path, and whether the page's codec opens it.

    Parameters
    ----------
    model : ConvVQVAE
        A model of dimension 8 with three levels of 16 codes.
    folder : Path
        Where the files are written.
    """
    good = folder / "good.distill"
    save_model(model, good, vocoder=VocoderNetwork(channels=8, hidden=16, blocks=1))
    whole, tensors = good.read_bytes(), load_file(good)
    floats = {name: tensor.float() for name, tensor in tensors.items() if tensor.is_floating_point()}
    vocoder = {"channels": 8, "hidden": 16, "blocks": 1, "projections": 2}
    changes: list[tuple[str, dict[str, Any], bool]] = [
        *((f"setting {each}", {"settings": each}, each in SAME_NUMBERS) for each in SETTINGS),
        *((f"header {str(each)[:60]}", {"header": each}, each in SAME_NUMBERS) for each in HEADERS),
        *((f"notes {str(each)[:60]}", {"header": each}, True) for each in NOTES),
        *((f"vocoder {each}", {"header": {"vocoder": each}}, each == vocoder | {"channels": 8.0}) for each in VOCODERS),
        ("newer format", {"header": {"format_version": 3}}, False),
        ("older format", {"header": {"format_version": 1}}, False),
        ("one more tensor", {"tensors": {"one_more": torch.zeros(1)}}, False),
        ("another shape", {"tensors": {"mel_mean": torch.zeros(128)}}, False),
    ]
    for kind in (torch.float64, torch.bfloat16, torch.int32, torch.uint8):
        changes.append(
            (f"another type {kind}", {"tensors": {"mel_mean": torch.zeros(1, 1, 128, 1, dtype=kind)}}, False)
        )
    for name, value in [
        *VALUES,
        ("mel_mean", torch.nan),
        ("vocoder.draw.bias", torch.inf),
        ("vocoder.draw.bias", 1e30),
    ]:
        kind = torch.int64 if type(value) is int else torch.float32
        changed = {name: torch.full(tensors[name].shape, value, dtype=kind)}
        changes.append((f"values {name} {value}", {"tensors": changed}, False))
    for part in ("encoder", "decoder", "vocoder"):
        larger = {name: x * 1e6 for name, x in floats.items() if name.startswith(part) and name.endswith("weight")}
        changes.append((f"large weights of the {part}", {"tensors": larger}, False))
    unfilled = {name: torch.zeros_like(x) for name, x in tensors.items() if name.endswith("initted")}
    changes.append(("codebooks never filled", {"tensors": unfilled}, False))
    for number, (what, change, is_opened) in enumerate(changes):
        path = folder / f"{number}.distill"
        path.write_bytes(whole)
        rewrite(path, **change)
        yield what, path, is_opened
    yield from _damaged(folder, whole, tensors)


def _damaged(folder: Path, whole: bytes, tensors: dict[str, torch.Tensor]) -> Iterator[tuple[str, Path, bool]]:
    """Write the files whose bytes are wrong, rather than their values."""
    contents = {
        "empty": b"",
        "short": whole[:5],
        "cut short": whole[:-1],
        "too long": whole + b"\0",
        "text": b"distill" * 1000,
        "too large": whole + bytes(64 * 2**20),
    }
    contents |= {f"length {each}": each.to_bytes(8, "little") + whole[8:] for each in LENGTHS}
    for name, content in contents.items():
        path = folder / f"{name}.distill"
        path.write_bytes(content)
        yield name, path, False
    for number, text in enumerate(TEXTS):
        path = folder / f"text {number}.distill"
        save_file(tensors, path, metadata={"distill": text})
        yield f"text {text[:60]}", path, False
