"""Every limit has one environment variable that changes it; a wrong value stops the start with one sentence."""

from dataclasses import fields
from pathlib import Path

import pytest

from distill.errors import ConfigError
from distill.settings import FOLDERS, Settings, variable


def test_without_variables_the_limits_are_the_defaults():
    assert Settings.from_environment({"PATH": "/bin", "HOME": "/root"}) == Settings()


@pytest.mark.parametrize("name", [limit.name for limit in fields(Settings)])
def test_each_variable_changes_its_limit_and_no_other(name):
    changed = Settings.from_environment({variable(name): "17"})
    different = [
        field.name for field in fields(Settings) if getattr(changed, field.name) != getattr(Settings(), field.name)
    ]
    assert different == [name]
    assert getattr(changed, name) == (Path("17") if name in FOLDERS else 17)


@pytest.mark.parametrize("value", ["", "many", "1.5", "0", "-3", "nan", "1" * 5000])
def test_a_value_that_is_no_positive_whole_number_is_refused_by_name(value, is_one_sentence):
    with pytest.raises(ConfigError) as refusal:
        Settings.from_environment({"DISTILL_CHANNELS": value})
    assert is_one_sentence(refusal.value, "DISTILL_CHANNELS")


def test_a_variable_that_names_no_limit_is_refused():
    with pytest.raises(ConfigError, match="DISTILL_CHANELS is no setting"):
        Settings.from_environment({"DISTILL_CHANELS": "2"})


def test_codecs_are_kept_only_where_a_folder_was_chosen():
    places = [
        Settings.from_environment(chosen).library_place
        for chosen in (
            {},
            {"DISTILL_FOLDER": "/data"},
            {"DISTILL_FOLDER": "/data", "DISTILL_LIBRARY_FOLDER": "/bucket"},
            {"DISTILL_LIBRARY_FOLDER": "/bucket", "DISTILL_LIBRARY": "0"},
        )
    ]
    assert places == [None, Path("/data/library"), Path("/bucket"), None]


def test_codecs_are_not_kept_where_the_server_deletes(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for place in ("data/files", "data/sets/library", "link/jobs", "data/x/../unpacked/library"):
        with pytest.raises(ConfigError, match="choose another DISTILL_LIBRARY_FOLDER"):
            Settings(folder=tmp_path / "data", library_folder=tmp_path / place)
    Settings(folder=tmp_path / "data", library_folder=tmp_path / "data" / "library")
