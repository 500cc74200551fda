"""Trainings on Hugging Face Jobs, by the real client and a stand-in of the service: how they begin."""

import base64
import json
import re

import pytest

from distill.codec import Codec
from tests.elsewhere.jobs_stand_in import interrupt, nothing_is_left, run_for_real
from tests.hub.stand_in import READS

NAME = re.compile("ada/distill-[0-9a-f]{16}")


def readable(body: bytes) -> bytes:
    """What was sent, with the files of a commit as they are: the Hub gets them in base64."""
    lines = [json.loads(line) for line in body.splitlines()] if body.startswith(b'{"key"') else []
    files = [line["value"] for line in lines if line["key"] == "file"]
    return b"\n".join([body, *(base64.b64decode(file["content"]) for file in files)])


def test_a_codec_is_trained_on_a_rented_machine(jobs, train, out, tmp_path, clip_folder):
    jobs.runs = run_for_real
    report = tmp_path / "report.json"
    status, printed, errors = train("--yes", "--json", report)
    assert status == 0, errors
    codec = Codec.load(out)
    assert codec.info.config.num_quantizers == 2
    assert codec.info.config.seed == 3
    assert codec.info.provenance.clips == 6
    assert json.loads(report.read_text())["steps"] == codec.info.provenance.steps >= 1
    assert "mel_l1" in printed
    assert f"Saved {out}." in printed
    assert nothing_is_left(jobs, out)

    (job,) = jobs.jobs.values()
    name = job.spec["environment"]["DISTILL_JOB"]
    assert NAME.fullmatch(name)
    assert jobs.deleted == [name, f"{name}-codec"]
    assert "mel_l1" in "".join(job.lines[1:])
    created = [json.loads(body) for body in jobs.bodies if body.startswith(b'{"name"') and b"visibility" in body]
    assert [each["visibility"] for each in created] == ["private", "private"]
    assert (job.spec["flavor"], job.spec["timeoutSeconds"], job.spec["attempts"]) == ("l4x1", 3600, 1)
    assert list(job.spec["secrets"]) == ["HF_TOKEN"]
    assert job.spec["secrets"]["HF_TOKEN"] not in json.dumps(job.info)
    told = b"\n".join([*map(readable, jobs.bodies), *(asked.encode() for asked in jobs.asked)])
    assert b'"clip_names"' in told
    for clip in clip_folder.iterdir():
        assert clip.stem.encode() not in told


def test_what_goes_out_and_what_it_costs_is_told_first_and_without_a_yes_nothing_happens(jobs, train, answer, out):
    for typed in ("n\n", "", "maybe\n"):
        answer(typed)
        status, printed, errors = train("--job-minutes", "30", on="jobs:l4x1")
        assert (status, errors) == (0, "")
        assert "paid by the account ada" in printed
        assert "A l4x1 (l4x1), $0.80 an hour: about $0.40 if it takes all its time" in printed
        assert "30 minutes; then the Hub ends the job" in printed
        assert re.search(r"6 clips \(\d+ s\) without their names and Distill, \d+\.\d MB", printed)
        assert re.search(rf"{NAME.pattern}, a private repository, deleted once the job has read it", printed)
        assert "your token" in printed
        assert printed.endswith("Nothing was sent.\n")
    assert {asked.split()[0] for asked in jobs.asked} == {"GET"}
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "on", "words"),
    [
        ([], "jobs:l9", ["no hardware “l9”", "cpu-basic, l4x1"]),
        ([], "moon:l4x1", ["“moon:l4x1”", "jobs:HARDWARE"]),
        ([], "jobs:", ["“jobs:”", "jobs:l4x1"]),
        (["--job-minutes", "0.5"], "jobs:l4x1", ["job-minutes", "0.5"]),
        (["--minutes", "9", "--job-minutes", "8"], "jobs:l4x1", ["9 minutes", "8 minutes"]),
        (["--resume"], "jobs:l4x1", ["No job is noted for kit.distill", "--on-job"]),
        (["--on-job", "job7"], "jobs:l4x1", ["ada has no training with the id “job7”"]),
        (["--device", "cpu"], "jobs:l4x1", ["--device", "this machine"]),
        (["--device", "cuda", "--resume"], "jobs:l4x1", ["--device", "this machine"]),
        (["--device", "cuda", "--on-job", "job0"], "jobs:l4x1", ["--device", "this machine"]),
        (["--on-job", "../ada"], "jobs:l4x1", ["ada has no training with the id “../ada”"]),
    ],
)
def test_what_cannot_be_rented_is_refused_before_anything_is_sent(jobs, train, options, on, words):
    status, _, error = train("--yes", *options, on=on)
    assert status == 2
    assert error.count("\n") == 1
    assert all(word in error for word in words), error
    assert {asked.split()[0] for asked in jobs.asked} <= {"GET"}


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "needs your own token"),
        (READS, "Your token may not do this"),
        ("hf_eve", "missing, wrong or has expired"),
    ],
)
def test_without_a_token_that_may_write_nothing_is_sent(jobs, train, monkeypatch, tmp_path, token, words):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert words in error
    assert not jobs.bodies


