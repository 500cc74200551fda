"""A training's folder returns what was written to it, or refuses with one sentence."""

import errno
import json
import os
import pickle
import random
import stat
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file

from distill.errors import TrainingError
from distill.jobs.folder import JobFolder
from distill.jobs.record import JobRecord
from distill.training.config import VQVAEConfig
from distill.training.health import LevelHealth
from distill.training.records import Curves, Progress, StepPoint, Validation, ValidationPoint
from tests.waiting import PATIENCE

PROGRESS = Progress(3, 0.5, 12.0, 48.0, 0.2, 0.7, float("nan"))  # a NaN loss must still be readable
VALIDATION = Validation(3, 12.0, 0.4, None, (LevelHealth(0.5, 3.0, 2),), ((3, 0), (1, 2)), ("Too few.",), True)
CURVES = Curves((StepPoint(0.5, 0.9, 1),), (ValidationPoint(12.0, 0.4, None, 3),))


@pytest.fixture
def folder(make_folder) -> JobFolder:
    return make_folder(progress=PROGRESS, validation=VALIDATION, curves=CURVES, note="It was late.")


def test_a_folder_gives_back_what_was_put_into_it(folder, mel_clips, first):
    record = folder.read_record()
    assert record.owner == "anna"
    assert (record.validation, record.curves, record.note) == (VALIDATION, CURVES, "It was late.")
    assert (record.progress.step, record.progress.seconds) == (3, 12.0)
    assert record.clip_names == tuple(clip.name for clip in mel_clips)
    folder.write_record(record)
    assert repr(folder.read_record()) == repr(record)  # NaN is not equal to itself
    clips = folder.read_clips(record.clip_names)
    assert all(torch.equal(clip.log_mel, original.log_mel) for clip, original in zip(clips, mel_clips, strict=True))
    assert all(torch.equal(clip.waveform, original.waveform) for clip, original in zip(clips, mel_clips, strict=True))
    assert [clip.name for clip in clips] == [clip.name for clip in mel_clips]
    lengths = tuple(clip.num_samples for clip in mel_clips)
    assert tuple(clip.num_samples for clip in folder.read_clips(record.clip_names, lengths)) == lengths
    for wrong in (lengths[1:], tuple(length + 512 for length in lengths)):
        with pytest.raises(TrainingError, match="missing or damaged"):
            folder.read_clips(record.clip_names, wrong)
    kept = folder.read_first_clip(record.first_clip_name).waveform
    assert (kept.dtype, kept.shape) == (np.float32, first.waveform.shape)
    assert np.abs(kept - first.waveform).max() <= np.abs(first.waveform).max() / 65_000


def test_only_the_server_may_read_a_folder(folder):
    assert folder.path.stat().st_mode & 0o077 == 0


def read_or_refused(folder: JobFolder) -> JobRecord | TrainingError:
    try:
        return folder.read_record()
    except TrainingError as error:
        return error


HOSTILE = [None, True, -1, 1.5, 1e999, "", "x" * 100, [], [[]], {}, {"a": 1}, [None], "NaN", 10**30]


def test_every_value_of_a_record_is_checked(folder, is_one_sentence):
    """Each value, at every depth, is replaced by others. The result is a valid record, or is refused."""
    original = json.loads(folder.record_path.read_text())

    def places(value, path=()):
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, part in items:
            yield (*path, key)
            yield from places(part, (*path, key))

    refused = 0
    for path in places(original):
        for hostile in HOSTILE:
            values = json.loads(json.dumps(original))
            parent = values
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = hostile
            folder.record_path.write_text(json.dumps(values))
            record = read_or_refused(folder)
            if isinstance(record, TrainingError):
                refused += 1
                assert is_one_sentence(record)
            else:
                assert record.state in ("waiting", "running", "stopped", "finished", "failed")
                assert isinstance(record.created + record.queue_number + record.restarts, float)
                assert 0.01 <= (record.config.minutes or 1) <= 24 * 60
    assert refused > 500


