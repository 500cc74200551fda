"""A killed worker, a killed server and a full disk: nothing is lost, or the page says what was lost."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import Forked
from tests.space.visiting import REPOSITORY
from tests.waiting import PATIENCE, until


def workers(space):
    """Process ids of the trainings that run under a server."""
    found = subprocess.run(["pgrep", "-P", str(space.process.pid), "-f", "tests.eager"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def step(live):
    found = re.search(r"step (\d+)", live[0])
    return int(found[1]) if found else 0


@pytest.fixture(scope="session")
def clips(examples):
    return sorted((examples / "clips").glob("*.flac"), key=lambda path: path.stat().st_size)[:6]


def begin(visitor, clips, is_on_its_way=step):
    """Begin a training and look away once it is on its way, as who closes the page does.

    Its minutes are those of the clock on the wall: on a busy machine they may be over before it is on its way, and then
    a longer one is begun.
    """
    visitor.call("add_clips", visitor.upload(*clips))
    for minutes in (0.2, 0.6, 2, 6):
        for live in visitor.stream("train", 2, 8, 0.25, minutes, True):
            if "Finished" not in live[0] and is_on_its_way(live):
                visitor.reload()
                return
    raise AssertionError("it did not begin")


def begin_with_a_checkpoint(space, visitor, clips):
    """Begin a training and look away once it could go on after its process was lost."""
    begin(visitor, clips, lambda live: step(live) and list(space.folder.glob("jobs/*/checkpoint*")))


def test_a_worker_that_is_killed_goes_on_from_its_checkpoint_and_the_page_is_told(new_space, new_visitor, clips):
    space = new_space(checkpoint_seconds=1)
    visitor = new_visitor(space)
    begin_with_a_checkpoint(space, visitor, clips)
    (worker,) = workers(space)
    os.kill(worker, signal.SIGKILL)
    told = list(visitor.stream("follow"))
    assert any("interrupted" in live[0] for live in told)
    assert "Finished" in told[-1][0]
    resumed = next(step(live) for live in told if step(live))
    assert resumed > 0
    assert worker not in workers(space)
    _, line, *_ = visitor.call("use_trained")
    assert "2 levels" in line


def test_the_server_is_killed_in_mid_training_and_the_browser_finds_its_training_again(new_space, new_visitor, clips):
    space = new_space(checkpoint_seconds=1)
    visitor = new_visitor(space)
    begin_with_a_checkpoint(space, visitor, clips)
    (worker,) = workers(space)
    space.kill()
    until(lambda: not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split()[2])
    space.start()
    again = new_visitor(space, cookie=visitor.cookie)
    live = again.call("arrive", "")[0]
    assert "data-training" in live
    told = list(again.stream("follow"))
    assert "Finished" in told[-1][0]
    assert any("interrupted" in live[0] for live in told)
    _, line, *_ = again.call("use_trained")
    assert "6 clips" in line
    stranger = new_visitor(space)
    with pytest.raises(AssertionError, match="There is no training yet"):
        stranger.call("use_trained")


def test_a_page_that_is_reloaded_has_its_clips_its_edits_and_its_training_again(new_space, new_visitor, clips):
    space = new_space()
    visitor = new_visitor(space)
    grid = visitor.open_page()["indices"]
    visitor.serve("edit", kind="set", levels=[0, 0], rows=[0, 7], columns=[0, 3], code=5)
    begin(visitor, clips)
    visitor.close()
    again = new_visitor(space, cookie=visitor.cookie)
    shown = str(again.call("arrive", ""))
    assert "6 clips" in shown
    assert again.open_page()["indices"] != grid
    assert again.serve("edit", kind="undo")["edits"] == 0
    assert "Finished" in again.call("follow")[0]


def test_when_the_disk_did_not_survive_the_page_says_what_was_lost(new_space, new_visitor, clips):
    space = new_space()
    visitor = new_visitor(space)
    live = visitor.call("arrive", "0123456789abcdef")[0]
    assert "is lost" in live
    assert "train again" in live


def test_a_full_disk_is_one_sentence_and_what_is_there_still_works(new_space, new_visitor, clips):
    space = new_space(disk_bytes=20 * 2**20)
    visitor = new_visitor(space)
    visitor.open_page()
    with pytest.raises(AssertionError, match="no room for more files now; please try again"):
        visitor.upload(*[clips[-1]] * 90)
    answer = visitor.serve("edit", kind="set", levels=[0, 0], rows=[0, 7], columns=[0, 3], code=5)
    assert answer["edits"] == 1


def test_a_start_that_cannot_succeed_ends_at_once_with_a_sentence(tmp_path):
    environment = os.environ | {"DISTILL_FOLDER": str(tmp_path / "data"), "DISTILL_DISK_BYTES": "much"}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 1
    assert "DISTILL_DISK_BYTES must be a whole number" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DISTILL_DISK_BYTES": "much"}, "DISTILL_DISK_BYTES must be a whole number"),
        ({"DISTILL_FOLDER": "/proc/distill"}, "cannot write to the folder"),
        ({"DISTILL_DECODING_MEMORY_BYTES": "1"}, "Distill cannot start"),
    ],
)
def test_a_server_that_cannot_start_says_why_in_a_sentence(tmp_path, environment, words):
    ended = Forked(os.environ | {"DISTILL_FOLDER": str(tmp_path / "data")} | environment, tmp_path / "log")
    ended.wait()
    said = (tmp_path / "log").read_text()
    assert ended.poll() == 1
    assert words in said
    assert "Traceback" not in said
