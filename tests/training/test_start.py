"""A training that goes on from a codec: from its weights and its codebooks, and never to its harm."""

from dataclasses import replace

import pytest
import torch

from distill.codec import Codec
from distill.errors import CodecFileError, ConfigError, TrainingError
from distill.models import ConvVAE, save_model
from distill.training.checkpoint import load_checkpoint, save_checkpoint
from distill.training.start import Start
from distill.training.trainer import Progress, Trainer, Validation
from distill.training.validation import error_and_usage


@pytest.fixture(scope="module")
def earlier(mel_clips, quick_config):
    """A codec after a short training, with a vocoder of its own."""
    trainer = Trainer(mel_clips, replace(quick_config, refinement=0.5, vocoder_share=0.3), device="cpu")
    list(trainer.run())
    return Codec(trainer.best_model(), trainer.codec_info(), network=trainer.vocoder_network())


@pytest.fixture(scope="module")
def start(earlier):
    return Start(earlier.model, earlier.network)


def test_it_begins_where_the_codec_was_and_its_codes_go_on(mel_clips, quick_config, start, earlier):
    trainer = Trainer(mel_clips, start.config(quick_config), device="cpu", start=start)
    first, *rest = trainer.run()
    assert isinstance(first, Validation)
    assert (first.step, first.mel_l1) == (0, pytest.approx(error_and_usage(earlier.model, mel_clips)[0]))
    before, after = (model.quantizer.codebooks[0] for model in (earlier.model, trainer.best_model()))
    moved = (after - before).norm(dim=1) / before.norm(dim=1)
    assert moved.median() < 0.5  # by k-means anew, a code would have nothing to do with that of its number before
    assert [event for event in rest if isinstance(event, Progress)]
    assert trainer.codec_info().provenance.from_codec == earlier.model_id
    assert not trainer.codec_info().provenance.from_base


def test_going_on_makes_a_codec_better(mel_clips, quick_config, start, earlier):
    error, _ = error_and_usage(earlier.model, mel_clips)
    trainer = Trainer(mel_clips, replace(start.config(quick_config), epochs=30), device="cpu", start=start)
    list(trainer.run())
    assert trainer.best.mel_l1 < 0.97 * error


def test_a_training_that_harms_a_codec_leaves_it_as_it_was(mel_clips, quick_config, codec):
    good = Start(codec.model, codec.network)
    config = replace(good.config(quick_config), vocoder_share=0.0, epochs=2)
    harmed = Trainer(mel_clips, config, device="cpu", start=good)
    events = harmed.run()
    next(events)
    with torch.no_grad():
        for parameter in harmed.model.decoder.parameters():
            parameter.zero_()
    list(events)
    left = Codec(harmed.best_model(), network=harmed.vocoder_network())
    assert left.sound_id == codec.sound_id


def test_the_weights_decide_the_levels_and_the_columns(start, quick_config, mel_clips):
    asked = replace(quick_config, num_quantizers=4, time_stride=4, codebook_size=100, minutes=2.0)
    config = start.config(asked)
    assert (config.num_quantizers, config.time_stride, config.minutes) == (3, 16, 2.0)
    with pytest.raises(ConfigError, match="codebook_size 16, not 100"):
        Trainer(mel_clips, asked, device="cpu", start=start)


def test_the_vocoder_of_the_codec_stays_if_none_is_trained(mel_clips, quick_config, start):
    config = replace(start.config(quick_config), vocoder_share=0.0)
    trainer = Trainer(mel_clips, config, device="cpu", start=start)
    list(trainer.run())
    assert trainer.vocoder_network() is start.vocoder


def test_it_is_resumed_with_the_codec_that_it_went_on_from_and_with_no_other(
    mel_clips, quick_config, start, small_model, tmp_path
):
    config = start.config(quick_config)
    trainer = Trainer(mel_clips, config, device="cpu", start=start)
    for event in trainer.run():
        if isinstance(event, Progress):
            trainer.stop()
    save_checkpoint(trainer, tmp_path / "checkpoint")
    again = Trainer(mel_clips, config, device="cpu", start=start)
    load_checkpoint(again, tmp_path / "checkpoint")
    assert again.steps == trainer.steps
    assert all(torch.equal(a, b) for a, b in zip(again.model.parameters(), trainer.model.parameters(), strict=True))
    for other in (None, Start(small_model(codebook_dim=config.codebook_dim))):
        with pytest.raises(TrainingError, match="other clips or other model settings"):
            load_checkpoint(Trainer(mel_clips, config, device="cpu", start=other), tmp_path / "checkpoint")


def test_a_file_that_holds_no_codec_is_refused(tmp_path):
    save_model(ConvVAE(), tmp_path / "baseline.distill")
    with pytest.raises(CodecFileError, match="no training goes on from"):
        Start.load(tmp_path / "baseline.distill")
