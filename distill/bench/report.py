"""Run the benchmark: print its table, and collect its figures for the JSON file."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from distill.audio import SAMPLE_RATE, Clip, GriffinLim, LogMel, Vocoder, read_clips
from distill.bench.bulk import measure_bulk
from distill.bench.contest import Contestant, Result, run
from distill.bench.listening import Listening, listen, opus, synthesize, with_phases_of
from distill.bench.pace import measure_pace
from distill.bench.page import measure_page
from distill.bench.prior import HEADINGS as PRIOR_HEADINGS
from distill.bench.prior import SECONDS, measure_priors, measure_vamp_speed, row_of
from distill.bench.strip import measure_strip
from distill.codec import Codec
from distill.errors import ConfigError, check_range
from distill.examples import find_examples
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import MelClip, to_mel_clip

if TYPE_CHECKING:
    from distill.editing.work import Work

Say = Callable[[str], object]
Progress = Callable[[str, float], object]
CONTESTANTS = (
    Contestant("plain", "plain", 150, 3),
    Contestant("vae", "vae", 150, 0),
    Contestant("distill", "distill", 60, 3),
    Contestant("distill-4", "distill", 60, 4),
    Contestant("distill-4-long", "distill", 300, 4),
    Contestant("distill-93ms", "distill", 60, 3, 8),
    Contestant("distill-46ms", "distill", 60, 3, 4),
    Contestant("scratch-4", "scratch", 60, 4),
)
SPEED, HELD_OUT, HITS, PAGE, STRIP, PRIOR, BULK = "speed", "held-out", "hits", "page", "strip", "prior", "bulk"
MEASURED: dict[str, Callable[[Say], Any]] = {PAGE: measure_page, STRIP: measure_strip, BULK: measure_bulk}
HELD_OUT_CONTESTANTS = ("plain", "distill")
HITS_CONTESTANT = Contestant("hits, 46 ms", "distill", 60, 3, 4)
USUAL = (*(contestant.name for contestant in CONTESTANTS), HELD_OUT, HITS, SPEED)
NAMES = (*USUAL, PAGE, STRIP, PRIOR, BULK)
VALUES = (0.5, 0.4, 0.32, 0.25, 0.2)
LISTENING = ("bit/s", "mel_l1", "64", "256", "rise ms", "pre dB", "ViSQOL", "Zimt.")
HEADINGS = ("levels", "bit/s", "seconds", "steps/s", "mel_l1", "held out", "codes", "MB", *(f"to {v}" for v in VALUES))
EDIT_SECONDS, EDITS, WARMUP_EDITS, PAUSE_SECONDS = 10, 40, 5, 0.1
PACE_SECONDS = 20  # of each training whose steps are counted
STEPS_BEFORE = 100  # steps of a training before edits are timed beside it


def bench(names: Sequence[str], *, minutes: float | None, say: Say, progress: Progress) -> dict[str, Any]:
    """Run parts of the benchmark on the example clips, and report each figure as soon as it is measured.

    Parameters
    ----------
    names : sequence of str
        Names of parts from :data:`NAMES`; all but "page", "strip", "prior", "bulk" if empty. "held-out" trains "plain"
        and "distill" again without every fourth clip; "hits" trains on short sounds, with columns as short as such
        sounds get; "speed" measures the example codec; "page" measures the Edit tab in Chromium, "strip" how evenly the
        strip of 500 clips scrolls there; "prior" measures what guesses codes, "bulk" whole folders by Ray.
    minutes : float, optional
        Training time of all parts together, 0.2 to 1440 minutes; the time of each training shrinks in proportion. By
        default, each training takes its full time.
    say : callable
        Takes a line of text to print.
    progress : callable
        Takes a line about the present step, and the share of all training that is done, 0 to 1.

    Returns
    -------
    dict
        Number of cores and of torch threads, and the results of each part.

    Raises
    ------
    ConfigError
        If no part has one of the names, ``minutes`` is out of its range, or what "page" and "strip" need is missing.
    CheckoutError
        If the example clips are missing.
    TrainingError
        If the process of a training died.
    """
    if unknown := [name for name in names if name not in NAMES]:
        raise ConfigError(f"There is no benchmark named {unknown[0]!r}; choose from {', '.join(NAMES)}.")
    if minutes is not None:
        check_range("minutes", minutes, 0.2, 24 * 60)
    chosen = names or USUAL
    trainings = [contestant for contestant in CONTESTANTS if contestant.name in chosen]
    again = [c for c in CONTESTANTS if c.name in HELD_OUT_CONTESTANTS] if HELD_OUT in chosen else []
    on_hits = [HITS_CONTESTANT] if HITS in chosen else []
    planned = sum(contestant.seconds for contestant in (*trainings, *again, *on_hits)) + 2 * SECONDS * (PRIOR in chosen)
    share = min(1.0, minutes * 60 / planned) if minutes is not None and planned else 1.0
    report: dict[str, Any] = {"cores": os.cpu_count(), "torch_threads": torch.get_num_threads()}
    sounds, log_mel = _example_clips("clips"), LogMel()
    clips = [to_mel_clip(sound, log_mel) for sound in sounds]
    training = f"; {planned * share / 60:.1f} minutes of training" if planned else ""
    say(f"{report['cores']} cores; {len(clips)} clips{training}.")
    done = 0.0

    def train(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip]) -> Result:
        nonlocal done
        contestant = replace(contestant, seconds=contestant.seconds * share)

        def show(seconds: float, error: float) -> None:
            line = f"{contestant.name}: {seconds:.0f} of {contestant.seconds:.0f} s, mel_l1 {error:.3f}"
            progress(line, (done + seconds) / (planned * share))

        result = run(contestant, clips, held_out, show=show)
        done += contestant.seconds
        _say_result(result, say)
        return result

    if trainings:
        say("\n" + _row("trained on all clips", *HEADINGS))
        results = [train(contestant, clips, []) for contestant in trainings]
        _say_race(results, say)
        report["trainings"] = [result.figures() for result in results]
        rows = [*_listen(sounds, clips, results, say, progress), *_listen_to_opus(sounds, say, progress)]
        report["listening"] = [asdict(row) for row in rows]
    if again:
        kept, held_out = [c for i, c in enumerate(clips) if i % 4], clips[::4]
        say("\n" + _row(f"trained on {len(kept)} clips", *HEADINGS))
        results = [train(contestant, kept, held_out) for contestant in again]
        report["held_out"] = [result.figures() for result in results]
        report["held_out_listening"] = [asdict(row) for row in _listen_held_out(sounds[::4], results, say, progress)]
    if on_hits:
        hits = _example_clips("hits")
        hit_mels = [to_mel_clip(hit, log_mel) for hit in hits]
        say("\n" + _row(f"trained on {len(hits)} hits", *HEADINGS))
        results = [train(contestant, hit_mels, []) for contestant in on_hits]
        report["hits"] = [result.figures() for result in results]
        report["hits_listening"] = [asdict(row) for row in _listen(hits, hit_mels, results, say, progress)]
    if SPEED in chosen:
        progress("Measuring the example codec", 1.0)
        report["speed"] = _measure_speed(clips, PACE_SECONDS * share, say)
    for name in [name for name in MEASURED if name in chosen]:
        progress(f"Measuring {name}", 1.0)
        report[name] = MEASURED[name](say)
    if PRIOR in chosen:
        report["prior"] = _measure_priors(clips, SECONDS * share, say)
    return report


def _measure_priors(clips: list[MelClip], seconds: float, say: Say) -> dict[str, Any]:
    """Measure and print how well priors guess the codes of the example clips and hits."""
    log_mel = LogMel()
    sets = {"loops": clips, "hits": [to_mel_clip(hit, log_mel) for hit in _example_clips("hits")]}
    say("\n" + _row("guessing codes", *PRIOR_HEADINGS))
    figures = []
    for sounds, clips in sets.items():
        for each in measure_priors(sounds, clips, seconds):
            figures.append(asdict(each))
            say(_row(f"{sounds}, {each.name}, {each.temperature:g}", *row_of(each)))
    speed = measure_vamp_speed(Codec.load(find_examples() / "models" / "loops.distill"))
    say(
        f"A take of 8 columns took {speed['take_ms']:.0f} ms of processor time, and four of 32 columns "
        f"{speed['four_takes_ms']:.0f} ms."
    )
    return {"priors": figures} | speed


def _measure_speed(clips: Sequence[MelClip], pace_seconds: float, say: Say) -> dict[str, float]:
    """Measure and print the speed of the example codec, of edits and of trainings."""
    speed = measure_speed(Codec.load(find_examples() / "models" / "loops.distill"))
    say(
        f"\nThe example codec encodes {speed['encode_rtf']:.0f} and decodes {speed['decode_rtf']:.1f} seconds "
        f"of sound a second; {EDIT_SECONDS} s of log-mel are sound after {speed['vocoder_seconds']:.3f} s "
        f"(by Griffin-Lim {speed['griffin_lim_seconds'] / speed['vocoder_seconds']:.1f} times as long); an edit "
        f"of one cell in a {EDIT_SECONDS} s clip is heard after {speed['edit_ms_median']:.0f} ms "
        f"(median of {EDITS}; worst {speed['edit_ms_worst']:.0f} ms), while a training runs after "
        f"{speed['training_edit_ms_median']:.0f} ms (worst {speed['training_edit_ms_worst']:.0f} ms), "
        f"{speed['training_edit_ms_median'] / speed['edit_ms_median']:.2f} times as long."
    )
    pace = measure_pace(clips, find_examples() / "clips", pace_seconds)
    say(
        f"A training makes {pace['steps_per_second']:.1f} steps a second, and {pace['busy_steps_per_second']:.1f} "
        "beside a process that keeps one core busy; from a prepared set on a disk, "
        f"{pace['prepared_steps_per_second'] / pace['steps_per_second']:.2f} times as many."
    )
    return speed | pace


def measure_speed(codec: Codec) -> dict[str, float]:
    """Measure the speed of a codec and of edits on this machine.

    Returns
    -------
    dict
        ``encode_rtf`` and ``decode_rtf``: seconds of sound per second. ``vocoder_seconds`` and
        ``griffin_lim_seconds``: seconds for ten seconds of sound. ``edit_ms_median`` and ``edit_ms_worst``:
        milliseconds from the moment when the server receives an edit of one cell until it sends the sound.
        ``training_edit_ms_median`` and ``training_edit_ms_worst``: the same while a training runs.
    """
    from distill.codec.evaluation import evaluate
    from distill.editing.work import Work

    sounds = _example_clips("clips")
    clip = Clip("ten seconds", np.concatenate([sound.waveform for sound in sounds])[: EDIT_SECONDS * SAMPLE_RATE])
    evaluation = evaluate(codec, [clip])  # the first run warms the caches up
    evaluation = evaluate(codec, [clip])
    work = Work.begin(codec, clip)
    log_mel = codec.decode_mel(work.history.grid)
    vocoder_seconds, griffin_lim_seconds = (
        min(_seconds_of(vocoder, log_mel) for _ in range(3)) for vocoder in (codec.vocoder, GriffinLim(codec.log_mel))
    )
    work.decode()
    alone = _time_edits(work, seed=0)
    with _training(sounds):
        beside = _time_edits(work, seed=1)
    return {
        "encode_rtf": evaluation.encode_rtf,
        "decode_rtf": evaluation.decode_rtf,
        "vocoder_seconds": vocoder_seconds,
        "griffin_lim_seconds": griffin_lim_seconds,
        "edit_ms_median": float(np.median(alone)),
        "edit_ms_worst": max(alone),
        "training_edit_ms_median": float(np.median(beside)),
        "training_edit_ms_worst": max(beside),
    }


def _example_clips(folder: str) -> list[Clip]:
    return [item for item in read_clips([find_examples() / folder]) if isinstance(item, Clip)]


def _seconds_of(vocoder: Vocoder, log_mel: torch.Tensor) -> float:
    began = time.perf_counter()
    vocoder(log_mel)
    return time.perf_counter() - began


def _time_edits(work: "Work", *, seed: int) -> list[float]:
    """Milliseconds for each of 40 random edits of one cell, with a pause before each, as a person makes."""
    from distill.editing.calls import perform

    random, times = np.random.default_rng(seed), []
    for _ in range(EDITS + WARMUP_EDITS):
        time.sleep(PAUSE_SECONDS)
        grid = work.history.grid
        row, column, code = random.integers(0, (grid.rows, grid.columns, grid.codebook_size)).tolist()
        began = time.perf_counter()
        perform(work, {"kind": "paint", "level": 0, "code": code, "cells": [[row, column]]}, lambda secret: work)
        times.append((time.perf_counter() - began) * 1000)
    return times[WARMUP_EDITS:]


@contextmanager
def _training(clips: Sequence[Clip]) -> Iterator[None]:
    """Run a training as the page starts it, beside the ``with`` block; the block begins after its first steps."""
    from distill.jobs import JobRunner

    log_mel = LogMel()
    config = replace(get_adaptive_vqvae_config(len(clips)), minutes=5.0)
    with tempfile.TemporaryDirectory() as folder:
        runner = JobRunner(Path(folder))
        job = runner.submit("bench", [to_mel_clip(clip, log_mel) for clip in clips], config, clips[0])
        while (status := job.wait(0.2)).active and (status.progress is None or status.progress.step < STEPS_BEFORE):
            pass
        try:
            yield
        finally:
            job.delete()


def _listen(
    sounds: Sequence[Clip], clips: Sequence[MelClip], results: Sequence[Result], say: Say, progress: Progress
) -> Iterator[Listening]:
    """Compare the sound of every result, and what other vocoders and the original's phases would make of it."""
    say("\n" + _row("by ear", *LISTENING))
    griffin_lim, true = GriffinLim(LogMel()), [clip.log_mel.numpy() for clip in clips]
    compared = next(
        (r for r in reversed(results) if r.contestant.kind == "distill" and r.contestant.time_stride == 16), results[-1]
    )
    cases = [(result.contestant.name, result.log_mels, result) for result in results]
    cases.append(("true log-mels", true, compared))
    for name, log_mels, result in cases:
        progress(f"Listening to {name}", 1.0)
        bitrate = result.contestant.bitrate_bps if log_mels is not true else None
        yield _said(listen(name, sounds, synthesize(log_mels, result.make_vocoder()), bitrate), say)
        if result is compared:
            yield _said(listen(f"{name}, Griffin-Lim", sounds, synthesize(log_mels, griffin_lim), bitrate), say)
            yield _said(listen(f"{name}, true phases", sounds, with_phases_of(sounds, log_mels), bitrate), say)


