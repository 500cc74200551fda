"""Making of the base model: the training behind ``python -m distill base``."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from distill.audio import Clip, LogMel
from distill.errors import check_range
from distill.models import ConvVQVAE
from distill.models.persistence import load_parts, round_weights, save_model
from distill.training.base import (
    BASE_CONFIG,
    BASE_PATH,
    FINE_BASE_PATHS,
    REHEARSAL_PATH,
    save_rehearsal,
    start_from_base,
)
from distill.training.dataset import to_mel_clip
from distill.training.distributed import choose_device
from distill.training.records import Event
from distill.training.trainer import Trainer
from distill.training.vocoder_trainer import train_base_vocoder

BATCH_ON_A_GPU = 64
"""Number of crops in a step where there is a GPU, which a step with 16 crops leaves idle most of the time."""


def make_base(
    sounds: Iterable[Clip],
    out: Path,
    *,
    minutes: float,
    vocoder_minutes: float,
    time_stride: int = 16,
    device: str = "auto",
    show: Callable[[Event], object] = lambda event: None,
) -> None:
    """Train the base model of a time stride on, and write it. That of 16 brings the vocoder and the rehearsal for all.

    Parameters
    ----------
    sounds : iterable of Clip
        Broad sound, from :func:`~distill.training.base_sounds.base_sounds`.
    out : Path
        ``.distill`` file to write; the rehearsal is written beside it.
    minutes : float
        Minutes of training of the model; 0 keeps the present one.
    vocoder_minutes : float
        Minutes of training of the vocoder, from nothing; 0 keeps the present one.
    time_stride : int
        16, 8 or 4. Each goes on from its present model.
    device : str
        "auto", "cpu" or "cuda".
    show : callable
        Takes the events of the model's training.

    Raises
    ------
    ConfigError
        If a setting is out of its range, or there is no such device.
    """
    chosen = choose_device(device)
    batch_size = BATCH_ON_A_GPU if chosen.type == "cuda" else BASE_CONFIG.batch_size
    config = replace(BASE_CONFIG, minutes=minutes or None, time_stride=time_stride, batch_size=batch_size)
    check_range("vocoder_minutes", vocoder_minutes, 0, 24 * 60)
    model, info, vocoder = load_parts(FINE_BASE_PATHS.get(time_stride, BASE_PATH))
    assert isinstance(model, ConvVQVAE)
    log_mel, clips = LogMel(), []
    for sound in sounds:
        clips.append(to_mel_clip(sound, log_mel))
        if len(clips) % 100 == 0:
            print(f"{len(clips)} clips", flush=True)
    is_fine = time_stride != BASE_CONFIG.time_stride
    if minutes:
        trainer = Trainer(clips, config, device=device)
        start_from_base(trainer.model)
        for event in trainer.run():
            show(event)
        trainer.processes.close()
        if not trainer.processes.is_first:
            return
        model, info = trainer.best_model(), trainer.codec_info()
    if is_fine:
        save_model(model, out, info)
        return
    if minutes:
        save_rehearsal(clips, out.with_name(REHEARSAL_PATH.name))
    if vocoder_minutes:
        said = 0.0
        for fraction, loss, network in train_base_vocoder(model.to(chosen), clips, minutes=vocoder_minutes):
            if fraction - said >= 0.01 or fraction == 1:
                print(f"Vocoder: {fraction:.0%}, loss {loss:.3f}", flush=True)
                said, vocoder = fraction, network
        if vocoder:
            round_weights(vocoder.cpu())
    save_model(model.cpu(), out, info, vocoder)
