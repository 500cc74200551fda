"""A training in a job's folder reports its events, keeps its results, and continues exactly where it stopped."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
import torch
from safetensors import SafetensorError

from distill.codec import Codec, making
from distill.errors import CodecFileError, TrainingError
from distill.jobs import training
from distill.jobs.events import Failed, Warned, WorkerEvent, from_line, to_line
from distill.jobs.folder import JobFolder
from distill.jobs.program import TOO_MUCH_MEMORY, explain
from distill.jobs.record import JobRecord
from distill.jobs.training import Training
from distill.training.start import Start
from distill.training.trainer import Trainer


class Listener:
    """Records the events, and asks to stop after a number of steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[dict] = []
        self._asked, self._stop_after = 0, stop_after

    def __call__(self, event: WorkerEvent) -> None:
        assert repr(from_line(to_line(event))) == repr(event)
        self.events.append(asdict(event))

    def must_stop(self) -> bool:
        self._asked += 1
        return self._stop_after is not None and self._asked > self._stop_after

    def said(self, event: str) -> list[dict]:
        return [said for said in self.events if said["event"] == event]


@pytest.fixture
def folder(make_folder, quick_config) -> JobFolder:
    """A training of twelve steps."""
    return make_folder(config=quick_config)


@pytest.fixture
def train(folder) -> Callable[..., Listener]:
    def run(stop_after: int | None = None, **options: object) -> Listener:
        listener = Listener(stop_after)
        Training(folder, listener, must_stop=listener.must_stop, **options).run()
        return listener

    return run


def test_the_clips_are_encoded_once_for_each_validation_that_was_better(folder, train, monkeypatch):
    encoded, make = [], making.kept_grids
    monkeypatch.setattr(making, "kept_grids", lambda *given: encoded.append(make(*given)) or encoded[-1])
    validations = train().said("validation")
    better = sum(said["validation"]["improved"] for said in validations)
    assert len(encoded) == better <= len(validations)
    assert Codec.load(folder.best).info.grids == encoded[-1]


def test_a_training_goes_on_from_the_codec_in_its_folder_with_the_weights_in_its_record(
    root, mel_clips, quick_config, codec, first
):
    root.mkdir()
    start = Start(codec.model, codec.network)
    names, weights = tuple(clip.name for clip in mel_clips), (0, *[2] * (len(mel_clips) - 1))
    record = JobRecord(
        "anna", start.config(quick_config), 0.0, 0, names, first.name, clip_weights=weights, from_codec=codec.model_id
    )
    folder = JobFolder.create(root / ("0" * 32), record, mel_clips, first, start=codec)
    assert folder.read_record() == record
    listener = Listener()
    Training(folder, listener, must_stop=listener.must_stop).run()
    trained = Codec.load(folder.best).info.provenance
    assert (trained.from_codec, trained.clips) == (codec.model_id, len(mel_clips) - 1)
    assert listener.said("validation")[0]["validation"]["step"] == 0
    folder.start.unlink()
    with pytest.raises(TrainingError, match="goes on is missing or damaged"):
        Training(folder, listener, must_stop=listener.must_stop).run()


@pytest.fixture(scope="module")
def uninterrupted(mel_clips, quick_config) -> Trainer:
    trainer = Trainer(mel_clips, quick_config)
    list(trainer.run())
    return trainer


def test_a_training_tells_of_its_steps_and_validations_and_keeps_the_best_codec(train, folder, uninterrupted):
    said = train()
    assert said.events[0] == {"event": "begun", "steps": 0, "seconds": 0.0, "damaged": False}
    assert said.events[-1] == {"event": "finished"}
    assert said.said("progress")[-1]["progress"]["fraction"] == 1
    validations = said.said("validation")
    assert [said["validation"]["step"] for said in validations] == [4, 8, 12]
    assert len(validations[-1]["curves"]["validations"]) == 3
    codec = Codec.load(folder.best)
    assert codec.info.mel_l1 == uninterrupted.best.mel_l1
    assert codec.info.provenance.clips == 6
    assert not list(folder.path.glob("*.part"))


def test_progress_is_told_some_times_a_second_and_never_withheld_from_a_validation(train, folder):
    said = train(clock=lambda: 0.0)  # a clock that stands still
    steps = [said["progress"]["step"] for said in said.said("progress")]
    assert steps == [1, 4, 8, 12]


@pytest.mark.parametrize(
    "stop_after", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(9, marks=pytest.mark.slow)]
)
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(train, folder, uninterrupted, stop_after):
    said = train(stop_after)
    assert said.events[-1] == {"event": "stopped"}
    assert said.said("progress")[-1]["progress"]["step"] == stop_after
    assert Codec.load(folder.best).num_levels == 3
    again = train()
    assert again.events[0] | {"seconds": 0} == {"event": "begun", "steps": stop_after, "seconds": 0, "damaged": False}
    assert again.said("progress")[0]["progress"]["step"] == stop_after + 1
    steps = [point["step"] for point in again.said("validation")[-1]["curves"]["steps"]]
    assert steps == list(range(1, 13))
    weights = Codec.load(folder.best).model.state_dict()
    if stop_after != 9:  # at step 9, the validation at the stop may be the best one
        assert all(
            torch.equal(weights[name], tensor) for name, tensor in uninterrupted.best_model().state_dict().items()
        )