def _listen_to_opus(sounds: Sequence[Clip], say: Say, progress: Progress) -> Iterator[Listening]:
    progress("Listening to Opus", 1.0)
    for row in opus(sounds):
        yield _said(row, say)


def _listen_held_out(
    sounds: Sequence[Clip], results: Sequence[Result], say: Say, progress: Progress
) -> Iterator[Listening]:
    """Compare the sound of clips that were not trained on."""
    say("\n" + _row("by ear, on held-out clips", *LISTENING))
    for result in results:
        progress(f"Listening to {result.contestant.name}", 1.0)
        heard = synthesize(result.held_out_log_mels, result.make_vocoder())
        yield _said(listen(result.contestant.name, sounds, heard, result.contestant.bitrate_bps), say)
    heard = synthesize(results[-1].held_out_log_mels, GriffinLim(LogMel()))
    yield _said(
        listen(f"{results[-1].contestant.name}, Griffin-Lim", sounds, heard, results[-1].contestant.bitrate_bps), say
    )


def _said(row: Listening, say: Say) -> Listening:
    """Print a row of the comparison and return it."""
    attacks = row.attacks
    say(
        _row(
            row.name,
            f"{row.bitrate_bps:.0f}" if row.bitrate_bps else "",
            f"{row.mel_l1_audio:.3f}",
            *(f"{difference:.3f}" for difference in row.fine),
            f"{attacks.slower_ms:+.1f}" if attacks else "",
            f"{attacks.earlier_db:+.1f}" if attacks else "",
            f"{row.visqol:.2f}" if row.visqol else "",
            f"{row.zimtohrli:.2f}" if row.zimtohrli else "",
        )
    )
    return row


