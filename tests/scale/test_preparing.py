"""A set is prepared once, whatever interrupts it and whatever is among its files."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from distill import system
from distill.audio import SAMPLE_RATE, LogMel, load_clip
from distill.audio.decoder import Decoder
from distill.errors import AudioError, ConfigError, FullError, TrainingError
from distill.scale import reading
from distill.scale.preparing import prepare
from distill.scale.sets import PreparedSet
from distill.training.dataset import to_mel_clip
from tests.waiting import PATIENCE


def contents(out: Path) -> list[tuple[str, int, bytes, bytes]]:
    """All that a training can read of a set."""
    clips = PreparedSet.open(out)
    return [
        (
            clip.name,
            clip.num_samples,
            *(part.numpy().tobytes() for part in (clip.log_mel, clip.sound_between(0, 10**9))),
        )
        for clip in clips
    ]


KILLED = """
import os, signal, sys
from distill.scale.preparing import prepare
prepare(*sys.argv[1:], show=lambda done, total, clips: done and os.kill(os.getpid(), signal.SIGKILL))
"""
OUT_OF_MEMORY = """read line; echo '{"refused": "It takes more memory than there is.", "may_pass": true}'; read line"""


def killed_after_a_batch(folder: Path, out: Path, repository: Path) -> None:
    """Prepare a set in a process of its own that is killed, as by kill -9, when the first batch is done."""
    command = [sys.executable, "-c", KILLED, folder, out]
    assert subprocess.run(command, cwd=repository, timeout=PATIENCE, check=False).returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def whole(many_hits, tmp_path_factory) -> Path:
    """The set of many hits, prepared without an interruption."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert prepare(many_hits, out).clips == 70
    return out


def test_the_clips_are_those_of_the_files_in_the_order_of_their_paths(whole, many_hits):
    log_mel = LogMel()
    wanted = [to_mel_clip(load_clip(path), log_mel) for path in sorted(many_hits.rglob("*.wav"))]
    clips = PreparedSet.open(whole)
    assert [clip.name for clip in clips] == [clip.name for clip in wanted]
    for clip, other in zip(clips, wanted, strict=True):
        assert torch.equal(clip.log_mel, other.log_mel)
        assert torch.equal(clip.sound_between(0, clip.num_frames), other.waveform)
        assert (clip.num_samples, clip.num_frames, clip.seconds) == (
            other.num_samples,
            other.num_frames,
            other.seconds,
        )


