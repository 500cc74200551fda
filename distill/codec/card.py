"""The card of a published codec: the page that the Hugging Face Hub shows of it."""

from collections.abc import Sequence
from typing import Any

from distill.audio.logmel import SAMPLE_RATE
from distill.codes.grid import column_seconds
from distill.codes.levels import level_names
from distill.models.vqvae import ROWS
from distill.training.codec_info import CodecInfo
from distill.training.health import LevelHealth, health_warnings

DB_PER_NEPER = 8.686


def model_card(
    repository: str, info: CodecInfo, facts: dict[str, Any], licence: str, sounds: Sequence[str] = ()
) -> str:
    """Write the card of a codec in Markdown, with the front matter that the Hub reads.

    Parameters
    ----------
    repository : str
        Name of the repository, "user/name".
    info : CodecInfo
        Facts about the training.
    facts : dict
        Facts about the codec, from :meth:`distill.codec.Codec.describe`.
    licence : str
        Name of the licence on the Hub.
    sounds : sequence of str
        Paths of published sounds in the repository.

    Examples
    --------
    >>> from distill.codec import Codec
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> print(model_card("user/loops", codec.info, codec.describe(), "cc0-1.0")[:33])
    ---
    license: cc0-1.0
    library_name
    """
    parts = [
        _front_matter(licence),
        f"# {repository.rpartition('/')[2]}",
        _about(facts),
        "![The sound of each code of each level, and its colour below it](codes.png)",
        _use(repository),
        _training(info),
        _health(info.levels or ()),
        _grids(info),
        _sounds(repository, sounds),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(licence: str) -> str:
    tags = "".join(f"- {tag}\n" for tag in ("audio", "neural-audio-codec", "rvq", "spectrogram"))
    return f"---\nlicense: {licence}\nlibrary_name: distill\npipeline_tag: audio-to-audio\ntags:\n{tags}---"


def _about(facts: dict[str, Any]) -> str:
    columns = f"columns of {1000 * column_seconds(facts['time_stride']):.0f} ms"
    return (
        "A small neural audio codec, made with Distill. It writes a sound as a grid of whole numbers, its codes, and "
        "turns such a grid, also one that was edited by hand, back into sound.\n\n"
        f"It has {facts['levels']} levels of {facts['codebook_size']} codes, {ROWS} rows and {columns}: "
        f"{facts['bitrate_bps']:.0f} bit/s for one channel at {SAMPLE_RATE:,} Hz. "
        f"It has {facts['parameters']:,} parameters, and its `model_id` is `{facts['model_id']}`."
    )


def _use(repository: str) -> str:
    return (
        "## How to use it\n\n```python\n"
        "from distill.codec import Codec\n\n"
        f'codec = Codec.from_pretrained("{repository}")\n'
        "grid = codec.encode(waveform, sample_rate)  # integers [levels, rows, columns]\n"
        "clip = codec.decode(grid)  # float32, 44 100 Hz\n```"
    )


def _training(info: CodecInfo) -> str:
    """Say how the codec was trained and how far off it is, as far as that is known."""
    source = info.provenance
    if source is None or info.mel_l1 is None:
        return "## How it was trained\n\nThat is not known."
    start = f"the codec `{source.from_codec}`" if source.from_codec else "Distill's base model"
    began = f" from {start}" if source.from_codec or source.from_base else " from random weights"
    where = {"cpu": " on a CPU", "cuda": " on a GPU"}.get(source.device, "")
    errors = f"{_error(info.mel_l1)} on the training clips"
    if info.val_mel_l1 is not None:
        errors += f", and {_error(info.val_mel_l1)} on {source.held_out} clips that were held out"
    return (
        f"## How it was trained\n\nOn {source.clips} clips, {source.sound_seconds:.0f} s of sound, for "
        f"{source.training_seconds:.0f} s and {source.steps} steps{where},{began}. The mean difference of a log-mel "
        f"from its reconstruction is {errors}."
    )


def _error(nepers: float) -> str:
    return f"{nepers:.3f} nepers ({nepers * DB_PER_NEPER:.1f} dB)"


def _health(levels: Sequence[LevelHealth]) -> str:
    """Draw a table of how each level used its codes on the training clips."""
    if not levels:
        return ""
    rows = "".join(
        f"| {name} | {level.utilization:.0%} | {level.perplexity:.1f} | {level.dead_codes} |\n"
        for name, level in zip(level_names(len(levels)), levels, strict=True)
    )
    warnings = "".join(f"\n{warning}" for warning in health_warnings(levels))
    head = "| level | codes in use | perplexity | dead codes |\n|---|---|---|---|\n"
    return f"## Its codes\n\n{head}{rows}{warnings}".rstrip()


def _grids(info: CodecInfo) -> str:
    kept = (
        "keeps the codes of up to three minutes of its training clips, from which it can go on with a grid; they can "
        "be decoded to the sound of the clips"
        if info.grids
        else "holds no codes of its training clips"
    )
    return f"The file names none of its training clips, and {kept}."


def _sounds(repository: str, sounds: Sequence[str]) -> str:
    """Show players of the sounds."""
    if not sounds:
        return ""
    address = f"https://huggingface.co/{repository}/resolve/main"
    players = "\n\n".join(f'<audio controls src="{address}/{path}"></audio>' for path in sounds)
    return f"## How it sounds\n\nThese sounds went through the codec.\n\n{players}"
