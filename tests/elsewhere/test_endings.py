"""Trainings on Hugging Face Jobs, by the real client and a stand-in of the service: how they go on and end."""

import re

import pytest

from distill.jobs.events import Failed
from tests.elsewhere.jobs_stand_in import interrupt, nothing_is_left, validated

NAME = re.compile("ada/distill-[0-9a-f]{16}")


@pytest.mark.parametrize(
    ("said", "ending", "words", "shown"),
    [
        ([Failed("The clips are damaged.")], ("ERROR", ""), "failed in the job: The clips are damaged.", ""),
        (
            ["pip: no such \x1b[2Jversion"],
            ("ERROR", "Exit code 1"),
            "The job failed: Exit code 1.",
            "no such [2Jversion",
        ),
        (["step 1"], ("ERROR", "Job timeout"), "reached its limit of 60 minutes", "step 1"),
        ([], ("CANCELED", ""), "The job was cancelled", ""),
        ([], ("COMPLETED", ""), "The job left no codec", ""),
    ],
)
def test_a_job_that_fails_is_told_and_nothing_is_left(jobs, train, out, said, ending, words, shown):
    def run(job):
        job.say(*said)
        job.end(*ending)

    jobs.runs = run
    status, _, error = train("--yes")
    assert status == 2
    assert words in error.splitlines()[-1]
    assert shown in error
    assert "\x1b" not in error
    assert nothing_is_left(jobs, out)
    assert not out.exists()


ENDINGS = [("ERROR", "Job timeout"), ("CANCELED", ""), ("ERROR", "Exit code 1")]


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_a_codec_that_a_job_sent_before_it_failed_is_saved(jobs, train, other_codec_path, out, ending):
    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end(*ending)

    jobs.runs = run
    status, printed, error = train("--yes")
    assert (status, error.count("\n")) == (0, 1), error
    assert error.startswith("The job ")
    assert error.endswith("It had sent a codec before.\n")
    assert f"Saved {out}." in printed
    assert out.read_bytes() == other_codec_path.read_bytes()
    assert nothing_is_left(jobs, out)


def test_a_codec_that_a_failed_job_may_have_sent_stays_where_the_hub_cannot_be_asked(
    jobs, train, distill, other_codec_path, out
):
    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end("ERROR", "Job timeout")

    jobs.runs, jobs.refuses = run, {".*resolve.*": 403}
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1), error
    assert "reached its limit of 60 minutes" in error
    (way_back,) = re.findall("stays on the Hub, and “distill (.*)” fetches it", error)
    jobs.refuses.clear()
    assert distill(*way_back.split())[0] == 0
    assert out.read_bytes() == other_codec_path.read_bytes()


def test_a_codec_that_was_there_when_its_job_was_cancelled_is_saved(jobs, train, answer, other_codec_path, out):
    def run(job):
        job.leave(other_codec_path.read_bytes())
        interrupt(job)

    jobs.runs = run
    answer("y\n")
    status, printed, _ = train("--yes")
    assert status == 130
    assert "Cancelled." in printed
    assert out.read_bytes() == other_codec_path.read_bytes()
    assert nothing_is_left(jobs, out)


def test_a_codec_that_does_not_fit_onto_the_disk_stays_on_the_hub(jobs, train, distill, other_codec_path, out):
    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end("COMPLETED")

    jobs.runs = run
    unfinished = out.with_name("kit.distill.part")
    unfinished.symlink_to("/dev/full")
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1), error
    assert error.startswith("kit.distill cannot be written: No space left on device; ")
    assert "the job goes on" not in error
    assert not unfinished.is_symlink()
    (way_back,) = re.findall("stays on the Hub, and “distill (.*)” fetches it", error)
    assert distill(*way_back.split())[0] == 0
    assert out.read_bytes() == other_codec_path.read_bytes()
    assert nothing_is_left(jobs, out)


def test_a_job_that_ran_as_long_as_it_may_has_reached_its_limit(jobs, train):
    def run(job):
        job.running_seconds = 3600
        job.end("ERROR", "")

    jobs.runs = run
    assert "give it more by --job-minutes" in train("--yes")[2]


@pytest.mark.parametrize("left", [b"weights", b"\x08\0\0\0\0\0\0\0{}      ", bytes(65 * 2**20)], ids=len)
def test_what_a_job_leaves_is_checked_like_the_file_of_a_stranger(jobs, train, out, left):
    def run(job):
        job.leave(left)
        job.end("COMPLETED")

    jobs.runs = run
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert "codec" in error
    assert nothing_is_left(jobs, out)
    assert not out.exists()


