"""Training: a seed repeats it, it keeps its time limit, it can stop at any step, and it keeps the best weights."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from distill.errors import ConfigError, TrainingError
from distill.models import mel_l1
from distill.training.base import load_rehearsal
from distill.training.dataset import MelClip, split_held_out
from distill.training.health import health_warnings
from distill.training.trainer import Finished, Progress, Trainer, Validation


def events_of(trainer: Trainer, kind: type) -> list:
    return [event for event in trainer.run() if isinstance(event, kind)]


def have_same_weights(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    tensors = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in tensors)


class Clock:
    """A clock that advances by a fixed number of seconds at each reading."""

    def __init__(self, seconds_per_look: float) -> None:
        self.now, self.seconds_per_look = 0.0, seconds_per_look

    def __call__(self) -> float:
        self.now += self.seconds_per_look
        return self.now


@pytest.fixture(scope="module")
def trained(mel_clips, quick_config) -> tuple[Trainer, list]:
    """A trainer after a complete training, and the events of the training."""
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    return trainer, list(trainer.run())


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(trained, mel_clips, quick_config):
    torch.manual_seed(99)
    again = Trainer(mel_clips, quick_config, device="cpu")
    events = list(again.run())
    assert have_same_weights(trained[0].model, again.model)
    assert have_same_weights(trained[0].best_model(), again.best_model())
    losses = [[event.recon_loss for event in run if isinstance(event, Progress)] for run in (trained[1], events)]
    assert losses[0] == losses[1]


def test_another_seed_gives_other_weights(trained, mel_clips, quick_config):
    other = Trainer(mel_clips, replace(quick_config, seed=1), device="cpu")
    list(other.run())
    assert not have_same_weights(trained[0].model, other.model)


def test_training_brings_the_error_down(mel_clips, quick_config):
    config = replace(quick_config, epochs=20, validations=10)
    first, *_, last = events_of(Trainer(mel_clips, config, device="cpu"), Validation)
    assert last.mel_l1 < 0.8 * first.mel_l1


def test_events_are_in_order_and_consistent(trained, quick_config):
    trainer, events = trained
    steps = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in steps] == list(range(1, trainer.steps + 1))
    assert trainer.steps == quick_config.epochs * trainer.steps_per_epoch
    assert all(0 < a.fraction < b.fraction <= 1 for a, b in pairwise(steps))
    assert steps[-1].fraction == 1
    assert steps[-1].remaining == 0
    assert sum(isinstance(event, Validation) for event in events) == quick_config.validations
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.steps, finished.epochs) == ("epochs", trainer.steps, quick_config.epochs)
    assert finished.best == trainer.best


def test_an_epoch_draws_as_many_frames_as_the_set_has(trained, mel_clips, quick_config):
    frames = sum(clip.num_frames for clip in mel_clips)
    per_step = quick_config.batch_size * quick_config.crop_frames
    assert (trained[0].steps_per_epoch - 1) * per_step < frames <= trained[0].steps_per_epoch * per_step


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_stopped_training_continues_with_the_same_result_as_without_the_stop(trained, mel_clips, quick_config, step):
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    events = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, Progress) and event.step == step:
            trainer.stop()
    assert trainer.steps == step
    assert (events[-1].reason, events[-1].steps) == ("stopped", step)
    assert isinstance(events[-2], Validation)
    trainer.best_model()
    rest = list(trainer.run())
    assert rest[0].step == step + 1
    assert rest[-1].reason == "epochs"
    assert trainer.steps == trained[0].steps
    assert have_same_weights(trained[0].model, trainer.model)


def test_the_time_limit_includes_the_time_before_a_stop(mel_clips, quick_config):
    trainer = Trainer(mel_clips, quick_config, device="cpu", clock=Clock(1.0))
    for event in trainer.run():
        if isinstance(event, Progress) and event.step == 2:
            trainer.stop()
    before = trainer.seconds
    trainer.clock.now += 1000
    assert next(trainer.run()).seconds == pytest.approx(before + 1, abs=3)


@pytest.mark.parametrize(("minutes", "seconds_per_look"), [(1, 1.5), (0.5, 0.7)])
def test_training_ends_within_10_percent_of_its_time_limit(mel_clips, quick_config, minutes, seconds_per_look):
    clock = Clock(seconds_per_look)
    config = replace(quick_config, epochs=100_000, minutes=minutes, batch_size=2)
    trainer = Trainer(mel_clips, config, device="cpu", clock=clock)
    began = clock.now
    finished = list(trainer.run())[-1]
    assert finished.reason == "time"
    assert clock.now - began == pytest.approx(minutes * 60, rel=0.1)
    assert finished.seconds == pytest.approx(minutes * 60, rel=0.1)


def test_a_training_whose_time_is_over_before_its_first_step_has_one_step(mel_clips, quick_config):
    clock = iter(range(0, 10**6, 60))
    trainer = Trainer(mel_clips, replace(quick_config, minutes=0.01), device="cpu", clock=lambda: next(clock))
    *_, finished = trainer.run()
    assert (finished.reason, finished.steps) == ("time", 1)


def test_a_training_that_is_stopped_before_its_first_step_is_stopped_and_not_finished(mel_clips, quick_config):
    clock = iter(range(0, 10**6, 60))
    trainer = Trainer(mel_clips, replace(quick_config, minutes=0.01), device="cpu", clock=lambda: next(clock))
    seconds = trainer._agree_on_time
    trainer._agree_on_time = lambda now: (seconds(now), trainer.stop())
    *_, ended = trainer.run()
    assert (ended.reason, ended.steps) == ("stopped", 0)


def test_the_estimate_of_the_remaining_time_falls_to_zero(mel_clips, quick_config):
    config = replace(quick_config, epochs=100_000, minutes=1, batch_size=2)
    steps = events_of(Trainer(mel_clips, config, device="cpu", clock=Clock(3.0)), Progress)
    assert steps[-1].remaining < 3
    halfway = min(steps, key=lambda event: abs(event.fraction - 0.5))
    assert halfway.seconds + halfway.remaining == pytest.approx(60, rel=0.2)


def break_after_first_validation(trainer: Trainer) -> Iterable[object]:
    """Run a training, damage its weights after the first validation, and yield its events."""
    spoilt = False
    for event in trainer.run():
        yield event
        if isinstance(event, Validation) and not spoilt:
            spoilt = True
            with torch.no_grad():
                for parameter in trainer.model.parameters():
                    parameter.mul_(-30)


def test_the_best_weights_are_kept_and_not_the_last(mel_clips, quick_config):
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    events = list(break_after_first_validation(trainer))
    first, *others = [event for event in events if isinstance(event, Validation)]
    assert first.improved
    assert not any(event.improved for event in others)
    assert others[-1].mel_l1 > first.mel_l1
    assert trainer.best == events[-1].best == first
    assert error_of(trainer, mel_clips) == pytest.approx(first.mel_l1, rel=1e-4)


def error_of(trainer: Trainer, clips: list[MelClip]) -> float:
    """Compute the mean absolute log-mel difference of the best model on whole clips."""
    model, total = trainer.best_model(), 0.0
    with torch.no_grad():
        for clip in clips:
            mel = clip.log_mel[None, None]
            total += mel_l1(model(mel)[0], mel).item() * clip.num_frames
    return total / sum(clip.num_frames for clip in clips)


def test_the_reported_error_is_the_error_of_the_best_model(trained, mel_clips):
    trainer, events = trained
    validations = [event for event in events if isinstance(event, Validation)]
    assert trainer.best.mel_l1 == min(event.mel_l1 for event in validations)
    assert error_of(trainer, mel_clips) == pytest.approx(trainer.best.mel_l1, rel=1e-4)
    assert not trainer.best_model().training


@pytest.fixture(scope="module")
def many_clips(mel_clips) -> list[MelClip]:
    """21 clips of a quarter of a second, the smallest number with held-out clips."""
    pieces = [(clip, start) for clip in mel_clips for start in (0, 10, 20, 30)]
    return [MelClip(f"{number}.wav", clip.log_mel[:, at : at + 20]) for number, (clip, at) in enumerate(pieces[:21])]


def test_held_out_clips_are_not_trained_on_and_decide_the_best_weights(many_clips, quick_config):
    trainer = Trainer(many_clips, replace(quick_config, epochs=10), device="cpu")
    assert len(trainer.held_out) == 2
    names = {clip.name for clip in trainer.clips}
    assert not names & {clip.name for clip in trainer.held_out}
    validations = events_of(trainer, Validation)
    assert trainer.best.val_mel_l1 == min(event.val_mel_l1 for event in validations)
    assert error_of(trainer, trainer.held_out) == pytest.approx(trainer.best.val_mel_l1, rel=1e-4)
    assert error_of(trainer, trainer.clips) == pytest.approx(trainer.best.mel_l1, rel=1e-4)


def test_weights_that_are_better_only_on_the_training_clips_are_not_the_best(many_clips, quick_config):
    trainer = Trainer(many_clips, replace(quick_config, epochs=10), device="cpu")
    validations = []
    for event in trainer.run():
        if isinstance(event, Validation):
            validations.append(event)
            trainer.held_out = [MelClip(clip.name, -clip.log_mel) for clip in split_held_out(many_clips, 0)[1]]
    assert validations[-1].mel_l1 < validations[0].mel_l1
    assert validations[-1].val_mel_l1 > validations[0].val_mel_l1
    assert trainer.best == validations[0]


def test_held_out_clips_are_never_sampled(quick_config):
    clips = [MelClip(f"{number}.wav", torch.full((128, 20), float(number))) for number in range(40)]
    trainer = Trainer(clips, quick_config, device="cpu")
    sampled = {int(value) for value in trainer.sampler.sample(2000)[0][..., :20].unique()}
    held_out = {int(clip.log_mel[0, 0]) for clip in trainer.held_out}
    assert len(held_out) == 4
    assert sampled == set(range(40)) - held_out


def test_up_to_20_clips_nothing_is_held_out(trained):
    assert trained[0].held_out == []
    assert trained[0].best.val_mel_l1 is None


def test_a_validation_reports_the_health_of_the_levels_with_warnings(mel_clips, quick_config):
    config = replace(quick_config, codebook_size=256, num_quantizers=2, epochs=1, validations=1)
    (validation,) = events_of(Trainer(mel_clips[:2], config, device="cpu"), Validation)
    assert len(validation.levels) == 2
    assert validation.warnings == tuple(health_warnings(validation.levels))
    assert all(level.utilization < 0.3 for level in validation.levels)
    assert validation.warnings[0].startswith("Structure uses only ")
    assert validation.warnings[1].startswith("Detail uses only ")


def test_the_codes_of_the_first_level_differ_after_the_first_batch(mel_clips, quick_config):
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    next(trainer.run())
    assert trainer.model.quantizer.codebooks[0].unique(dim=0).shape[0] == 16


def test_the_info_of_a_training_has_its_facts_and_no_clip_names(trained, mel_clips, quick_config):
    info = trained[0].codec_info()
    assert info.provenance.clips == len(mel_clips)
    seconds = sum(clip.num_samples for clip in mel_clips) / 44_100
    assert seconds < sum(clip.num_frames for clip in mel_clips) * 512 / 44_100
    assert info.provenance.sound_seconds == pytest.approx(seconds, abs=0.001)
    assert info.config.codebook_size == quick_config.codebook_size
    assert info.mel_l1 == trained[0].best.mel_l1
    assert len(info.levels) == 3
    assert len(info.curves.validations) == quick_config.validations
    assert not any(clip.name.split(".")[0] in str(info) for clip in mel_clips)


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_in_the_refinement_only_the_decoder_learns(mel_clips, quick_config, time_stride):
    trainer = Trainer(mel_clips, replace(quick_config, refinement=0.5, time_stride=time_stride), device="cpu")
    still, moved = [], []
    before: dict[str, torch.Tensor] = {}
    for event in trainer.run():
        if isinstance(event, Progress):
            state = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
            changed = {name.split(".")[0] for name in before if not torch.equal(before[name], state[name])}
            (moved if event.fraction <= 0.5 else still).append((changed, event.commit_loss > 0))
            before = state
    assert moved[1:] == [({"encoder", "quantizer", "decoder"}, True)] * 5
    assert still == [({"decoder"}, False)] * 6


def test_a_training_from_random_weights_has_no_refinement(mel_clips, quick_config):
    trainer = Trainer(mel_clips, replace(quick_config, from_base=False, refinement=0.9), device="cpu")
    assert all(event.commit_loss > 0 for event in events_of(trainer, Progress))
    assert not trainer.is_refining


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_refinement_sees_every_frame_of_every_clip_with_the_codes_of_the_whole_clip(
    mel_clips, quick_config, time_stride
):
    config = replace(quick_config, refinement=0.9, epochs=1, time_stride=time_stride)
    trainer = Trainer(mel_clips, config, device="cpu")
    list(trainer.run())
    assert trainer.is_refining
    for number, clip in enumerate(trainer.clips):
        mel = clip.log_mel[None, None]
        with torch.no_grad():
            latent = trainer.model.eval().quantize(trainer.model.encode(mel))[0][0]
        for start in range(0, max(1, clip.num_frames - trainer.sampler.crop_frames), time_stride):
            kept, _, _ = trainer._latents.crops(trainer.sampler, [(number, start)])
            whole = latent[..., start // time_stride :][..., : kept.shape[-1]]
            assert torch.equal(kept[0, ..., : whole.shape[-1]], whole)
    positions = trainer.sampler.positions(2000, align=time_stride)
    seen = {(clip, start + offset) for clip, start in positions for offset in range(trainer.sampler.crop_frames)}
    assert seen >= {(i, frame) for i, clip in enumerate(trainer.clips) for frame in range(clip.num_frames)}
    assert all(start % time_stride == 0 for _, start in positions)


def test_rehearsal_gives_a_smaller_error_on_other_sound(mel_clips, quick_config):
    config = replace(quick_config, codebook_dim=32, codebook_size=64, epochs=30, refinement=0.9)
    errors = {}
    for share in (0.0, 0.5):
        trainer = Trainer(mel_clips, replace(config, rehearsal=share), device="cpu")
        list(trainer.run())
        model = trainer.best_model()
        with torch.no_grad():
            heard = torch.stack([clip.log_mel for clip in load_rehearsal()[:20]])[:, None]
            errors[share] = mel_l1(model(heard)[0], heard).item()
    assert errors[0.5] < 0.95 * errors[0.0]


def test_a_training_from_random_weights_has_no_rehearsal(mel_clips, quick_config):
    assert Trainer(mel_clips, replace(quick_config, from_base=False), device="cpu").rehearsal is None
    assert Trainer(mel_clips, replace(quick_config, rehearsal=0), device="cpu").rehearsal is None
    assert Trainer(mel_clips, quick_config, device="cpu").rehearsal is not None


@pytest.mark.parametrize("time_stride", [8, 4])
def test_hits_shorter_than_a_crop_are_learned_with_shorter_columns(mel_clips, quick_config, time_stride):
    hits = [MelClip(clip.name, clip.log_mel[:, : 7 + number]) for number, clip in enumerate(mel_clips)]
    config = replace(quick_config, codebook_dim=32, epochs=20, time_stride=time_stride)
    trainer = Trainer(hits, config, device="cpu")
    assert trainer.sampler.crop_frames == 16
    errors = [validation.mel_l1 for validation in events_of(trainer, Validation)]
    assert errors[-1] < errors[0]
    model = trainer.best_model()
    with torch.no_grad():
        recon, indices, _ = model(hits[0].log_mel[None, None])
    assert recon.shape == (1, 1, 128, 7)
    assert indices.shape == (1, 8 * -(-7 // time_stride), 3)


def test_training_on_no_clips_is_refused(quick_config):
    with pytest.raises(TrainingError, match="no clip"):
        Trainer([], quick_config)


def test_an_unknown_device_is_refused(mel_clips, quick_config):
    with pytest.raises(ConfigError, match="must be auto, cpu or cuda, got 'tpu'"):
        Trainer(mel_clips, quick_config, device="tpu")


def test_there_is_no_model_before_the_first_validation(mel_clips, quick_config):
    trainer = Trainer(mel_clips, quick_config, device="cpu")
    with pytest.raises(TrainingError, match="first validation"):
        trainer.best_model()
    with pytest.raises(TrainingError, match="first validation"):
        trainer.codec_info()
