"""A folder of short clips, with what else may lie in such a folder."""

import shutil
from pathlib import Path

import pytest

CLIPS = ("bd_haus.flac", "elec_ping.flac", "kit/drum_snare_hard.flac", "kit/elec_pop.flac", "perc_snap.flac")
REFUSED = ("empty.wav", "torn.flac")


@pytest.fixture(scope="session")
def short_set(examples, tmp_path_factory) -> Path:
    """Five short clips, one of them twice as files of two kinds, two files that are no clips, and a text."""
    folder = tmp_path_factory.mktemp("sets") / "kit"
    (folder / "kit").mkdir(parents=True)
    for name in CLIPS:
        shutil.copy(examples / "hits" / Path(name).name, folder / name)
    (folder / "empty.wav").touch()
    (folder / "torn.flac").write_bytes((examples / "hits" / "bd_tek.flac").read_bytes()[:3000])
    (folder / "notes.txt").write_text("All of these are drums.")
    return folder
