"""Folders to tables and back on the command line, by one worker in this process."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from distill import system
from distill.audio import load_clip
from distill.codec import Codec
from distill.scale import bulk, rows, table
from distill.scale.pool import LOST
from tests.maps import names
from tests.maps import table as rows_of_map
from tests.scale.conftest import CLIPS, REFUSED
from tests.waiting import until


@pytest.fixture(scope="module")
def codes(codec_path, short_set, tmp_path_factory):
    """The table of the short set."""
    from distill.cli import main

    out = tmp_path_factory.mktemp("codes") / "codes.parquet"
    assert main(["encode", str(codec_path), str(short_set), str(out), "--workers", "1"]) == 0
    return out


def test_a_table_has_a_row_for_each_clip_and_each_refused_file_in_the_order_of_their_names(codes, codec, short_set):
    read = pq.read_table(codes).to_pylist()
    assert [row["file"] for row in read] == sorted((*CLIPS, *REFUSED))
    for row in read:
        assert (row["model_id"], row["codebook_size"], row["time_stride"]) == (codec.model_id, codec.codebook_size, 16)
        if row["file"] in REFUSED:
            assert row["codes"] is row["seconds"] is row["num_frames"] is None
            assert row["reason"].startswith(row["file"])
            continue
        clip = load_clip(short_set / row["file"])
        assert np.array_equal(row["codes"], codec.encode_clip(clip).indices)
        assert row["seconds"] == clip.seconds
        assert row["reason"] is None
    assert list(codes.parent.iterdir()) == [codes]


def test_pandas_reads_the_table_as_it_is(codes):
    read = pandas.read_parquet(codes)
    grid = np.stack([np.stack(level) for level in read.codes[read.reason.isna()].iloc[0]])
    assert grid.dtype == np.uint16
    assert grid.shape[:2] == (3, 8)


def test_the_table_has_the_columns_on_the_map(codes):
    assert [names(row[0])[0] for row in rows_of_map("A table of codes")] == pq.read_schema(codes).names
    facts = json.loads(pq.read_schema(codes).metadata[b"distill"])
    assert {"format", "format_version", "model_id", "levels", "rows", "codebook_size", "time_stride"} == set(facts)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_table_is_decoded_to_the_sounds_of_its_clips(distill, codes, codec, codec_path, short_set, tmp_path, kind):
    out = tmp_path / "sounds"
    flac = ["--flac"] if kind == "flac" else []
    status, printed, errors = distill("decode", codec_path, codes, out, "--workers", 1, *flac)
    assert (status, errors) == (0, "")
    assert "5 sounds" in printed
    assert "2 rows had no codes" in printed
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert found == sorted(name.replace("flac", kind) for name in CLIPS)
    for name in CLIPS[:2]:
        clip = load_clip(short_set / name)
        sound, _ = soundfile.read(out / name.replace("flac", kind), dtype="float32")
        assert np.abs(sound - codec.decode(codec.encode_clip(clip))).max() < 1e-4
    assert not list(out.glob(".*"))


def test_an_evaluation_by_workers_has_the_figures_of_one_without(distill, codec_path, short_set, tmp_path):
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    assert distill("evaluate", codec_path, short_set, "--json", one)[0] == 0
    status, printed, errors = distill("evaluate", codec_path, short_set, "--workers", 1, "--json", many)
    assert status == 0
    assert "5 clips" in printed
    assert errors.count("\n") == len(REFUSED)
    expected, found = (json.loads(path.read_text()) for path in (one, many))
    assert found.pop("refused") == len(REFUSED)
    assert set(found) == set(expected)
    for name in ("clips", "sound_seconds", "mel_l1", "mel_l1_audio", "bitrate_bps"):
        assert found[name] == pytest.approx(expected[name], rel=1e-4)


def test_a_finished_table_is_only_brought_up_to_date(distill, codes, codec_path, short_set, tmp_path, monkeypatch):
    folder = tmp_path / "kit"
    folder.mkdir()
    for name in ("bd_haus.flac", "elec_ping.flac", "perc_snap.flac"):
        (folder / name).write_bytes((short_set / name).read_bytes())
    out, encoded = folder / "codes.parquet", []  # a table may lie among its clips
    encode = rows.encode_file
    monkeypatch.setattr(
        rows, "encode_file", lambda codec, path, decoder: encoded.append(path.name) or encode(codec, path, decoder)
    )
    command = ("encode", codec_path, folder, out, "--workers", 1)
    assert distill(*command)[0] == 0
    before = out.read_bytes()
    assert "all were there already" in distill(*command)[1]
    assert (len(encoded), out.read_bytes()) == (3, before)
    (folder / "bd_haus.flac").unlink()
    (folder / "elec_ping.flac").write_bytes((short_set / "kit" / "elec_pop.flac").read_bytes())
    (folder / "new.flac").write_bytes((short_set / "kit" / "drum_snare_hard.flac").read_bytes())
    assert "3 clips, 0.8 s of sound; 2 are new." in distill(*command)[1]
    assert sorted(encoded[3:]) == ["elec_ping.flac", "new.flac"]
    assert pq.read_table(out)["file"].to_pylist() == ["elec_ping.flac", "new.flac", "perc_snap.flac"]


HALTED = """
import itertools, sys, time
from distill.scale import bulk, rows
from distill.cli import main
bulk.PART_ROWS = 1
encode, number = rows.encode_file, itertools.count()
rows.encode_file = lambda *given: time.sleep(3600) if next(number) == 2 else encode(*given)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("is_torn", [False, True])
def test_a_killed_command_goes_on_where_it_stopped(
    distill, codes, codec_path, short_set, tmp_path, monkeypatch, is_torn
):
    out = tmp_path / "codes.parquet"
    command = ["encode", codec_path, short_set, out, "--workers", "1"]
    running = subprocess.Popen([sys.executable, "-c", HALTED, *map(str, command)], stdout=subprocess.DEVNULL)
    parts = tmp_path / "codes.parquet.unfinished"
    try:
        until(lambda: running.poll() is not None or len(list(parts.glob("*.parquet"))) == 2)
    finally:
        running.kill()
    assert running.wait() == -signal.SIGKILL
    done, torn = 2, sorted(parts.glob("*.parquet"))[-1]
    if is_torn:  # as by a machine that lost its power
        done = 1
        os.truncate(torn, torn.stat().st_size // 2)
    (parts / ".0123456789abcdef.unfinished").write_bytes(b"half of a table")
    encoded, encode = [], rows.encode_file
    monkeypatch.setattr(
        rows, "encode_file", lambda codec, path, decoder: encoded.append(path.name) or encode(codec, path, decoder)
    )
    assert not out.exists()
    assert distill(*command)[0] == 0
    assert len(encoded) == len(CLIPS) + len(REFUSED) - done
    assert out.read_bytes() == codes.read_bytes()
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_ended_its_workers_is_tried_again(distill, codec_path, short_set, tmp_path, monkeypatch):
    out, answer = tmp_path / "codes.parquet", {"reason": LOST.format(name="It"), "may_pass": True}
    with monkeypatch.context() as broken:
        broken.setattr(bulk, "answers", lambda job, items, **_: ((item, answer) for item in items))
        assert distill("encode", codec_path, short_set, out, "--workers", 1)[0] == 0
    assert set(pq.read_table(out)["reason"].to_pylist()) == {answer["reason"]}
    assert "5 clips" in distill("encode", codec_path, short_set, out, "--workers", 1)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_name_that_is_no_text_is_a_row_too(distill, codec_path, short_set, tmp_path):
    folder, out = tmp_path / "kit", tmp_path / "codes.parquet"
    folder.mkdir()
    for name in (b"\xff.flac", b"\xfe.flac"):
        (folder / os.fsdecode(name)).write_bytes((short_set / "perc_snap.flac").read_bytes())
    command = ("encode", codec_path, folder, out, "--workers", 1)
    assert distill(*command)[0] == 0
    assert pq.read_table(out)["file"].to_pylist() == [r"\xfe.flac", r"\xff.flac"]
    assert "all were there already" in distill(*command)[1]


def test_rows_that_end_their_workers_wait_and_the_others_are_decoded(distill, codec_path, codes, tmp_path, monkeypatch):
    out, answers = tmp_path / "sounds", bulk.answers
    out.mkdir()
    (out / ".theirs.unfinished").touch()
    command = ("decode", codec_path, codes, out, "--workers", 1)

    def lose_one(job, items, **more):
        yield items[0], {"reason": LOST.format(name="A row"), "may_pass": True}
        yield from answers(job, items[1:], **more)

    with monkeypatch.context() as broken:
        broken.setattr(bulk, "answers", lose_one)
        status, printed, errors = distill(*command)
    assert (status, errors) == (0, "")
    assert "4 sounds" in printed
    assert "1 row ended each worker that had it; the same command tries again." in printed
    staged = next((out / ".distill-unfinished").glob("*/*.json"))
    os.truncate(staged, 10)  # as by a machine that lost its power
    assert "5 sounds" in distill(*command)[1]
    assert [path.name for path in out.glob(".*")] == [".theirs.unfinished"]


def test_what_is_given_for_one_clip_but_meant_for_many_is_one_sentence(distill, codec_path, few, tmp_path):
    grid, clip = tmp_path / "grid.npz", few / "bd_haus.flac"
    assert distill("encode", codec_path, clip, grid)[0] == 0
    for command, words in (
        (("encode", codec_path, clip, grid, "--workers", 2), "--workers is for many clips, and bd_haus.flac is one"),
        (("decode", codec_path, grid, tmp_path / "a.wav", "--flac"), "--flac is for many clips, and grid.npz is one"),
        (("evaluate", codec_path, few, "--workers", 1, "--json", few), "few: Is a folder, not a file"),
    ):
        status, printed, errors = distill(*command)
        assert (status, printed, errors.count("\n")) == (2, "", 1)
        assert words in errors
    assert not (tmp_path / "a.wav").exists()


def test_a_vocoder_that_is_missing_is_told_as_for_one_clip(distill, codec_path, codes, few, tmp_path):
    for command in (
        ("decode", codec_path, codes, tmp_path / "sounds"),
        ("evaluate", codec_path, few),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            status, _, errors = distill(*command, "--workers", 1, "--vocoder", "bigvgan")
        assert (status, "BigVGAN" in errors, "Warning" in errors) == (0, True, False)


def test_what_is_not_installed_is_told_before_anything_is_fetched(distill, hub, codec_path, tmp_path, monkeypatch):
    monkeypatch.setattr("distill.scale.pool.importlib.util.find_spec", lambda name: None)
    status, _, errors = distill("encode", codec_path, "hf://datasets/ada/none", tmp_path / "a.parquet", "--workers", 2)
    assert status == 2
    assert 'pip install ".[scale]"' in errors


def test_two_commands_do_not_write_one_table(distill, codec_path, short_set, tmp_path):
    parts = tmp_path / "codes.parquet.unfinished"
    parts.mkdir()
    with system.lockable(parts) as descriptor:
        assert system.lock(descriptor)
        status, _, errors = distill("encode", codec_path, short_set, tmp_path / "codes.parquet", "--workers", 1)
    assert (status, errors) == (2, "Another command is writing codes.parquet now.\n")


def test_a_decoding_that_was_stopped_goes_on_where_it_stopped(distill, codes, codec_path, tmp_path, monkeypatch):
    out, decoded, decode = tmp_path / "sounds", [], rows.decode_row

    def decode_some(codec, row, folder, unfinished_in):
        if len(decoded) == 2:
            raise KeyboardInterrupt
        decoded.append(row["out"])
        return decode(codec, row, folder, unfinished_in)

    monkeypatch.setattr(rows, "decode_row", decode_some)
    assert distill("decode", codec_path, codes, out, "--workers", 1)[0] == 130
    monkeypatch.setattr(rows, "decode_row", lambda *given: decoded.append(given[1]["out"]) or decode(*given))
    assert distill("decode", codec_path, codes, out, "--workers", 1)[0] == 0
    assert len(decoded) == len(set(decoded)) == len(CLIPS)
    assert not list(out.glob(".*"))


def test_what_is_wrong_with_a_table_is_one_sentence(distill, codes, codec, codec_path, other_codec_path, tmp_path):
    torn, bare, uneven = (tmp_path / f"{name}.parquet" for name in ("torn", "bare", "uneven"))
    whole = codes.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    pq.write_table(pa.table({"file": ["a.wav"]}), bare)
    read = pq.read_table(codes).to_pylist()
    read[0]["codes"][1].pop()
    pq.write_table(pa.Table.from_pylist(read, schema=table.schema()), uneven)
    (tmp_path / "none").mkdir()
    other = Codec.load(other_codec_path).model_id
    for model, given, words in (
        (other_codec_path, codes, f"codes.parquet holds codes of the codec {codec.model_id}, and other.distill is the"),
        (other_codec_path, codes, f"is the codec {other}."),
        (codec_path, torn, "torn.parquet is damaged or is no Parquet file."),
        (codec_path, bare, "bare.parquet is no table of codes: it has no column 'codes'."),
        (codec_path, uneven, "uneven.parquet is damaged: the codes of 'bd_haus.flac' are no grid."),
        (codec_path, tmp_path / "none", "In none there is no Parquet file."),
        (codec_path, tmp_path / "gone.parquet", "gone.parquet does not exist."),
    ):
        status, _, errors = distill("decode", model, given, tmp_path / "sounds", "--workers", 1)
        assert status == 2
        assert words in errors
        assert errors.count("\n") == 1
        assert not list((tmp_path / "sounds").glob("*.wav"))


def test_a_table_of_another_codec_or_anything_else_is_not_written_over(
    distill, codes, other_codec_path, codec_path, short_set, tmp_path
):
    out, before = tmp_path / "codes.parquet", codes.read_bytes()
    out.write_bytes(before)
    status, _, errors = distill("encode", other_codec_path, short_set, out, "--workers", 1)
    assert status == 2
    assert "other.distill" in errors
    out.write_text("my diary")
    assert distill("encode", codec_path, short_set, out, "--workers", 1)[0] == 2
    assert out.read_text() == "my diary"
    assert "please name a file" in distill("encode", codec_path, short_set, tmp_path / "grid.npz", "--workers", 1)[2]
    assert list(tmp_path.iterdir()) == [out]


def test_a_full_disk_is_one_sentence_and_keeps_what_is_finished(distill, codec_path, short_set, tmp_path, monkeypatch):
    out, write = tmp_path / "codes.parquet", pq.ParquetWriter.write_table

    def write_a_little(self, *given, **more):
        if list(tmp_path.rglob("*.parquet")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, *given, **more)

    with monkeypatch.context() as full:
        full.setattr(bulk, "PART_ROWS", 2)
        full.setattr(pq.ParquetWriter, "write_table", write_a_little)
        status, _, errors = distill("encode", codec_path, short_set, out, "--workers", 1)
    assert (status, errors) == (2, "codes.parquet could not be written: No space left on device.\n")
    assert [path.name for path in (tmp_path / "codes.parquet.unfinished").iterdir()] == ["000001.parquet"]
    assert distill("encode", codec_path, short_set, out, "--workers", 1)[0] == 0


def test_a_data_set_on_the_hub_is_encoded_by_its_name(hub, distill, codec_path, short_set, tmp_path):
    from tests.hub.stand_in import Repository

    hub.repositories["ada/kit"] = Repository()
    hub.repositories["ada/kit"].commit({name: (short_set / name).read_bytes() for name in CLIPS})
    out = tmp_path / "codes.parquet"
    assert distill("encode", codec_path, "hf://datasets/ada/kit", out, "--workers", 1)[0] == 0
    assert pq.read_table(out)["file"].to_pylist() == sorted(CLIPS)


def test_the_maps_example_feeds_a_model_with_tokens(codes, repository, monkeypatch):
    text = (repository / "distill" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(codes.parent)
    given: dict = {}
    exec(example, given)
    assert len(given["examples"]) == len(CLIPS)
    read = [row for row in pq.read_table(codes).to_pylist() if row["codes"]]
    for example, row in zip(given["examples"], read, strict=True):
        tokens = np.array(example["input_ids"])
        assert np.issubdtype(tokens.dtype, np.integer)
        levels, rows_, columns = np.shape(row["codes"])
        assert len(tokens) == levels * rows_ * columns
        in_order = tokens.reshape(columns, levels, rows_)  # a column is whole before the next begins
        for level in range(levels):
            assert np.array_equal(in_order[:, level].T, np.array(row["codes"][level]) + level * row["codebook_size"])
    assert given["loss"].item() > 0
