"""What is sent to a rented machine, and what runs there."""

import base64
import hashlib
import json
import subprocess
import zipfile

import pytest
from huggingface_hub import HfApi
from packaging.metadata import Metadata

from distill.audio import LogMel, load_clip
from distill.codec import Codec
from distill.elsewhere import job, packing
from distill.elsewhere.job import Log
from distill.elsewhere.packing import pack
from distill.elsewhere.wheel import write_wheel
from distill.jobs.events import CheckpointKept, Stepped, from_line
from distill.jobs.folder import JobFolder
from distill.training.config import VQVAEConfig
from distill.training.dataset import to_mel_clip
from distill.training.records import Progress
from tests.hub.stand_in import Repository

NAME = "ada/distill-0123456789abcdef"


@pytest.fixture
def packed(mel_clips, quick_config: VQVAEConfig, tmp_path, monkeypatch):
    """A folder for a training of twelve steps, without a wheel."""
    monkeypatch.setattr(packing, "write_wheel", lambda folder: None)
    return pack(tmp_path / "job", mel_clips, quick_config)


@pytest.fixture
def run(jobs, packed, monkeypatch, capfd):
    """Runs the job's program at some times, and returns its status and its events."""
    jobs.repositories[NAME] = Repository(private=True)
    for name, value in {"JOB": NAME, "JOB_SECONDS": "1000", "JOB_BEGAN": "5000"}.items():
        monkeypatch.setenv(f"DISTILL_{name}", value)

    def run(*times: float) -> tuple[int, list]:
        ahead = list(times)
        status = job.main([str(packed)], now=lambda: ahead.pop(0) if len(ahead) > 1 else ahead[0])
        return status, [from_line(line.encode()) for line in capfd.readouterr().out.splitlines()]

    return run


def test_the_package_is_sent_as_a_wheel_that_can_be_installed(tmp_path, repository):
    with zipfile.ZipFile(write_wheel(tmp_path)) as wheel:
        names = wheel.namelist()
        facts = next(name.partition("/")[0] for name in names if name.endswith("/RECORD"))
        lines = [line.rsplit(",", 2) for line in wheel.read(f"{facts}/RECORD").decode().splitlines()]
        assert [name for name, _, _ in lines] == names
        for name, digest, size in lines[:-1]:
            content = wheel.read(name)
            hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert (digest, int(size)) == (f"sha256={hashed}", len(content))
        metadata = Metadata.from_email(wheel.read(f"{facts}/METADATA"))
    assert {"distill/elsewhere/job.py", "distill/training/base.distill", "distill/browser/kernel.wasm"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or not name.startswith("distill")]
    needed = {requirement.name: str(requirement.specifier) for requirement in metadata.requires_dist}
    assert needed["torch"].startswith("==")
    assert "gradio" not in needed