def test_where_the_hub_cannot_be_reached_nothing_begins(jobs, train, monkeypatch, unused_port):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{unused_port}")
    status, printed, error = train("--yes")
    assert (status, printed) == (2, "")
    assert error == "The Hugging Face Hub cannot be reached; please check the network.\n"


@pytest.mark.parametrize(
    ("request_line", "refusal", "words"),
    [
        ("POST /api/jobs/ada", 402, "ada has no credit for Hugging Face Jobs"),
        ("POST /api/jobs/ada", 403, "Your token may not do this for ada: it needs the rights"),
        ("POST /api/jobs/ada", 401, "missing, wrong or has expired"),
        ("POST /api/jobs/ada", 400, "The Hub refuses this: A refusal."),
        ("POST /api/jobs/ada", 503, "has a fault at the moment"),
        ("POST .*/commit/main", 500, "has a fault at the moment"),
        ("POST /api/repos/create", 403, "Your token may not do this for ada"),
    ],
)
def test_where_a_job_cannot_start_the_clips_are_deleted_again(jobs, train, out, request_line, refusal, words):
    jobs.refuses[request_line] = refusal
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1), error
    assert words in error
    assert nothing_is_left(jobs, out)
    assert not jobs.jobs


@pytest.mark.parametrize("request_line", ["POST /api/jobs/ada", "POST .*/commit/main"])
def test_where_a_job_cannot_start_and_the_clips_stay_both_are_told(jobs, train, request_line):
    jobs.refuses |= {request_line: 403, "DELETE .*": 500}
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1), error
    assert "Your token may not do this for ada" in error
    (name,) = jobs.repositories
    assert f"The Hub did not delete {name}" in error


def test_an_upload_that_is_interrupted_tells_of_clips_that_stay(jobs, train, monkeypatch):
    from huggingface_hub import HfApi

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "create_commit", interrupted)
    jobs.refuses["DELETE .*"] = 500
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1), error
    assert error.startswith(f"Interrupted. The Hub did not delete {next(iter(jobs.repositories))}")


def test_a_second_training_for_the_same_file_does_not_begin_while_one_is_noted(jobs, train, answer, out):
    jobs.runs = interrupt
    answer("")
    assert train("--yes")[0] == 130
    noted = out.with_name("kit.distill.job").read_text()
    status, printed, error = train("--yes")
    assert (status, printed, error.count("\n")) == (2, "", 1)
    assert "kit.distill.job notes a job that has begun" in error
    assert "--resume" in error
    assert len(jobs.jobs) == 1
    assert out.with_name("kit.distill.job").read_text() == noted


def test_a_job_whose_id_cannot_be_noted_goes_on_and_the_way_back_is_told(
    jobs, train, other_codec_path, out, monkeypatch
):
    from tests.elsewhere import jobs_stand_in

    note, answer = out.with_name("kit.distill.job"), jobs_stand_in.HubHandler._json

    def answered(handler, value):
        if handler.path == "/api/jobs/ada":
            note.mkdir()  # and so no file can be written there
        elif note.is_dir():
            note.rmdir()
        answer(handler, value)

    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end("COMPLETED")

    monkeypatch.setattr(jobs_stand_in.HubHandler, "_json", answered)
    jobs.runs = run
    status, printed, error = train("--yes")
    assert (status, error.count("\n")) == (0, 1), error
    assert (
        "could not be noted in kit.distill.job (Is a directory). To come back to it: distill train --on-job job0"
        in error
    )
    assert f"Saved {out}." in printed
    assert nothing_is_left(jobs, out)


def test_a_job_that_began_while_its_answer_was_lost_is_found(jobs, train, other_codec_path, monkeypatch):
    from tests.elsewhere import jobs_stand_in

    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end("COMPLETED")

    monkeypatch.setattr(jobs_stand_in.HubHandler, "_json", answer_once(jobs_stand_in.HubHandler._json))
    jobs.runs = run
    status, printed, error = train("--yes")
    assert (status, error) == (0, "")
    assert len(jobs.jobs) == 1
    assert "Saved" in printed


def answer_once(send):
    """An answer to the start of a job that comes as a fault, though the job has begun."""

    def answer(handler, value):
        if handler.command == "POST" and handler.path == "/api/jobs/ada":
            handler._send(b"{}", 504)
        else:
            send(handler, value)

    return answer