def test_a_record_with_flipped_bits_or_cut_short_is_read_or_refused(folder, is_one_sentence):
    content, chance = folder.record_path.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        folder.record_path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        record = read_or_refused(folder)
        assert isinstance(record, JobRecord) or is_one_sentence(record)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"owner": "anna"}'])
def test_an_invalid_record_is_refused(folder, content, is_one_sentence):
    folder.record_path.write_bytes(content)
    with pytest.raises(TrainingError) as refusal:
        folder.read_record()
    assert is_one_sentence(refusal.value)


def test_a_record_of_an_older_version_is_read_with_the_defaults_of_this_one(folder):
    values = json.loads(folder.record_path.read_text())
    del values["config"]["rehearsal"], values["note"]
    folder.record_path.write_text(json.dumps(values))
    assert folder.read_record().note == ""
    assert folder.read_record().config.rehearsal == 0.125


def test_a_record_keeps_the_field_names_of_older_files(folder):
    record, values = folder.read_record(), json.loads(folder.record_path.read_text())
    assert (values["place"], values["first_name"]) == (record.queue_number, record.first_clip_name)
    assert not {"queue_number", "first_clip_name"} & values.keys()


@pytest.mark.parametrize("number", ["true", "NaN", "Infinity", "-Infinity", "1e400", '"1"'])
@pytest.mark.parametrize("name", ["created", "place", "restarts", "ended"])
def test_a_number_that_is_not_finite_is_refused(folder, name, number, is_one_sentence):
    values = json.loads(folder.record_path.read_text()) | {name: "NUMBER"}
    folder.record_path.write_text(json.dumps(values).replace('"NUMBER"', number))
    with pytest.raises(TrainingError) as refusal:
        folder.read_record()
    assert is_one_sentence(refusal.value)