def test_a_training_stopped_before_its_first_step_has_nothing_to_keep(train, folder):
    said = train(stop_after=0)
    assert [said["event"] for said in said.events] == ["begun", "stopped"]
    assert not folder.checkpoint.exists()


def test_a_finished_training_that_is_begun_again_is_finished_at_once(train, folder):
    train()
    folder.best.unlink()  # as if the process was lost before the codec was written
    said = train()
    assert [said["event"] for said in said.events] == ["begun", "checkpoint", "finished"]
    assert Codec.load(folder.best).num_levels == 3


def test_a_damaged_checkpoint_is_passed_over_and_said_to_be(train, folder, caplog):
    train(stop_after=2)
    content = folder.checkpoint.read_bytes()
    middle = len(content) // 2
    not_numbers = content[:middle] + b"\xff" * 64 + content[middle + 64 :]
    for damaged in (content[:-1], b"", b"not a checkpoint", not_numbers):
        folder.checkpoint.write_bytes(damaged)
        said = train(stop_after=1)
        assert said.events[0] == {"event": "begun", "steps": 0, "seconds": 0.0, "damaged": True}
        assert said.said("progress")[0]["progress"]["step"] == 1
    assert folder.id not in caplog.text


def test_checkpoints_come_as_often_as_asked_for(train, folder):
    often = train(checkpoint_seconds=0.0)
    assert len(often.said("checkpoint")) >= 12
    folder.checkpoint.unlink()
    rarely = train(checkpoint_seconds=1000.0)
    assert len(rarely.said("checkpoint")) == 4  # one for each validation, and one at the end


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("I/O error: No space left on device"),
        pytest.param(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), marks=pytest.mark.slow),
    ],
)
def test_when_a_checkpoint_cannot_be_written_the_training_goes_on_and_says_so(
    train, folder, monkeypatch, error, is_one_sentence
):
    written = 0

    def save(trainer, path):
        nonlocal written
        written += 1
        if 3 <= written <= 6:
            path.with_name(f"{path.name}.part").write_bytes(b"half")
            raise error
        original(trainer, path)

    original = training.save_checkpoint
    monkeypatch.setattr(training, "save_checkpoint", save)
    said = train(checkpoint_seconds=0.0)
    warnings = [said["note"] for said in said.said("warning")]
    assert is_one_sentence(warnings[0], "disk is full")
    assert warnings[-1] == ""
    assert said.events[-1] == {"event": "finished"}
    assert not list(folder.path.glob("*.part"))
    assert folder.checkpoint.exists()


class Disk:
    """Replaces the writing of codecs: counts all tries; the first ones in some folders fail as on a full disk."""

    def __init__(self, monkeypatch, folders, tries=10**6):
        self.folders, self.left, self.slept, self._save = folders, tries, [], Codec.save
        monkeypatch.setattr(Codec, "save", lambda codec, path: self.save(codec, path))

    def save(self, codec, path):
        if path.parent in self.folders and self.left > 0:
            self.left -= 1
            path.with_name(f"{path.name}.part").write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._save(codec, path)

    def clock(self):
        return sum(self.slept)


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """The system's folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_codec_that_no_disk_has_room_for_is_held_until_one_has(
    train, folder, monkeypatch, temporary, is_one_sentence
):
    tries = 3 + 2 * 3  # one at each of 3 validations, then 3 failures in each of 2 folders
    disk = Disk(monkeypatch, [folder.path, folder.spare.parent], tries=tries)
    said = train(clock=disk.clock, sleep=disk.slept.append)
    assert len(disk.slept) == 3
    told = [event["note"] for event in said.said("warning")]
    assert len([note for note in told if "held in memory" in note and is_one_sentence(note)]) == 3
    assert told[-1] == ""
    assert said.events[-1] == {"event": "finished"}
    assert Codec.load(folder.best).num_levels == 3
    assert list(temporary.iterdir()) == list(folder.path.glob("*.part")) == []


@pytest.fixture
def small_disk(root):
    """The jobs' folder on a separate disk of 48 MB."""
    root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m,mode=700", "tmpfs", str(root)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield root
    subprocess.run(["umount", "--lazy", str(root)], check=True)