def test_a_connection_that_breaks_is_made_again_and_nothing_is_told_twice(
    jobs, train, impatient, other_codec_path, out
):
    def run(job):
        job.say(validated(11), validated(22))
        impatient.append(lambda: go_on(job))

    def go_on(job):
        jobs.refuses.clear()
        job.say(validated(33))
        job.leave(other_codec_path.read_bytes())
        job.end("COMPLETED")

    jobs.most_lines, jobs.broken = 2, lambda: jobs.refuses.update({".* /api/jobs/.*": 503})
    jobs.runs = run
    status, printed, error = train("--yes")
    assert (status, error) == (0, "")
    assert re.findall(r"step +(\d+)", printed) == ["11", "22", "33"]
    assert out.read_bytes() == other_codec_path.read_bytes()


def test_where_the_hub_is_gone_for_long_the_job_goes_on_and_one_can_come_back(
    jobs, train, distill, impatient, other_codec_path, out
):
    def run(job):
        job.say(validated(11), validated(22))

    jobs.most_lines, jobs.broken = 2, lambda: jobs.refuses.update({".*": 503})
    jobs.runs = run
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert "could not be reached for 1 minutes" in error
    (way_back,) = re.findall("“distill (.*)” comes back to it", error)
    jobs.refuses.clear()
    assert jobs.repositories  # the job may still want them

    (job,) = jobs.jobs.values()
    job.leave(other_codec_path.read_bytes())
    job.end("COMPLETED")
    status, printed, error = distill(*way_back.split())
    assert (status, error) == (0, "")
    assert re.findall(r"step +(\d+)", printed) == ["11", "22"]
    assert out.read_bytes() == other_codec_path.read_bytes()
    assert nothing_is_left(jobs, out)


def test_an_interrupted_job_is_cancelled_if_that_is_asked_for(jobs, train, answer, out):
    jobs.runs = interrupt
    answer("y\n")
    status, printed, _ = train("--yes")
    assert status == 130
    assert "Cancelled." in printed
    assert [job.stage for job in jobs.jobs.values()] == ["CANCELED"]
    assert nothing_is_left(jobs, out)


def test_a_job_that_could_not_be_cancelled_is_told_to_cost_and_its_clips_stay(jobs, train, answer):
    jobs.runs, jobs.refuses = interrupt, {"POST .*/cancel": 403}
    answer("y\n")
    status, _, error = train("--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert f"the job was not cancelled, and costs: cancel it on {jobs.url}/jobs/ada/job0." in error
    assert jobs.repositories


def test_an_interrupted_job_goes_on_otherwise_and_the_same_command_comes_back_to_it(
    jobs, train, answer, other_codec_path, out
):
    jobs.runs = interrupt
    answer("")
    status, printed, _ = train("--yes")
    assert status == 130
    assert f"To come back: distill train --on-job job0 --out {out}" in printed
    (job,) = jobs.jobs.values()
    assert job.stage == "RUNNING"
    job.leave(other_codec_path.read_bytes())
    job.end("COMPLETED")
    status, printed, error = train("--resume")
    assert (status, error) == (0, "")
    assert len(jobs.jobs) == 1
    assert out.read_bytes() == other_codec_path.read_bytes()
    assert nothing_is_left(jobs, out)


def test_a_job_that_is_no_training_is_not_touched(jobs, train, distill, out):
    jobs.runs = interrupt
    train("--yes")
    (job,) = jobs.jobs.values()
    jobs.asked.clear()
    for named in ("ada/loops", "eve/distill-0123456789abcdef", None):
        job.spec["environment"]["DISTILL_JOB"] = named
        status, _, error = distill("train", "--on-job", "job0", "--out", out)
        assert (status, error) == (2, "ada has no training with the id “job0” on Hugging Face Jobs.\n")
    assert {asked.split()[0] for asked in jobs.asked} == {"GET"}


def test_what_the_hub_does_not_delete_is_told(jobs, train, other_codec_path, out):
    def run(job):
        job.leave(other_codec_path.read_bytes())
        job.end("COMPLETED")

    jobs.runs, jobs.refuses = run, {"DELETE .*": 500}
    status, _, error = train("--yes")
    assert status == 0
    name = next(iter(jobs.repositories))
    assert f"did not delete {name} and {name}-codec" in error
    assert out.exists()