def test_two_processes_prepare_the_same_set_as_one_to_the_last_bit(many_hits, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(4)  # the last bits of a log-mel depend on it
    try:
        for processes in (1, 2):
            prepare(many_hits, tmp_path / str(processes), processes=processes)
    finally:
        torch.set_num_threads(before)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_killed_preparation_goes_on_without_reading_or_keeping_anything_twice(whole, many_hits, tmp_path, repository):
    out, asked = tmp_path / "out", []
    killed_after_a_batch(many_hits, out, repository)
    with pytest.raises(TrainingError, match=r"^The set in out is not complete; please run"):
        PreparedSet.open(out)
    (out / "shard-00000099-0000.part").write_bytes(b"half of a shard")
    made = prepare(many_hits, out, show=lambda done, total, clips: asked.append((done, total)))
    assert asked == [(0, 6), (6, 6)]
    assert (made.files, made.clips) == (70, 70)
    assert contents(out) == contents(whole)
    assert not list(out.glob("*.part"))


def test_a_shard_that_was_cut_short_is_made_anew(whole, many_hits, tmp_path):
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    shard = sorted(out.glob("shard*"))[0]
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(TrainingError, match=rf"^{shard.name} of the prepared set out is missing or damaged; "):
        contents(out)
    assert prepare(many_hits, out).clips == 70
    assert contents(out) == contents(whole)


def test_what_cannot_be_read_is_a_row_with_its_reason(clips_copy, tmp_path):
    (clips_copy / "empty 1.wav").write_bytes(b"")
    (clips_copy / "empty 2.wav").write_bytes(b"")
    (clips_copy / "notes.txt").write_text("words\n" * 50)
    (clips_copy / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(5_000))
    (clips_copy / "link.wav").symlink_to(tmp_path / "nowhere.wav")
    soundfile.write(clips_copy / "silent.wav", np.zeros(10_000), SAMPLE_RATE)
    with zipfile.ZipFile(clips_copy / "kit.zip", "w") as archive:
        archive.write(clips_copy / "loop_amen.wav", "inner.wav")
        archive.writestr("broken.wav", b"RIFF" + bytes(100))
    out = tmp_path / "out"
    made = prepare(clips_copy, out)
    assert (made.files, made.clips) == (13, 7)
    assert "inner.wav" in [clip.name for clip in PreparedSet.open(out)]
    assert made.refused["is empty"] == 2
    assert made.refused["is a link to a file that is not there"] == 1
    assert made.refused.total() == 7
    refused = (out / "refused.txt").read_text().splitlines()
    assert "empty 1.wav: empty 1.wav is empty: the file has no bytes in it." in refused
    assert len(refused) == 7


def test_a_set_that_has_changed_is_brought_up_to_date(clips_copy, tmp_path):
    out = tmp_path / "out"
    first, second, third = sorted(clips_copy.iterdir())[:3]
    prepare(clips_copy, out)
    shutil.copy(third, second)
    shutil.copy(third, clips_copy / "another.wav")
    first.unlink()
    asked = []
    made = prepare(clips_copy, out, show=lambda done, total, clips: asked.append(total))
    assert (made.again, made.gone, made.clips, asked[-1]) == (1, 1, 6, 2)
    prepare(clips_copy, tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")
    made = prepare(clips_copy, out, show=lambda done, total, clips: asked.append(total))
    assert (made.again, made.gone, made.clips, asked[-1]) == (0, 0, 6, 0)


def test_a_file_that_vanishes_or_grows_meanwhile_is_told_and_read_the_next_time(clips_copy, tmp_path, monkeypatch):
    first, second = sorted(clips_copy.iterdir())[:2]
    sound = second.read_bytes()

    def vanish(done: int, total: int, clips: int) -> None:
        first.unlink(missing_ok=True)

    def load_and_grow(path, **options):
        clip = load_clip(path, **options)
        if path == second:
            path.write_bytes(sound + bytes(1000))
        return clip

    monkeypatch.setattr(reading, "load_clip", load_and_grow)
    made = prepare(clips_copy, tmp_path / "out", show=vanish)
    assert dict(made.refused) == {"is gone": 1, "changed while it was read": 1}
    monkeypatch.setattr(reading, "load_clip", load_clip)
    made = prepare(clips_copy, tmp_path / "out")
    assert (made.clips, dict(made.refused)) == (5, {})


def test_a_file_that_was_away_for_a_while_is_read_when_it_is_there_again_unchanged(clips_copy, tmp_path):
    first, away = sorted(clips_copy.iterdir())[0], tmp_path / "away"
    made = prepare(clips_copy, tmp_path / "out", show=lambda done, total, clips: done or first.rename(away))
    assert dict(made.refused) == {"is gone": 1}
    away.rename(first)
    made = prepare(clips_copy, tmp_path / "out")
    assert (made.clips, dict(made.refused)) == (6, {})


@pytest.mark.parametrize("name", ["kit.wav", "kit.zip"])
def test_a_file_that_a_decoder_or_the_memory_broke_off_at_is_read_again(clips_copy, tmp_path, monkeypatch, name):
    sound = next(iter(clips_copy.iterdir()))
    folder = tmp_path / "kit"
    folder.mkdir()
    if name.endswith(".zip"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.write(sound, "inner.wav")
    else:
        shutil.copy(sound, folder / name)
    for broken in ([sys.executable, "-c", "pass"], ["sh", "-c", OUT_OF_MEMORY]):
        monkeypatch.setattr(reading, "Decoder", partial(Decoder, command=broken))
        made = prepare(folder, tmp_path / "out")
        assert (made.clips, made.refused.total()) == (0, 1)
    monkeypatch.undo()
    made = prepare(folder, tmp_path / "out")
    assert (made.clips, dict(made.refused)) == (1, {})


def test_a_damaged_index_is_made_anew_by_the_same_command(clip_folder, tmp_path):
    out = tmp_path / "out"
    prepare(clip_folder, out)
    (out / "index.safetensors").write_bytes(b"nothing of a set")
    with pytest.raises(TrainingError, match="please run the same “distill prepare” again"):
        PreparedSet.open(out)
    prepare(clip_folder, out)
    assert len(PreparedSet.open(out)) == 6


@pytest.mark.parametrize("processes", [0, -5, 500])
def test_the_number_of_processes_is_checked_before_anything_is_read(distill, clip_folder, tmp_path, processes):
    said = f"--processes must be from 1 to 256, got {processes}.\n"
    assert distill("prepare", clip_folder, tmp_path / "out", f"--processes={processes}") == (2, "", said)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError):
        prepare(clip_folder, tmp_path / "out", processes=processes)


def test_other_settings_or_another_source_are_told_and_not_mixed(clip_folder, many_hits, tmp_path):
    out = tmp_path / "out"
    prepare(clip_folder, out)
    before = contents(out)
    with pytest.raises(
        TrainingError, match=r"^The set in out was begun with cut none, not onsets; name another folder"
    ):
        prepare(clip_folder, out, cut="onsets")
    with pytest.raises(TrainingError, match=rf"with source .*{clip_folder.name}, not .*{many_hits.name}; "):
        prepare(many_hits, out)
    assert contents(out) == before
    with pytest.raises(TrainingError, match=rf"^{clip_folder.name} holds other files; please name a new folder"):
        prepare(many_hits, clip_folder)
    with pytest.raises(AudioError, match=r"^nowhere does not exist\.$"):
        prepare(tmp_path / "nowhere", out)


def test_recordings_are_cut(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, SAMPLE_RATE // 2)
    (tmp_path / "takes").mkdir()
    soundfile.write(tmp_path / "takes" / "take.wav", np.concatenate([noise, 0 * noise, 0 * noise, noise]), SAMPLE_RATE)
    prepare(tmp_path / "takes", tmp_path / "out", cut="silence")
    assert [clip.name for clip in PreparedSet.open(tmp_path / "out")] == ["take 1.wav", "take 2.wav"]


def test_a_set_inside_its_own_folder_does_not_read_itself(clips_copy):
    for _ in range(2):
        made = prepare(clips_copy, clips_copy / "out")
        assert (made.files, made.clips) == (6, 6)


def test_only_one_process_prepares_a_set(clip_folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with system.lockable(out) as descriptor:
        assert system.lock(descriptor)
        with pytest.raises(
            TrainingError, match=r"^Another process prepares the set in out; please wait for its end\.$"
        ):
            prepare(clip_folder, out)


def test_a_full_disk_is_one_sentence_and_what_is_prepared_stays(
    many_hits, examples, small_disk, whole, tmp_path, is_one_sentence
):
    folder = tmp_path / "sounds"
    shutil.copytree(many_hits, folder / "a")
    shutil.copytree(examples / "clips", folder / "b")
    out = small_disk / "out"
    with pytest.raises(FullError) as refusal:
        prepare(folder, out)
    assert is_one_sentence(refusal.value, "The disk of out is full", "the same command goes on")
    assert len(list(out.glob("shard*"))) == 1
    assert not list(out.glob("*.part"))
    with pytest.raises(TrainingError, match="is not complete"):
        PreparedSet.open(out)
    subprocess.run(["mount", "-o", "remount,size=40m", small_disk], check=True)
    asked = []
    made = prepare(folder, out, show=lambda done, total, clips: asked.append(total))
    assert (made.clips, asked[-1]) == (87, 23)
    assert contents(out)[:70] == contents(whole)