def fill(disk):
    """Fill a disk to the last byte."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_disk_that_is_really_full_at_the_end_costs_nothing_once_it_has_room_again(
    small_disk, folder, monkeypatch, uninterrupted
):
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))  # so that the spare folder is full too
    kept = []

    def say(event):
        said.append(event.event)
        if event.event == "validation" and said.count("validation") == 1:
            kept.append(folder.checkpoint.read_bytes())
            fill(small_disk)
        if isinstance(event, Warned) and "held in memory" in event.note:
            kept.append(folder.checkpoint.read_bytes())

    def make_room(_):
        (small_disk / "filler").unlink()

    said = []
    Training(folder, say, must_stop=lambda: False, sleep=make_room).run()
    assert kept[0] == kept[1]
    assert said[-1] == "finished"
    weights = Codec.load(folder.best).model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in uninterrupted.best_model().state_dict().items())
    assert list(small_disk.iterdir()) == [folder.path]


def test_a_codec_whose_disk_is_full_is_kept_in_the_spare_folder_at_once(train, folder, monkeypatch, temporary):
    disk = Disk(monkeypatch, [folder.path])
    said = train(sleep=disk.slept.append)
    assert said.events[-1] == {"event": "finished"}
    assert disk.slept == []
    assert not folder.best.exists()
    assert Codec.load(folder.newest).num_levels == 3
    assert folder.spare.parent.stat().st_mode & 0o077 == 0


def test_a_codec_that_no_disk_has_room_for_in_minutes_fails_in_a_sentence_and_can_still_be_continued(
    train, folder, monkeypatch, temporary, is_one_sentence
):
    with monkeypatch.context() as patch:
        disk = Disk(patch, [folder.path, folder.spare.parent])
        with pytest.raises(TrainingError) as refusal:
            train(clock=disk.clock, sleep=disk.slept.append, full_disk_seconds=60)
    assert is_one_sentence(refusal.value, "disk is full", "1 minutes")
    assert len(disk.slept) == 12
    said = train()
    assert [said["event"] for said in said.events] == ["begun", "checkpoint", "finished"]
    assert Codec.load(folder.best).num_levels == 3


def test_a_codec_is_not_held_in_memory_when_nobody_waits_for_it(train, folder, monkeypatch, temporary):
    disk = Disk(monkeypatch, [folder.path, folder.spare.parent])
    with pytest.raises(TrainingError):
        train(must_end=lambda: True, sleep=disk.slept.append)
    assert disk.slept == []


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one_as_it_was(train, folder, monkeypatch):
    train(stop_after=2)
    before = folder.checkpoint.read_bytes()

    def fail(tensors, path, **_):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("distill.training.checkpoint.save_file", fail)
    train(stop_after=2, checkpoint_seconds=0.0)
    assert folder.checkpoint.read_bytes() == before
    assert not list(folder.path.glob("*.part"))


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_anything_in_place_of_a_checkpoint_is_skipped_and_replaced(train, folder, put):
    for path in (folder.checkpoint, folder.path / "checkpoint.safetensors.part", folder.best):
        put(path)
    said = train(stop_after=1)
    assert said.events[0]["damaged"]
    assert said.said("warning") == []
    again = train(stop_after=0)
    assert (again.events[0]["steps"], again.events[0]["damaged"]) == (1, False)
    assert Codec.load(folder.best).num_levels == 3


def test_a_folder_without_its_clips_fails_in_a_sentence(train, folder, is_one_sentence):
    folder.clips.unlink()
    with pytest.raises(TrainingError) as refusal:
        train()
    assert is_one_sentence(refusal.value, "clips")


def test_a_fault_of_ours_is_one_sentence_with_a_reference_that_the_log_has_too(caplog, is_one_sentence):
    told = explain(ZeroDivisionError("division by zero"))
    assert is_one_sentence(told.error, "a fault of ours", told.reference)
    assert "division" not in told.error
    assert told.reference in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_too_little_memory_is_no_fault_of_ours():
    with pytest.raises((RuntimeError, MemoryError)) as refusal:
        torch.empty(1 << 60, dtype=torch.uint8)
    for error in (refusal.value, MemoryError(), RuntimeError("std::bad_alloc")):
        assert explain(error) == Failed(TOO_MUCH_MEMORY)


def test_a_file_that_does_not_fit_in_memory_is_not_called_damaged(train, folder, monkeypatch):
    train(stop_after=2)
    before = folder.checkpoint.read_bytes()

    def load(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.")

    monkeypatch.setattr("distill.training.trainer.load_optimizer_state", load)
    with pytest.raises(CodecFileError) as refusal:
        train()
    assert explain(refusal.value) == Failed(TOO_MUCH_MEMORY)
    assert folder.checkpoint.read_bytes() == before


def test_held_out_clips_are_validated_too(make_folder, mel_clips, minute):
    folder = make_folder(clips=mel_clips * 4, config=replace(minute, epochs=1))
    listener = Listener(stop_after=1)
    Training(folder, listener, must_stop=listener.must_stop).run()
    assert listener.said("validation")[-1]["validation"]["val_mel_l1"] > 0
