"""A codec from the Hub opens as an uploaded one does; what is shown before a codec is published is what goes out."""

import logging
import shutil

import pytest

from distill.codec import Codec
from distill.errors import CodecFileError, HubError
from distill.hub import HubFile
from distill.settings import Settings
from distill.ui import build_app, codecs
from distill.ui import hub as hub_part
from tests.hub.stand_in import READS, WRITES
from tests.hub.test_repository import put


def told(*shown, **options):
    """A progress bar that nobody watches."""


def last(steps):
    *_, answer = steps
    return answer


def open_from_hub(call, name="ada/other", shown=None):
    return last(codecs.open_from_hub(call, name, shown, told))


def look(call, name="ada/mine", readers="everybody", licence="cc0-1.0", grids=False):
    return last(hub_part.show_outgoing(call, name, readers, licence, grids, None, told))


def publish(call, looked, name="ada/mine", readers="everybody", licence="cc0-1.0", grids=False, token=WRITES):
    return last(hub_part.publish(call, token, name, readers, licence, grids, looked, None, told))


def test_a_codec_from_the_hub_opens_as_its_file_would(hub, server, new_call, other_codec, other_codec_path, tmp_path):
    put(hub, "ada/other", {"codec.distill": other_codec_path.read_bytes()})
    uploaded = shutil.copy(other_codec_path, tmp_path / "other.distill")
    one, two = new_call("page"), new_call("page", "two")
    from_file, from_hub = codecs.load_codec(one, uploaded), open_from_hub(two)
    assert from_hub.keys() == from_file.keys()
    assert two.page.codec is one.page.codec  # equal codecs are one in memory
    assert two.page.codec.sound_id == other_codec.sound_id
    assert two.page.work.name == one.page.work.name
    assert two.page.before is not None
    assert from_hub["train.progress"] == "<p class='status'>Loaded ada/other.</p>"
    assert from_hub["header.codec"] == from_file["header.codec"]
    assert not list(server.storage.files.rglob("codec.distill"))


def test_a_damaged_or_hostile_file_from_the_hub_is_refused_and_the_page_stays_as_it_is(
    hub, server, new_call, other_codec_path
):
    whole = other_codec_path.read_bytes()
    call = new_call("page")
    before, used = call.page.work, server.storage.own_bytes("one")
    for content in (b"", b"\x80\x04K\x01.", whole[:-100], b"\xff" * 16 + whole[16:], b"PK\x03\x04" + whole[4:]):
        put(hub, "ada/other", {"codec.distill": content})
        with pytest.raises(CodecFileError) as error:
            open_from_hub(call)
        assert str(error.value).endswith(".")
        assert str(server.storage.folder) not in str(error.value)
        assert call.page.work is before
        assert server.storage.own_bytes("one") == used


def test_what_cannot_be_opened_is_told_and_the_page_stays_as_it_is(hub, new_call):
    call = new_call("page")
    before = call.page.work
    put(hub, "ada/empty", {"README.md": b""})
    put(hub, "ada/secret", private=True)
    for name, words in (
        ("ada/none", "no model"),
        ("ada/empty", "no codec"),
        ("ada/secret", "private"),
        (None, "no name"),
        ("https://evil.example/a/b", "no name"),
    ):
        with pytest.raises(HubError, match=words):
            open_from_hub(call, name)
    hub.close()
    with pytest.raises(HubError, match="cannot be reached"):
        open_from_hub(call, "ada/other")
    assert call.page.work is before


