"""A training resumed from a checkpoint ends with the same weights, bit for bit, as without the interruption."""

from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from distill.errors import CodecFileError, TrainingError
from distill.training.checkpoint import load_checkpoint, save_checkpoint
from distill.training.dataset import MelClip
from distill.training.records import Progress, StepPoint, Validation
from distill.training.trainer import Trainer


def trained_until(step: int, clips: list[MelClip], config: object) -> Trainer:
    trainer = Trainer(clips, config, device="cpu")
    for event in trainer.run():
        if isinstance(event, Progress) and event.step == step:
            trainer.stop()
    return trainer


def have_same_weights(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    tensors = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in tensors)


@pytest.fixture(scope="module")
def uninterrupted(mel_clips, quick_config) -> Trainer:
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    list(trainer.run())
    return trainer


@pytest.fixture
def checkpoint(mel_clips, quick_config, tmp_path):
    save_checkpoint(trained_until(2, mel_clips, quick_config), tmp_path / "kit.resume")
    return tmp_path / "kit.resume"


@pytest.mark.parametrize("step", [1, 3, 10])
def test_a_resumed_training_ends_with_the_weights_of_one_that_was_never_interrupted(
    uninterrupted, mel_clips, quick_config, tmp_path, step
):
    save_checkpoint(trained_until(step, mel_clips, quick_config), tmp_path / "kit.resume")
    torch.manual_seed(123)
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    load_checkpoint(trainer, tmp_path / "kit.resume")
    assert trainer.steps == step
    list(trainer.run())
    assert trainer.steps == uninterrupted.steps
    assert have_same_weights(trainer.model, uninterrupted.model)


def test_a_training_resumed_after_a_validation_keeps_its_results(uninterrupted, mel_clips, quick_config, tmp_path):
    interrupted = Trainer(mel_clips, quick_config, device="cpu")
    for event in interrupted.run():
        if isinstance(event, Validation):
            save_checkpoint(interrupted, tmp_path / "kit.resume")
            break
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    load_checkpoint(trainer, tmp_path / "kit.resume")
    assert trainer.best == interrupted.best
    assert trainer.seconds == interrupted.seconds
    assert have_same_weights(trainer.best_model(), interrupted.best_model())
    list(trainer.run())
    assert have_same_weights(trainer.best_model(), uninterrupted.best_model())
    errors = [[point.mel_l1 for point in t.curves.validations] for t in (trainer, uninterrupted)]
    assert errors[0] == errors[1]
    steps = [[point.step for point in t.curves.steps] for t in (trainer, uninterrupted)]
    assert steps[0] == steps[1]


def test_a_trainer_continues_from_the_state_of_another_trainer(uninterrupted, mel_clips, quick_config):
    state = trained_until(3, mel_clips, quick_config).state_dict()
    torch.manual_seed(123)
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    trainer.load_state_dict(state)
    assert trainer.steps == 3
    list(trainer.run())
    assert have_same_weights(trainer.model, uninterrupted.model)


def test_a_checkpoint_with_a_loss_of_nan_is_read(mel_clips, quick_config, tmp_path):
    trainer = trained_until(2, mel_clips, quick_config)
    trainer.curves = trainer.curves.after(StepPoint(1.0, float("nan"), 2))
    save_checkpoint(trainer, tmp_path / "kit.resume")
    again = Trainer(mel_clips, quick_config, device="cpu")
    load_checkpoint(again, tmp_path / "kit.resume")
    assert repr(again.curves) == repr(trainer.curves)


@pytest.mark.parametrize(
    ("written", "forged"),
    [
        ('"steps":2', '"steps":true'),
        ('"steps":2', '"steps":2.0'),
        ('"_validation_cost":', '"_validation_cost":1e400,"more":'),
        ('"_validation_cost":', '"validation_cost":'),
        ('"from_base":true', '"from_base":1'),
        ('"codebook_dim":8', '"codebook_dim":NaN'),
    ],
)
def test_invalid_notes_of_a_checkpoint_are_refused_by_name(
    checkpoint, mel_clips, quick_config, written, forged, is_one_sentence
):
    with safe_open(checkpoint, framework="pt") as file:
        notes = file.metadata()["distill-checkpoint"]
    assert written in notes
    save_file(load_file(checkpoint), checkpoint, metadata={"distill-checkpoint": notes.replace(written, forged, 1)})
    with pytest.raises(CodecFileError) as refusal:
        load_checkpoint(Trainer(mel_clips, quick_config, device="cpu"), checkpoint)
    assert is_one_sentence(refusal.value, "kit.resume")


def test_a_checkpoint_of_other_clips_is_refused_by_name(checkpoint, mel_clips, quick_config):
    for other in (
        mel_clips[:5],
        [MelClip(clip.name, clip.log_mel[:, 1:]) for clip in mel_clips],
        [MelClip(clip.name, clip.log_mel - 1) for clip in mel_clips],
    ):
        with pytest.raises(TrainingError, match=r"kit\.resume was begun with other clips"):
            load_checkpoint(Trainer(other, quick_config, device="cpu"), checkpoint)


@pytest.mark.parametrize("change", [{"num_quantizers": 2}, {"codebook_size": 32}, {"codebook_dim": 4}])
def test_a_checkpoint_of_another_model_is_refused_by_name(checkpoint, mel_clips, quick_config, change):
    trainer = Trainer(mel_clips, replace(quick_config, **change), device="cpu")
    with pytest.raises(TrainingError, match=r"kit\.resume was begun with other .* settings"):
        load_checkpoint(trainer, checkpoint)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
def test_a_checkpoint_cut_short_is_refused_by_name(checkpoint, mel_clips, quick_config, share, is_one_sentence):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CodecFileError) as refusal:
        load_checkpoint(Trainer(mel_clips, quick_config, device="cpu"), checkpoint)
    assert is_one_sentence(refusal.value, "kit.resume")


def test_a_file_that_is_no_checkpoint_is_refused_by_name(
    mel_clips, quick_config, codec_path, tmp_path, is_one_sentence
):
    (tmp_path / "text.resume").write_text("not a checkpoint")
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.resume")
    (tmp_path / "codec.resume").write_bytes(codec_path.read_bytes())
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    for name in ("text.resume", "other.resume", "codec.resume"):
        with pytest.raises(CodecFileError) as refusal:
            load_checkpoint(trainer, tmp_path / name)
        assert is_one_sentence(refusal.value, name)


def test_resuming_without_a_checkpoint_is_refused(mel_clips, quick_config, tmp_path):
    with pytest.raises(CodecFileError, match=r"nothing to resume: kit\.resume does not exist"):
        load_checkpoint(Trainer(mel_clips, quick_config, device="cpu"), tmp_path / "kit.resume")
