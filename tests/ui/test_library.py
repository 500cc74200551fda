"""The library on the page: what is kept opens as a file does, for whoever has the key."""

import logging

import pytest

from distill.errors import GateError, LibraryError
from distill.library.keys import folder_name
from distill.settings import Settings
from distill.ui import build_app, codecs
from distill.ui import library as part


def told(*shown, **options):
    """A progress bar that nobody watches."""


def open_kept(call, key, id):
    *_, answer = codecs.open_kept(call, key, id, None, told)
    return answer


@pytest.fixture
def call(new_call):
    return new_call("page")


def test_a_kept_codec_opens_for_another_visitor_by_the_key_alone(call, new_call, server, other_codec, drums, caplog):
    caplog.set_level(logging.DEBUG)
    call.page.turn_to_clip(other_codec, drums)
    made = part.keep(call, "", "kitchen drums")["shelf"]
    key, (codec,) = made["key"], made["codecs"]
    facts = {"name": "kitchen drums", "levels": 3, "clips": 0, "model_id": other_codec.model_id}
    assert codec.items() >= facts.items()
    assert codec["until"] - codec["kept"] == pytest.approx(90 * 24 * 3600, abs=1)
    assert "90 days after it was last opened" in made["limits"]
    stranger = new_call("other page", "two")
    assert part.look(stranger, key)["shelf"]["codecs"] == [codec]
    answer = open_kept(stranger, key, codec["id"])
    assert stranger.page.codec.sound_id == other_codec.sound_id
    assert answer["train.progress"] == "<p class='status'>Loaded kitchen drums.</p>"
    assert [each["name"] for each in part.rename(stranger, key, codec["id"], "<b>hall</b>")["shelf"]["codecs"]] == [
        "<b>hall</b>"
    ]
    assert "&lt;b&gt;hall&lt;/b&gt;" in open_kept(new_call("third", "three"), key, codec["id"])["train.progress"]
    assert part.delete(stranger, key, codec["id"])["shelf"]["codecs"] == []
    assert key not in caplog.text
    assert drums.name not in str(made)


def test_the_key_of_a_new_library_comes_also_where_its_list_is_late_or_refused(call, monkeypatch):
    def refuse(*_):
        raise GateError("Too many.", 429)

    for kept in (refuse, lambda *_: []):
        monkeypatch.setattr(call.server.library, "kept", kept)
        made = part.keep(call, "", "drums")["shelf"]
        monkeypatch.undo()
        assert [each["name"] for each in made["codecs"]] == ["drums"]
        assert part.look(call, made["key"])["shelf"]["codecs"] == made["codecs"]


def test_a_damaged_codec_is_told_and_the_page_and_the_library_stay_as_they_are(call, server):
    made = part.keep(call, "", "drums")["shelf"]
    key, (codec,) = made["key"], made["codecs"]
    file = server.settings.library_place / folder_name(key) / f"{codec['id']}.distill"
    whole, before = file.read_bytes(), call.page.work
    for content in (b"", b"\x80\x04K\x01.", whole[:-100], b"\xff" * 16 + whole[16:]):
        file.write_bytes(content)
        with pytest.raises(LibraryError, match="“drums” cannot be opened"):
            open_kept(call, key, codec["id"])
        assert call.page.work is before
    assert [each["name"] for each in part.look(call, key)["shelf"]["codecs"]] == ["drums"]
    assert not list(server.storage.files.rglob("codec.distill"))


def test_calls_without_a_key_or_about_nothing_are_told(call):
    for function in (
        lambda: part.look(call, None),
        lambda: part.look(call, "no key"),
        lambda: part.keep(call, "no key", "drums"),
        lambda: part.keep(call, None, None),
        lambda: part.rename(call, "k" * 43, None, "drums"),
        lambda: part.delete(call, "k" * 43, "../x"),
        lambda: open_kept(call, "k" * 43, None),
    ):
        with pytest.raises(LibraryError):
            function()


def test_where_the_server_has_no_folder_for_them_the_page_has_nothing_of_libraries(app, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    other = build_app(settings=Settings.from_environment({"DISTILL_LIBRARY": "0", "DISTILL_FOLDER": str(tmp_path)}))
    calls = {"library", "keep_codec", "open_kept", "rename_kept", "delete_kept"}
    try:
        parts = [
            {component["props"].get("elem_id") for component in each.config["components"]} for each in (app, other)
        ]
        names = [{function.api_name for function in each.fns.values()} for each in (app, other)]
    finally:
        other.backend.close()
    assert {"library", "to-library"} <= parts[0]
    assert not {"library", "to-library"} & parts[1]
    assert calls <= names[0]
    assert not calls & names[1]
    assert not (tmp_path / "library").exists()