def test_the_wheel_has_nothing_of_what_else_lies_in_the_package_s_folder(tmp_path, monkeypatch):
    from distill.elsewhere import wheel

    package, out = tmp_path / "distill", tmp_path / "out"
    ours = ("__init__.py", "README.md", "py.typed", "ui/grid.js", "ui/grid.html", "browser/kernel.wasm")
    ours += ("training/base.distill", "training/base-4.distill", "training/rehearsal.safetensors")
    others = ("voice.wav", "hits/kick.flac", "mine.distill", "training/mine.distill", "ui/base.distill", "notes.md")
    others += ("clips.safetensors", "grid.npz", "report.json", "codes.parquet", ".env", ".venv/a.py", "secret.txt")
    others += ("mine.distill.job", "build/a.py", "node_modules/a.js", "__pycache__/a.pyc", "a.pyi")
    for name in (*ours, *others):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(b"")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "distill"\ndependencies = []\n')
    out.mkdir()
    monkeypatch.setattr(wheel, "PACKAGE", package)
    with zipfile.ZipFile(write_wheel(out)) as written:
        names = [name for name in written.namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(f"distill/{name}" for name in ours)


def test_the_wheel_has_every_file_that_the_checkout_s_package_has(tmp_path, repository):
    if not (repository / ".git").exists():
        pytest.skip("Only git tells which files are the package's.")
    listed = subprocess.run(["git", "ls-files", "-z", "distill"], cwd=repository, capture_output=True, check=True)
    with zipfile.ZipFile(write_wheel(tmp_path)) as written:
        assert set(listed.stdout.decode().strip("\0").split("\0")) <= set(written.namelist())


def test_clips_are_packed_without_their_names_and_with_the_codec_to_go_on_from(
    codec, codec_path, clip_folder, tmp_path, monkeypatch, quick_config
):
    monkeypatch.setattr(packing, "write_wheel", lambda folder: None)
    clips = [to_mel_clip(load_clip(path), LogMel()) for path in sorted(clip_folder.iterdir())]
    folder = JobFolder(pack(tmp_path / "job", clips, quick_config, start=codec_path, model_id=codec.model_id))
    record = folder.read_record()
    assert len(set(record.clip_names)) == len(clips)
    assert record.from_codec == codec.model_id
    assert folder.start.read_bytes() == codec_path.read_bytes()
    kept = folder.read_clips(record.clip_names, record.clip_samples)
    assert [clip.num_samples for clip in kept] == [clip.num_samples for clip in clips]
    assert all(a.log_mel.equal(b.log_mel) for a, b in zip(kept, clips, strict=True))
    for clip in clips:
        for file in folder.path.iterdir():
            assert clip.name.partition(".")[0].encode() not in file.read_bytes()


def test_a_job_deletes_the_clips_trains_and_sends_its_codec_to_a_private_place(jobs, run, packed):
    status, events = run(5100.0)
    assert status == 0
    assert events[-1].event == "finished"
    assert jobs.deleted == [NAME]
    sent = jobs.repositories[f"{NAME}-codec"]
    assert sent.private
    (packed / "sent.distill").write_bytes(sent.files["codec.distill"])
    assert Codec.load(packed / "sent.distill").info.provenance.steps == 12


def test_clips_that_the_hub_did_not_delete_are_deleted_after_the_training(jobs, run, monkeypatch):
    jobs.refuses["DELETE .*"] = 500
    send = job.send

    def mended(*arguments):
        assert NAME in jobs.repositories
        jobs.refuses.clear()
        send(*arguments)

    monkeypatch.setattr(job, "send", mended)
    monkeypatch.setattr(job, "print", lambda *words, **options: None, raising=False)
    assert run(5100.0)[0] == 0
    assert jobs.deleted == [NAME]
    assert list(jobs.repositories) == [f"{NAME}-codec"]


def test_clips_that_the_hub_did_not_delete_are_deleted_after_a_training_that_failed(jobs, run, monkeypatch):
    jobs.refuses["DELETE .*"] = 500
    monkeypatch.setattr(job, "print", lambda *words, **options: jobs.refuses.clear(), raising=False)
    assert run(5900.0)[0] == 1
    assert not jobs.repositories


def test_a_training_stops_before_the_jobs_limit_and_what_it_has_learned_is_sent(jobs, run, packed):
    status, events = run(5100.0, 5100.0, 5100.0, 5821.0)  # 180 of 1000 seconds are for what comes after it
    assert status == 0
    assert events[-1].note == job.CUT_SHORT
    (packed / "sent.distill").write_bytes(jobs.repositories[f"{NAME}-codec"].files["codec.distill"])
    assert Codec.load(packed / "sent.distill").info.provenance.steps < 12


def test_a_job_without_time_to_train_says_so(jobs, run):
    status, events = run(5900.0)
    assert status == 1
    assert events[-1].error == job.NO_TIME
    assert not jobs.repositories


def test_a_job_with_damaged_clips_says_so_and_deletes_them(jobs, run, packed):
    (packed / "clips.safetensors").write_bytes(b"")
    status, events = run(5100.0)
    assert status == 1
    assert "missing or damaged" in events[-1].error
    assert not jobs.repositories


def test_a_codec_is_sent_again_where_that_fails(jobs, codec_path):
    jobs.refuses["POST .*/commit/main"] = 500
    job.send(HfApi(), f"{NAME}-codec", codec_path, sleep=lambda seconds: jobs.refuses.clear())
    assert jobs.repositories[f"{NAME}-codec"].files["codec.distill"] == codec_path.read_bytes()


def test_a_log_has_a_step_now_and_then(clock):
    lines = []
    log = Log(lines.append, clock)
    for step in range(40):
        clock.now += 0.1
        log(Stepped(Progress(step, 0.0, 0.0, 0.0, 0.0, 0.1, 0.1)))
        log(CheckpointKept())
    assert [json.loads(line)["progress"]["step"] for line in lines] == [0, 20]
