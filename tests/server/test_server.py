"""A server starts only with everything in place, reports its state, and deletes the files of ended visits."""

import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from distill.errors import StartupError
from distill.server.server import Server
from distill.settings import Settings
from tests.waiting import PATIENCE


@pytest.fixture
def settings(tmp_path):
    return Settings(folder=tmp_path / "data")


@pytest.fixture
def start(settings, examples):
    """A function that starts a server whose visitors' clock is ``start.now``, in seconds."""
    started = []

    def build(settings=settings, examples=examples):
        started.append(Server.start(settings, examples, clock=lambda: build.now))
        return started[-1]

    build.now = 0.0
    yield build
    for server in started:
        server.close()


def test_a_visitors_files_are_deleted_when_the_visit_is_over_and_not_before(start, settings):
    server = start()
    work = server.visitors.page("one", "page").work
    with server.storage.filling("one") as upload, server.storage.filling_set("one") as (clips, _):
        (upload / "clip.wav").write_bytes(bytes(100))
    forgotten = []
    server.visitors.forget_page = forgotten.append
    born = upload.stat().st_ctime
    start.now = settings.visit_absent_seconds - 1
    server.tidy(born + settings.visit_absent_seconds - 1)
    assert server.visitors.own_work("one", work.secret) is work
    start.now += settings.visit_absent_seconds + 1
    server.tidy(born + 2 * settings.visit_absent_seconds)
    assert server.visitors.owners == set()
    assert forgotten == ["page"]
    assert not upload.exists()
    assert not clips.exists()


def test_trainings_that_ended_long_ago_are_deleted(start, settings, mel_clips, drums, quick_config):
    server = start()
    job = server.runner.submit("one", mel_clips, replace(quick_config, minutes=0.5), drums)
    job.stop()
    ended = job.wait(PATIENCE)
    assert not ended.active
    (folder,) = [path for path in server.storage.jobs.iterdir() if path.is_dir()]
    now = folder.stat().st_ctime
    server.tidy(now + settings.training_kept_seconds - 60)
    assert folder.exists()
    server.tidy(now + settings.training_kept_seconds + 60)
    assert not folder.exists()
    assert server.runner.jobs_of("one") == []


def test_health_reports_numbers_and_a_full_disk(start, settings):
    disk_bytes = 10**6
    server = start(replace(settings, disk_bytes=disk_bytes))
    server.visitors.page("one", "page")
    health = server.health()
    assert health["status"] == "ok"
    assert health["visitors"] == 1
    assert health["trainings"] == {"running": 0, "waiting": 0}
    assert health["memory_bytes"] > 2**20
    with server.storage.arriving("one") as arrival:
        arrival.take(disk_bytes - server.storage.used_bytes)
    assert server.health()["status"] == "disk full"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda folder: (folder / "models" / "loops.distill").unlink(), "loops.distill does not exist"),
        (lambda folder: (folder / "models" / "loops.distill").write_bytes(b"no"), "loops.distill"),
        (lambda folder: [path.unlink() for path in (folder / "clips").iterdir()], "no example clips"),
        (lambda folder: [path.write_bytes(b"no") for path in (folder / "clips").iterdir()], "could not be read"),
    ],
)
def test_a_server_with_missing_or_damaged_examples_does_not_start_and_says_why(
    start, examples, tmp_path, is_one_sentence, broken, words
):
    folder = tmp_path / "examples"
    shutil.copytree(examples, folder)
    broken(folder)
    with pytest.raises(StartupError, match=words) as refusal:
        start(examples=folder)
    assert str(refusal.value).startswith("Distill cannot start: ")
    assert str(refusal.value).endswith(".")


def test_what_a_visitor_trains_on_lies_on_disk_and_is_what_was_sent(start, examples, drums):
    from distill.audio import LogMel, Refusal
    from distill.server.clip_set import ClipSet
    from distill.training.dataset import to_mel_clip

    server = start()
    items, counted = [Refusal("bad.wav", "bad.wav is empty."), drums, drums], []
    with server.storage.filling_set("one") as (folder, _):
        clips = ClipSet(folder, items, counted.append)
    assert counted == [0, 1, 2]
    assert [clip.name for clip in clips.clips] == [drums.name] * 2
    assert np.array_equal(clips.clips[1].log_mel.numpy(), to_mel_clip(drums, LogMel()).log_mel.numpy())
    read = clips.folder.read_clips([drums.name] * 2)
    assert all(np.array_equal(clip.log_mel.numpy(), clips.clips[0].log_mel.numpy()) for clip in read)
    assert np.abs(clips.folder.read_first_clip(drums.name).waveform - drums.waveform).max() < 1e-4
    assert [refusal.name for refusal in clips.refused] == ["bad.wav"]
    assert clips.num_bytes > sum(path.stat().st_size for path in folder.iterdir()) > drums.waveform.nbytes // 2
    with server.storage.filling_set("one") as (folder, _):
        empty = ClipSet(folder, items[:1])
    assert empty.clips == []


def test_a_set_is_written_once_however_often_it_is_trained_on(start, drums, quick_config):
    from distill.server.clip_set import ClipSet

    server = start()
    storage, runner = server.storage, server.runner
    with storage.filling_set("one") as (folder, arrival):
        clips = ClipSet(folder, [drums] * 5, take=arrival.take, remove=lambda folder: storage.remove(folder, "one"))
    written = clips.folder.clips.stat()
    config = replace(quick_config, minutes=0.5)
    first = runner.submit("one", clips.clips, config, stored=clips.folder)
    assert first.folder.clips.stat().st_ino == written.st_ino
    assert storage.own_bytes("one") < 1.6 * clips.num_bytes + 100_000
    first.delete()
    first.wait(60)
    second = runner.submit("one", clips.clips, config, stored=clips.folder)
    assert second.folder.clips.stat().st_ino == written.st_ino
    assert np.abs(second.first_clip.waveform - drums.waveform).max() < 1e-4
    second.stop()
    second.wait(60)
    clips.delete()
    runner.expire(time.time())
    assert not folder.exists()
    assert storage.own_bytes("one") >= second.folder.clips.stat().st_size == written.st_size
    assert len(second.folder.read_clips([drums.name] * 5)) == 5


def test_a_set_of_clips_takes_the_place_of_the_one_before_unless_another_page_shows_it(start, drums):
    from distill.server.clip_set import ClipSet

    server = start()
    left, right = (server.visitors.page("one", page) for page in ("left", "right"))
    sets = []
    for _ in range(3):
        with server.storage.filling_set("one") as (folder, _):
            sets.append(ClipSet(folder, [drums], remove=lambda folder: server.storage.remove(folder, "one")))
    of_one = server.storage.own_bytes("one") // 3
    left.set_clips(sets[0])
    right.set_clips(sets[0])
    left.set_clips(sets[1])
    folders = lambda: len(list((server.storage.sets / "one").iterdir()))  # noqa: E731
    assert folders() == 3
    right.set_clips(sets[1])
    assert folders() == 2
    right.set_clips(None)
    left.set_clips(sets[2])
    assert folders() == 1
    assert server.storage.own_bytes("one") == of_one