def _say_result(result: Result, say: Say) -> None:
    contestant, bitrate = result.contestant, result.contestant.bitrate_bps
    times = [result.seconds_to(value) for value in VALUES]
    say(
        _row(
            contestant.name,
            contestant.levels or "none",
            f"{bitrate:.0f}" if bitrate else "none",
            f"{result.seconds:.0f}",
            f"{result.steps / result.seconds:.1f}",
            f"{result.mel_l1:.3f}",
            f"{result.held_out_mel_l1:.3f}" if result.held_out_mel_l1 is not None else "",
            f"{min(result.utilization):.0%}" if result.utilization else "",
            f"{result.peak_memory_mb:.0f}",
            *(f"{seconds:.0f} s" if seconds else "" for seconds in times),
        )
    )


def _say_race(results: Sequence[Result], say: Say) -> None:
    """Print how long each training took to reach the final error of the plain network."""
    plain = next((result for result in results if result.contestant.kind == "plain"), None)
    if plain is None:
        return
    for result in results:
        seconds = result.seconds_to(plain.mel_l1)
        if result is not plain:
            reached = (
                f"after {seconds:.1f} s, {plain.seconds / seconds:.1f} times as fast" if seconds else "not reached"
            )
            say(f"{result.contestant.name} to the plain network's {plain.mel_l1:.3f}: {reached}.")


def _row(*cells: object) -> str:
    name, *rest = cells
    return (f"{name:<28}" + "".join(f"{cell:>9}" for cell in rest)).rstrip()