def test_what_is_shown_is_what_goes_out_and_nothing_goes_out_before(hub, new_call, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("HF_TOKEN")
    call = new_call("page")
    shown = look(call, licence="cc-by-4.0", readers="only me")
    assert not hub.asked
    answer = publish(call, shown["looked"], licence="cc-by-4.0", readers="only me")
    repository = hub.repositories["ada/mine"]
    assert repository.private
    assert "only you" in shown["outgoing"]
    for path, content in repository.files.items():
        if path != ".gitattributes":
            assert f"<td>{path}</td><td>{len(content) / 1000:.1f}&nbsp;kB</td>" in shown["outgoing"]
    card = repository.files["README.md"].decode()
    assert "license: cc-by-4.0" in card
    assert "license: cc-by-4.0" in shown["outgoing"]
    assert f"{hub.url}/ada/mine/commit/" in answer["outgoing"]
    assert answer["token"] == ""
    assert WRITES not in caplog.text + str(answer)


def test_codes_of_clips_go_out_only_where_the_box_is_ticked(hub, new_call, tmp_path):
    call = new_call("page")
    assert call.page.codec.info.grids
    for name, grids in (("ada/without", False), ("ada/with", True)):
        shown = look(call, name, grids=grids)
        publish(call, shown["looked"], name, grids=grids)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        path = tmp_path / f"{name}.distill"
        path.write_bytes(hub.repositories[name].files["codec.distill"])
        assert bool(Codec.load(path).info.grids) is grids
        assert ("No codes of its training clips" in shown["outgoing"]) is not grids


def test_links_name_a_codec_that_was_published_for_everybody_and_no_private_one(hub, new_call, server):
    call = new_call("page")
    for readers, name, noted in (("only me", "ada/secret", ""), ("everybody", "ada/mine", "ada/mine")):
        shown = look(call, name, readers)
        publish(call, shown["looked"], name, readers)
        assert server.hub.name_of(call.page.codec) == noted


def test_nothing_is_published_that_was_not_shown(hub, new_call, other_codec, drums):
    call = new_call("page")
    looked = look(call)["looked"]
    changes = [{"grids": True}, {"readers": "only me"}, {"licence": "other"}, {"name": "ada/another"}]
    for change in changes:
        with pytest.raises(HubError, match="not what you were shown"):
            publish(call, looked, **change)
    for nothing in (None, ""):
        with pytest.raises(HubError, match="what goes out first"):
            publish(call, nothing)
    call.page.turn_to_clip(other_codec, drums)
    with pytest.raises(HubError, match="not what you were shown"):
        publish(call, looked)
    assert not hub.asked


def test_why_a_codec_cannot_be_published_is_told(hub, new_call):
    call = new_call("page")
    with pytest.raises(HubError, match="no name of a repository"):
        look(call, "drums & bass")
    looked = look(call)["looked"]
    for token, words in ((READS, "may not write"), ("hf_unknown", "wrong"), ("", "Paste")):
        with pytest.raises(HubError, match=words):
            publish(call, looked, token=token)
    put(hub, "ada/mine", {"model.safetensors": b"else"})
    with pytest.raises(HubError, match="something else"):
        publish(call, looked)
    assert hub.repositories["ada/mine"].files == {"model.safetensors": b"else"}


def test_markup_in_what_goes_out_never_runs(new_call):
    made = hub_part.outgoing_of(
        hub_part.files_to_publish([HubFile("README.md", b"<script>1</script>", "<b>")], "ada/mine", is_private=False)
    )
    assert "<script" not in made
    assert "<b>" not in made


def test_where_the_owner_switches_the_hub_off_the_page_has_nothing_of_it(app, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    other = build_app(settings=Settings.from_environment({"DISTILL_HUB": "0", "DISTILL_FOLDER": str(tmp_path)}))
    try:
        parts = [
            {component["props"].get("elem_id") for component in each.config["components"]} for each in (app, other)
        ]
        calls = [{function.api_name for function in each.fns.values()} for each in (app, other)]
    finally:
        other.backend.close()
    assert {"to-hub", "hub-repository", "hub-token", "hub-publish"} <= parts[0]
    assert not {part for part in parts[1] if part and "hub" in part}
    assert {"open_from_hub", "show_outgoing", "publish"} <= calls[0]
    assert not {"open_from_hub", "show_outgoing", "publish"} & calls[1]
