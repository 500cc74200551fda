"""Hostile ``.distill`` files: Distill refuses them in one sentence, or reads a codec that encodes and decodes."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from distill.codec import Codec
from distill.models import ConvVQVAE
from distill.models.persistence import round_weights
from distill.models.vocoder import VocoderNetwork
from distill.training.codec_info import CodecInfo
from tests.fuzzing import MIB, NASTY, SPECIAL_FLOATS, damaged, paths, survey, survey_elsewhere, swapped, tell, to_json

CEILING = 256 * MIB
"""Limit of the extra memory that a hostile file may take, compared with a valid file. Both have about 3 MB."""
NOTES: dict[str, Any] = {
    "config": {"batch_size": 8, "minutes": None, "level_dropout": False, "learning_rate": 0.012, "seed": 0},
    "curves": {
        "steps": [{"recon_loss": 1.0, "seconds": 0.5, "step": 1}, {"recon_loss": 0.5, "seconds": 1.5, "step": 9}],
        "validations": [{"mel_l1": 0.5, "seconds": 1.0, "step": 1, "val_mel_l1": None}],
    },
    "levels": [{"dead_codes": 0, "perplexity": 9.5, "utilization": 1.0}] * 3,
    "mel_l1": 0.25,
    "val_mel_l1": 0.5,
    "provenance": {"clips": 7, "device": "cpu", "epochs": 9.5, "from_base": True, "held_out": 0, "sound_seconds": 20.5}
    | {"steps": 900, "training_seconds": 60.0},
    "usage": [[1] * 16] * 3,
}
TENSORS = [
    *("mel_mean", "mel_std", "encoder.stages.0.weight", "encoder.stages.4.running_var", "decoder.stages.3.weight"),
    *("quantizer.rvq.layers.0._codebook.embed", "quantizer.rvq.layers.1._codebook.initted"),
    *("quantizer.rvq.layers.2._codebook.cluster_size", "encoder.stages.4.num_batches_tracked"),
]


@pytest.mark.parametrize("count", [150, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_hostile_codec_is_refused_in_a_sentence_or_encodes_and_decodes(count):
    result = survey_elsewhere("tests.models.test_fuzzing", count, seconds=600 + count)
    assert result.cases == count
    assert not result.problems
    assert result.slowest < 10
    assert result.growth < CEILING


def small_codec(path: Path, seed: int, *, network: VocoderNetwork | None = None, **settings: int) -> bytes:
    torch.manual_seed(seed)
    model = ConvVQVAE(**({"codebook_dim": 8, "codebook_size": 16, "num_quantizers": 3} | settings))
    with torch.no_grad():
        model.train()(torch.randn(2, 1, 128, 64))
    round_weights(model)
    info = TypeAdapter(CodecInfo).validate_json(json.dumps(NOTES))
    Codec(model, None if settings else info, network=network).save(path)
    return path.read_bytes()


class Parts:
    """The parts of a ``.distill`` file: the safetensors header, the notes in it, and the bytes of the tensors."""

    def __init__(self, content: bytes) -> None:
        length = int.from_bytes(content[:8], "little")
        self.header, self.data = json.loads(content[8 : 8 + length]), content[8 + length :]
        self.notes = json.loads(self.header["__metadata__"]["distill"])

    def joined(self, header: object = None, notes: object = None, data: bytes | None = None) -> bytes:
        header = self.header if header is None else header
        if notes is not None:
            header = header | {"__metadata__": {"distill": to_json(notes)}}
        text = to_json(header).encode(errors="surrogatepass")
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + (self.data if data is None else data)


def hostile(whole: bytes, other: bytes, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Generate ``count`` hostile files. Half have one header value replaced, each in turn; the others are damaged."""
    generator, parts = np.random.default_rng(seed), Parts(whole)
    noted = [(way, value, True) for way in paths(parts.notes) for value in NASTY]
    entries = [way for way in paths(parts.header) if way[0] in (*TENSORS, "__metadata__")]
    swaps = noted + [(way, value, False) for way in entries for value in NASTY]
    order = generator.permutation(len(swaps))
    header_end = len(whole) - len(parts.data)
    for number in range(count):
        if number % 2:
            way, value, in_notes = swaps[order[number // 2 % len(order)]]
            swap = (
                {"notes": swapped(parts.notes, way, value)}
                if in_notes
                else {"header": swapped(parts.header, way, value)}
            )
            yield "swapped value", parts.joined(**swap)
        else:
            kind = int(generator.integers(5))
            if kind == 0:
                yield "values", parts.joined(data=with_values(parts, generator))
            elif kind == 1:
                yield "forged tensor", parts.joined(header=with_forged_tensor(parts, generator))
            else:
                region = [(0, 8), (8, header_end), (header_end, len(whole))][kind - 2]
                name, content = damaged(whole, other, generator, *region)
                yield f"{name} in {('length', 'header', 'tensors')[kind - 2]}", content


def with_values(parts: Parts, generator: np.random.Generator) -> bytes:
    """Replace one tensor, or one value in it, by a special float, and return the bytes of all tensors."""
    names = [name for name, entry in parts.header.items() if entry.get("dtype") in ("F16", "F32")]
    entry = parts.header[str(generator.choice(names))]
    start, stop = entry["data_offsets"]
    with np.errstate(over="ignore"):
        special = np.array(generator.choice(SPECIAL_FLOATS)).astype({"F16": "<f2", "F32": "<f4"}[entry["dtype"]])
    values = np.frombuffer(parts.data[start:stop], special.dtype).copy()
    values[generator.integers(len(values)) if generator.random() < 0.5 else slice(None)] = special
    return parts.data[:start] + values.tobytes() + parts.data[stop:]


def with_forged_tensor(parts: Parts, generator: np.random.Generator) -> dict[str, Any]:
    """Give one tensor in the header another shape, type, place or name, and return the header."""
    header, name = dict(parts.header), str(generator.choice(TENSORS))
    entry = header[name]
    start, stop = entry["data_offsets"]
    forgeries: dict[str, list[Any]] = {
        "shape": [
            *([10**9, 10**9], [0, 10**18], [2**63], [stop - start], [-1, -1], [1] * 1000, [], "128", None),
            *(entry["shape"][::-1], [1, *entry["shape"]]),
        ],
        "dtype": ["F64", "BF16", "I8", "F8_E4M3", "F4", "C64", "BOOL", "F16", "F32", "U64", "object", "", None],
        "data_offsets": [
            *(
                [0, 0],
                [stop, start],
                [start, 2**64 - 1],
                [start + 1, stop + 1],
                [0, len(parts.data)],
                [start],
                [-1, stop],
            ),
        ],
    }
    match str(generator.choice([*forgeries, "name", "more", "many", "less"])):
        case "name":
            header[name + ".more"] = header.pop(name)
        case "more":
            header["one_more"] = {"dtype": "F32", "shape": [0, 10**12], "data_offsets": [start, start]}
        case "many":
            header |= {str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(10_000)}
        case "less":
            del header[name]
        case forged:
            header[name] = entry | {forged: forgeries[forged][int(generator.integers(len(forgeries[forged])))]}
    return header


def use(path: Path) -> None:
    """Load a codec, and encode and decode 0.3 s of sound."""
    codec = Codec.load(path)
    json.dumps(asdict(codec.info), allow_nan=False).encode()
    time = np.arange(13_000) / 44_100
    grid = codec.encode((0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 44_100)
    sound = codec.decode(grid)
    patch = codec.decode_region(grid, columns=0)
    for waveform in (sound, patch.waveform, codec.audition(codec.num_levels - 1, codec.codebook_size - 1)):
        assert np.isfinite(waveform).all(), "sound that is no number"
    assert np.isfinite(codec.atlas.log_mels).all(), "codes that are no number"


def main(count: int) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.distill"
        other = small_codec(path, 1, codebook_dim=4, num_quantizers=4)
        whole = small_codec(path, 0)

        def attempt(content: bytes) -> Callable[[], None]:
            def load() -> None:
                path.write_bytes(content)
                use(path)

            return load

        cases = ((kind, attempt(content)) for kind, content in hostile(whole, other, count))
        tell(survey(attempt(whole), cases, CEILING))


if __name__ == "__main__":
    main(int(sys.argv[1]))