def test_damaged_or_wrong_clips_are_refused(folder, mel_clips, is_one_sentence):
    names, content = folder.read_record().clip_names, folder.clips.read_bytes()
    whole = load_tensors(folder.clips)
    damaged = [
        content[: len(content) // 2],
        b"",
        pickle.dumps(whole),
        whole | {"0": whole["0"] * torch.nan},
        whole | {"0": whole["0"].double()},
        whole | {"0": whole["0"][:127]},
        whole | {"0": whole["0"][:, :0]},
        whole | {"more": whole["0"].clone()},
        whole | {"0.waveform": whole["0.waveform"][:-1]},
        whole | {"0.waveform": whole["0.waveform"].float()},
        whole | {"0.waveform": whole["0.waveform"] * torch.nan},
        {name: tensor for name, tensor in whole.items() if name != "3"},
    ]
    for case in damaged:
        if isinstance(case, bytes):
            folder.clips.write_bytes(case)
        else:
            save_file({name: tensor.contiguous() for name, tensor in case.items()}, folder.clips)
        with pytest.raises(TrainingError) as refusal:
            folder.read_clips(names)
        assert is_one_sentence(refusal.value, "clips")
    folder.clips.unlink()
    with pytest.raises(TrainingError):
        folder.read_clips(names)


def test_a_first_clip_that_is_damaged_or_could_be_code_is_refused(folder, first, is_one_sentence):
    content, whole = folder.first_clip_path.read_bytes(), load_file(folder.first_clip_path)
    damaged = [
        content[: len(content) // 2],
        b"",
        pickle.dumps([1]),
        {"samples": whole["samples"]},
        whole | {"samples": whole["samples"].astype(np.float64)},
        whole | {"samples": whole["samples"][None]},
        whole | {"samples": whole["samples"][:0]},
        whole | {"peak": whole["peak"] * np.nan},
    ]
    for case in damaged:
        folder.first_clip_path.write_bytes(case) if isinstance(case, bytes) else save_arrays(
            case, folder.first_clip_path
        )
        with pytest.raises(TrainingError) as refusal:
            folder.read_first_clip("kick.wav")
        assert is_one_sentence(refusal.value, "first clip")


@pytest.mark.parametrize("peak", [0.0, 1e-6, 0.5, 3.0])
def test_a_first_clip_takes_half_the_bytes_of_float32_however_loud_it_is(make_folder, first, peak):
    loud = replace(first, waveform=first.waveform / np.abs(first.waveform).max() * np.float32(peak))
    folder = make_folder()
    folder.delete()
    folder = JobFolder.create(folder.path, JobRecord("anna", VQVAEConfig(), 0.0, 0, (), ""), [], loud)
    kept = folder.read_first_clip("").waveform
    assert np.abs(kept - loud.waveform).max() <= peak / 65_000
    assert folder.first_clip_path.stat().st_size < 2 * len(first.waveform) + 1000


def a_pipe(path):
    os.mkfifo(path)


def a_folder(path):
    path.mkdir()
    (path / "more").touch()


def a_link(path):
    path.symlink_to("/dev/zero")


def a_device(path):
    path.symlink_to("/dev/zero") if os.geteuid() else os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


def huge(path):
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize("put", [a_pipe, a_folder, a_link, a_device, huge])
def test_anything_in_place_of_a_file_is_refused_at_once_and_deleted_with_the_folder(folder, put, is_one_sentence):
    """The pipe is the hardest case, because opening it blocks for ever."""
    record = folder.read_record()
    for path, read in (
        (folder.record_path, folder.read_record),
        (folder.clips, lambda: folder.read_clips(record.clip_names)),
        (folder.first_clip_path, lambda: folder.read_first_clip("kick.wav")),
    ):
        path.unlink()
        put(path)
        with pytest.raises(TrainingError) as refusal:
            read()
        assert is_one_sentence(refusal.value)
    folder.delete()
    assert list(folder.path.parent.iterdir()) == []


def test_a_record_is_written_even_where_a_pipe_lies_in_its_way(folder):
    os.mkfifo(folder.path / "job.json.part")
    folder.write_record(replace(folder.read_record(), note="new"))
    assert folder.read_record().note == "new"


def test_a_process_that_still_writes_cannot_bring_a_deleted_folder_back(folder):
    with (folder.path / "checkpoint.safetensors.part").open("wb") as file:
        folder.delete()
        file.write(b"late")
    with pytest.raises(FileNotFoundError):
        folder.write_record(JobRecord("anna", VQVAEConfig(), 0.0, 0, (), ""))
    assert list(folder.path.parent.iterdir()) == []


def test_a_codec_in_the_spare_folder_is_used_only_if_nobody_else_can_write_there(folder, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder.spare.parent.mkdir()
    folder.spare.write_bytes(b"codec")
    folder.spare.parent.chmod(0o777)
    assert not folder.has_spare()
    folder.spare.parent.chmod(0o700)
    assert folder.newest == folder.spare
    assert folder.bring_home()
    assert (folder.newest, folder.best.read_bytes()) == (folder.best, b"codec")
    assert not folder.spare.parent.exists()


def test_a_record_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = folder.record_path.read_bytes()
    for step in ("write_text", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"pathlib.Path.{step}", fail)
            with pytest.raises(OSError, match="No space left"):
                folder.write_record(replace(folder.read_record(), note="new"))
        assert folder.record_path.read_bytes() == before
        assert not list(folder.path.glob("*.part"))


def test_one_process_at_a_time_has_the_lock_and_its_death_frees_it(folder):
    program = (
        "import sys, time; from pathlib import Path; from distill.jobs.folder import JobFolder\n"
        "with JobFolder(Path(sys.argv[1])).lock(lambda: True) as ours: print(ours, flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(folder.path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"True\n"
        with folder.lock(lambda: True) as is_ours:
            assert not is_ours
    finally:
        other.kill()
        other.communicate()
    deadline = time.monotonic() + PATIENCE
    with folder.lock(lambda: time.monotonic() > deadline) as is_ours:
        assert is_ours


def test_a_record_holds_only_values_that_json_can_hold(folder):
    record = folder.read_record()
    assert repr(JobRecord.from_json(record.to_json())) == repr(record)
    assert json.loads(record.to_json())["clip_names"] == list(record.clip_names)
