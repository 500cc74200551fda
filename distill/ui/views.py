"""Pure functions that turn values into the HTML, text and arrays of the tabs."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill.audio import MIN_CLIPS, SAMPLE_RATE, Refusal
from distill.codec import Codec
from distill.codes.levels import level_names
from distill.jobs import JobStatus
from distill.plots import NEPERS_TO_DB
from distill.settings import Settings
from distill.training.config import WEIGHTS, VQVAEConfig, time_stride_reason
from distill.training.dataset import MelClip
from distill.training.health import LOW_UTILIZATION, LevelHealth
from distill.training.records import Curves, counted, shortness

if TYPE_CHECKING:
    from distill.codec.evaluation import Layer
    from distill.editing.work import Work

USE = "Edit with this codec"
"""Label of the button that takes a trained codec into the other tabs."""
WORDS = {
    "Codec": "a network that writes a sound as a few whole numbers, and makes a sound of them again",
    "Code": "one of those numbers; it names an entry of a codebook, a short piece of sound",
    "Codebook": "the codes that a level can choose from: 64, 128 or 256",
    "Level": "one layer of codes. Structure is the coarsest; each level after it adds what those before left out",
    "Column": "the step of time that one code lasts; the shortest thing that can be edited",
    "Codes used": "the share of the codes of a level that occur in the clips at all",
    "Effective codes": "how many codes, all used equally often, would carry as much as these do. Near to the number of "
    "codes is best",
    "Dead codes": "codes that no clip uses. Some are no harm; many mean that the level could do with fewer",
    "Average error": "how far the decoded spectrogram is from the original, in decibels. Below 3 dB a loop sounds much "
    "like itself; above 6 dB it is a sketch",
    "Training loss": "the same error at each step of a training, with a share for codes that do not fit yet. It should "
    "fall and then level out",
    "Columns of 186, 93 or 46 ms": "shorter columns follow attacks better and cost more bits per second",
}
GLOSSARY = (
    "<details class='words'><summary>What the words mean</summary><dl>"
    + "".join(f"<div><dt>{word}</dt><dd>{meaning}.</dd></div>" for word, meaning in WORDS.items())
    + "</dl></details>"
)


AS_BEFORE = (
    "The codec did not become better on these clips, so it stays as it was; give the training more minutes, or other "
    "clips."
)


def invitation(settings: Settings) -> str:
    """Text of the upload area: the accepted files and the limits."""
    return (
        f"<p>Drop {MIN_CLIPS} to {settings.set_clips} clips (WAV, AIFF, FLAC, MP3, OGG, M4A, WebM and more, or a zip "
        f"of them), each up to {settings.clip_seconds / 60:g} minutes. Short, related sounds work best: drum hits, "
        "loops, one instrument, one voice. One long recording will do: it can be cut into clips here.</p>"
    )


def clip_list(accepted: Sequence[MelClip], refused: Sequence[Refusal], notes: Sequence[str] = ()) -> str:
    """List of the accepted files, of the refused files with reasons, and of what is missing of damaged ones."""
    used = [clip for clip in accepted if clip.weight]
    seconds = sum(clip.seconds for clip in used)
    lines = [f"<p><b>{len(used)} clips</b>, {seconds:.1f} s of sound, are ready to train on.</p>"]
    if len(used) < MIN_CLIPS:
        missing = f"<b>{len(used)} of at least {MIN_CLIPS} clips.</b> Add more, or cut a long recording below."
        lines = [f"<p class='bad'>{missing}</p>"]
    lines += [f"<li class='bad'>{html.escape(told)}</li>" for told in (*(each.reason for each in refused), *notes)]
    weights = {0: "left out, "} | {weight: f"×{weight}, " for weight in WEIGHTS[2:]}
    lines += [
        f"<li>{html.escape(clip.name)} <span>{weights.get(clip.weight, '')}{clip.seconds:.1f} s</span></li>"
        for clip in accepted
    ]
    return f"<div class='clips'>{lines[0]}<ul tabindex='0' aria-label='Clips'>{''.join(lines[1:])}</ul></div>"


def config_reason(config: VQVAEConfig, seconds: Sequence[float]) -> str:
    """The adaptive settings for clips of these lengths and the reasons for them."""
    why = {
        64: "a small set fills a small codebook, where every code stays in use",
        128: "there is enough sound for finer shades, and a tenth of the clips is held out to check on",
        256: "a large, varied set needs the most shades, and steadier codebooks",
    }[config.codebook_size]
    minutes = f"{config.minutes:g} minute{'s' * (config.minutes != 1)}"
    columns, why_columns = time_stride_reason(seconds).split(", ", 1)
    return (
        f"<p>For {len(seconds)} clips: <b>{config.codebook_size} codes per level</b> and {minutes}, because {why}. "
        f"And <b>{columns}</b>, {why_columns}.</p>"
    )


def training_progress(status: JobStatus, job: str) -> str:
    """A progress bar, the time left, and the quality so far; the browser stores the id ``job`` from it."""
    note = f"<p class='note'>{html.escape(status.note)}</p>" if status.note and status.state != "failed" else ""
    return f"<div data-training='{html.escape(job)}'>{_training_progress(status)}{note}</div>"


def _training_progress(status: JobStatus) -> str:
    if status.state == "waiting":
        minutes = max(1, round(status.wait_seconds / 60))
        ahead = f"{status.ahead} training{'s' * (status.ahead != 1)} ahead of yours"
        return _bar(
            status.progress.fraction if status.progress else 0,
            f"Waiting: {ahead}, about {minutes} minute{'s' * (minutes != 1)}. "
            "You may close the page meanwhile; then those go first who have theirs open.",
        )
    if status.state == "failed":
        return f"<p class='bad'>{html.escape(status.error)}</p>"
    progress, validation = status.progress, status.validation
    quality = f", average error {validation.mel_l1 * NEPERS_TO_DB:.1f} dB" if validation else ""
    if status.state == "finished" and is_as_before(status.curves):
        return _bar(1, "Finished.") + f"<p class='bad'>{AS_BEFORE}</p>"
    if status.stopping:
        return _bar(progress.fraction if progress else 0, "Stopping after this step; what it has learned is kept.")
    if status.state == "running":
        if progress is None:
            return _bar(None, "Starting: the clips are read, and the first codes are placed among their sounds …")
        return _bar(progress.fraction, f"{progress.remaining:.0f} s left to compute, step {progress.step}{quality}.")
    is_finished = status.state == "finished"
    done = f": {counted(progress.step)} in {progress.seconds:.0f} s{quality}" if progress else ""
    ended = {"stopped": "Stopped; Continue goes on from here", "finished": "Finished"}[status.state]
    warning = shortness(progress.step if progress else 0) if is_finished else ""
    return (
        _bar(progress.fraction if progress else 0, f"{ended}{done}.")
        + (warning and f"<p class='bad'>{warning}</p>")
        + (_next_steps(is_finished=is_finished) if validation else "")
    )


def _next_steps(*, is_finished: bool) -> str:
    """What a visitor may do with a codec after its training."""
    more = "Train again with more minutes" if is_finished else "Continue"
    return (
        f"<p class='next'><b>What next?</b> “{USE}” opens one of your clips as a grid of codes to play and paint; the "
        "strip of clips at the top opens and plays all others. “Save codec” at the top keeps it. "
        f"If it does not sound close enough yet: {more}, or add clips that are like these.</p>"
    )


def is_as_before(curves: Curves) -> bool:
    """Whether a training went on from a codec, and none of its validations was better than that codec."""
    errors = [point.mel_l1 if point.val_mel_l1 is None else point.val_mel_l1 for point in curves.validations]
    return len(errors) > 1 and curves.validations[0].step == 0 and min(errors[1:]) >= errors[0]


def lost_training(settings: Settings, *, has_cookie: bool = True) -> str:
    """Message for a visitor whose browser stores a training that the server no longer has, or cannot tell is theirs."""
    if not has_cookie:
        return (
            "<div data-training=''><p class='bad'>The training that you began here cannot be shown: your browser keeps "
            "no cookie of this page, so the server cannot tell that it is yours. Please allow the cookie, and train "
            "again.</p></div>"
        )
    hours = settings.training_kept_seconds / 3600
    return (
        "<div data-training=''><p class='bad'>The training that you began here is lost: the server was started anew, "
        f"or it ended more than {hours:g} hours ago. Please drop your clips and train again; a codec that you have "
        "downloaded can be opened with “Open codec” above.</p></div>"
    )


HEALTH_ADVICE = {
    "good": "The codebook is put to use.",
    "fair": "Train longer, or add more varied clips.",
    "poor": "This level hardly helps: use fewer levels, or train longer on more varied clips.",
}
"""What to do about a level, by the verdict on how its codes are used."""


def health_table(levels: Sequence[LevelHealth], codebook_size: int, *, judged: bool = True) -> str:
    """A table of the codebook usage of each level; with ``judged``, each level has a verdict and advice.

    A single clip need not use every code, so its figures are not judged.
    """
    rows = []
    for name, level in zip(level_names(len(levels)), levels, strict=True):
        word = "good" if level.utilization >= 0.7 else "fair" if level.utilization >= LOW_UTILIZATION else "poor"
        rows.append(
            f"<tr><th scope='row'>{name}</th><td><meter min='0' max='1' low='0.3' high='0.7' optimum='1' "
            f"value='{level.utilization:.3f}'></meter> {level.utilization:.0%}</td>"
            f"<td>{level.perplexity:.0f} of {codebook_size}</td><td>{level.dead_codes}</td>"
            + (
                f"<td class='{word}'>{word}</td><td class='advice'>{HEALTH_ADVICE[word]}</td></tr>"
                if judged
                else "</tr>"
            )
        )
    return (
        "<div class='health' tabindex='0' role='group' aria-label='Use of the codes'><table>"
        "<thead><tr>"
        f"<th scope='col' title='{WORDS['Level']}'>Level</th>"
        f"<th scope='col' title='{WORDS['Codes used']}'>Codes used</th>"
        f"<th scope='col' title='{WORDS['Effective codes']}'>Effective codes</th>"
        f"<th scope='col' title='{WORDS['Dead codes']}'>{'Dead' if judged else 'Unused'} codes</th>"
        f"{'<th scope=col>Health</th><th scope=col>What to do</th>' if judged else ''}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        "<p class='note'>Used: the share of codes that occur at all. Effective: how many codes, used equally often, "
        f"would carry as much. {'Dead' if judged else 'Unused'}: codes that never occur.</p>"
    )


def codec_line(codec: Codec) -> str:
    """Description of a codec in one line."""
    source = codec.info.provenance
    trained = f"trained on {source.clips} clips for {source.training_seconds:.0f} s" if source else ""
    return (
        f"<p class='codec'>Codec <b>{codec.model_id[:6]}</b> "
        f"<span>{codec.num_levels} levels × {codec.codebook_size} codes</span> "
        f"<span>columns of {milliseconds(codec.column_seconds)}</span> "
        f"<span>{codec.bitrate_bps:.0f} bit/s</span> <span>{trained}</span></p>"
    )


def clip_facts(work: "Work") -> str:
    """The cost and the loss of a reconstruction, as HTML."""
    items = "".join(f"<div><dt>{html.escape(what)}</dt><dd>{value}</dd></div>" for what, value in report_facts(work))
    note = f"<p class='bad'>{html.escape(work.note)}</p>" if work.note else ""
    return f"{note}<dl class='facts'>{items}</dl>"


def report_facts(work: "Work") -> list[tuple[str, str]]:
    """The figures of a clip in a codec; figures that need the decoded sound are "…" until then."""
    codec, seconds, bitrate_bps = work.codec, work.seconds, work.bitrate_bps
    code_bytes = bitrate_bps * seconds / 8
    decoding = work.decode_seconds.get(codec.num_levels)
    heard = work.is_decoded
    facts = [
        ("Length", f"{seconds:.2f} s"),
        ("As codes", f"{bitrate_bps:.0f} bit/s"),
        ("Smaller than 16-bit WAV", f"{SAMPLE_RATE * 16 / bitrate_bps:.0f} ×"),
    ]
    if not work.encode_seconds:  # a grid without a clip is its own original
        facts.append(("Original", "none: it was made of codes"))
    else:
        facts.append(("Error of the spectrogram", decibels(work.layers[-1].mel_l1)))
        facts.append(("Error of the sound", decibels(work.mel_l1_audio()) if heard else "…"))
        facts.append(("Time to encode", milliseconds(work.encode_seconds)))
        facts.append(("Time to decode", milliseconds(decoding) if heard and decoding else "…"))
    if work.file_bytes:
        facts.insert(3, ("Smaller than its file", f"{work.file_bytes / code_bytes:.0f} ×"))
    return facts


def decibels(mel_l1: float) -> str:
    """A mean absolute difference of natural-log mels, in dB."""
    return f"{mel_l1 * NEPERS_TO_DB:.1f} dB"


def milliseconds(seconds: float) -> str:
    """A duration in readable units."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def layer_note(layer: "Layer") -> str:
    """Cost and benefit of a layer, for the player."""
    return f"{layer.bitrate_bps:.0f} bit/s · {decibels(layer.mel_l1)} off"


def layer_titles(layers: "Sequence[Layer]") -> list[tuple[str, str]]:
    """Name of each layer, and the cost and benefit of its last level, for the pictures."""
    titles = []
    for layer in layers:
        worth = f"carries {layer.share:.0%} of the sound" if layer.share > 0 else "brings this sound no nearer"
        note = f"{layer.bitrate_bps:.0f} bit/s, average error {decibels(layer.mel_l1)}; {layer.name} {worth}"
        titles.append((layer_name(layer), note))
    return titles


def layer_name(layer: "Layer") -> str:
    """Name of a layer: that of its last level, which is added to the levels before."""
    return layer.name if layer.levels == 1 else f"+ {layer.name}"


def _bar(fraction: float | None, text: str) -> str:
    """A progress bar and what is done; with None, a bar that moves without an end that is known."""
    if fraction is None:
        bar = "<div class='progress is-open' role='progressbar' aria-label='Training'><i></i></div>"
        return f"{bar}<p class='status'>{text}</p>"
    return (
        f"<div class='progress' role='progressbar' aria-label='Training' aria-valuenow='{fraction * 100:.0f}'>"
        f"<i style='width:{fraction:.1%}'></i></div><p class='status'>{text}</p>"
    )
