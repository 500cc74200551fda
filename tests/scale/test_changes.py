"""Tables whose files change, come and go between two commands."""

import contextlib
import errno
import io
import os
import sys
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import soundfile

from distill import system
from distill.audio.decoder import Decoder
from distill.scale import rows


def test_a_file_that_could_not_be_read_for_a_while_is_encoded_when_it_can(
    distill, codec_path, few, tmp_path, monkeypatch
):
    command = ("encode", codec_path, few, tmp_path / "codes.parquet", "--workers", 1)
    with monkeypatch.context() as broken:
        broken.setattr(rows, "Decoder", partial(Decoder, command=[sys.executable, "-c", "pass"]))
        assert "2 files could not be encoded" in distill(*command)[1]
    assert "2 clips" in distill(*command)[1]


def test_a_file_that_changed_but_not_in_size_is_encoded_anew(distill, codec_path, few, tmp_path):
    out, path = tmp_path / "codes.parquet", few / "bd_haus.flac"
    command = ("encode", codec_path, few, out, "--workers", 1)
    assert distill(*command)[0] == 0
    before = pq.read_table(out)["codes"].to_pylist()
    sound = soundfile.read(path)[0]
    size, other = path.stat().st_size, io.BytesIO()
    soundfile.write(other, sound[::2], 44_100, format="FLAC")
    assert len(other.getvalue()) < size
    path.write_bytes(other.getvalue() + bytes(size - len(other.getvalue())))
    assert "1 are new" in distill(*command)[1]
    after = pq.read_table(out)["codes"].to_pylist()
    assert (after[0] == before[0], after[1] == before[1]) == (False, True)


def test_a_folder_that_cannot_be_opened_is_a_row_and_takes_no_rows_away(
    distill, codec_path, few, tmp_path, monkeypatch
):
    out, walk = tmp_path / "codes.parquet", os.walk
    command = ("encode", codec_path, few, out, "--workers", 1)
    assert distill(*command)[0] == 0
    before = pq.read_table(out).to_pylist()

    def walk_outside(top, onerror, **more):
        for root, folders, files in walk(top, onerror=onerror, **more):
            if root == str(few / "sub"):
                onerror(PermissionError(errno.EACCES, os.strerror(errno.EACCES), root))
                continue
            yield root, folders, files

    with monkeypatch.context() as closed:
        closed.setattr(os, "walk", walk_outside)
        assert "1 file could not be encoded" in distill(*command)[1]
        found = pq.read_table(out).to_pylist()
        assert found[1]["reason"] == "sub is a folder that could not be opened."
        assert [found[0], found[2]] == before
    (few / "bd_haus.flac").unlink()
    assert "2 rows of files that are gone went out of the table." in distill(*command)[1]
    assert pq.read_table(out).to_pylist() == before[1:]


def test_paths_may_lead_out_of_the_folder_at_hand(distill, codec_path, few, monkeypatch):
    monkeypatch.chdir(few / "sub")
    for _ in range(2):
        assert distill("encode", codec_path, "..", "../../few/codes.parquet", "--workers", 1)[0] == 0
        assert pq.read_table(few / "codes.parquet")["file"].to_pylist() == ["bd_haus.flac", "sub/perc_snap.flac"]
    status, printed, errors = distill("evaluate", codec_path, "../bd_haus.flac", "--workers", 1)
    assert (status, errors) == (0, "")
    assert printed.startswith("1 clips")


def test_the_parts_of_a_table_are_gone_before_another_command_can_begin(
    distill, codec_path, few, tmp_path, monkeypatch
):
    out, locked, lockable = tmp_path / "codes.parquet", [], system.lockable

    @contextlib.contextmanager
    def watched(folder):
        with lockable(folder) as descriptor:
            yield descriptor
            locked.append(folder.exists())

    monkeypatch.setattr(system, "lockable", watched)
    assert distill("encode", codec_path, few, out, "--workers", 1)[0] == 0
    assert distill("decode", codec_path, out, tmp_path / "sounds", "--workers", 1)[0] == 0
    assert locked == [False, False]


def test_a_table_lies_with_its_parts_and_is_on_the_disk_before_it_has_its_name(
    distill, codec_path, few, tmp_path, monkeypatch
):
    out, done = tmp_path / "codes.parquet", []
    sync, replace = os.fsync, Path.replace

    def replace_and_look(self, target):
        done.append((Path(target).name, self.parent.name))
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append("on the disk") or sync(descriptor))
    monkeypatch.setattr(Path, "replace", replace_and_look)
    assert distill("encode", codec_path, few, out, "--workers", 1)[0] == 0
    assert done[-2:] == ["on the disk", ("codes.parquet", "codes.parquet.unfinished")]
