"""An action concerns the clip, the set or the training on its own page, whatever the visitor's other pages show."""

import base64
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from distill.audio import Clip, LogMel
from distill.audio.names import file_stem
from distill.codes import edits
from distill.editing.answers import flac_base64
from distill.errors import GoneError, GridError, TrainingError
from distill.server.askers import Asker
from distill.training.dataset import to_mel_clip
from distill.ui import codecs, edit, explore, going_on, kit, opening, served, train
from distill.ui.strip import strip_of


def told(*shown, **options):
    """A progress bar that nobody watches."""


def last(steps):
    *_, answer = steps
    return answer


@pytest.fixture
def short(drums):
    return Clip("short.wav", drums.waveform[:20_000])


def names(paths):
    return {path.rsplit("/", 1)[-1] for path in paths}


def test_export_writes_the_clip_that_the_page_shows_and_not_the_one_opened_last(new_call, codec, short):
    call = new_call("page")
    shown = call.page.work.secret
    call.page.turn_to_clip(codec, short)
    answer = last(edit.export(call, shown, told))
    assert names(answer["files"]) == {f"loop_breakbeat-edited.{kind}" for kind in ("wav", "flac", "npz", "json")}
    answer = last(edit.export(call, None, told))  # a call of a script, which names no clip
    assert "short-edited.wav" in names(answer["files"])


@pytest.mark.parametrize("name", ["x" * 300 + ".wav", "ß" * 200 + ".wav", "kick.01 + snare"])
def test_a_clip_of_any_name_is_exported(new_call, codec, drums, name):
    call = new_call("page")
    call.page.turn_to_clip(codec, Clip(name, drums.waveform[:20_000]))
    shown = call.page.work.secret
    made = [
        *last(edit.export(call, shown, told))["files"],
        *last(kit.export_daw(call, shown, told))["files"],
        *last(explore.save(call, shown, told))["files"],
        *last(edit.export_instrument(call, "", "none", False, False, shown, told))["instrument_files"],
        *last(edit.export_instrument(call, "𝄞" * 80, "none", False, False, shown, told))["instrument_files"],
    ]
    assert all(Path(path).is_file() for path in made)
    stem = file_stem(name)
    assert f"{stem}-edited.wav" in names(made)
    assert stem == name if len(name) < 20 else stem == name[: len(stem)]


def test_a_clip_is_played_on_a_pad_as_it_sounds_now(server, new_call, codec):
    call = new_call("page")
    work, asker = call.page.work, Asker(call.page.owner, "page", "address")
    asked = {"work": work.secret, "id": "loop_perc1", "heard": True}
    before = served.clip_codes(server, asker, asked)["flac"]
    played = call.page.visit.keep(strip_of(server, call.page).read("loop_perc1", codec))
    grid = played.history.grid
    played.do("Shift", edits.shift_codes(grid, rows=slice(None), columns=slice(None), by_columns=3))
    answer = served.clip_codes(server, asker, asked)
    assert answer["flac"] != before
    assert answer["flac"] == flac_base64(played.piece_now(0)[0])
    silent = asked | {"heard": False}
    assert served.clip_codes(server, asker, silent)["flac"] is None
    played.do("Fade", edits.mix_codes(played.history.grid, gain=0.5))
    assert served.clip_codes(server, asker, silent)["flac"] == flac_base64(played.piece_now(0)[0])


def test_a_grid_that_is_opened_again_has_its_edits(new_call, codec, tmp_path, short):
    call = new_call("page")
    codec.encode_clip(short).save(tmp_path / "grid.npz")
    (tmp_path / "again").mkdir()
    for path in (tmp_path / "again" / "grid.npz", tmp_path / "grid.npz"):
        codec.encode_clip(short).save(path)
        last(opening.open_grid(call, str(path), None, told))
        if "again" in str(path):
            work = call.page.work
            work.do("Set", edits.set_codes(work.history.grid, level=0, rows=0, columns=slice(None), code=1))
            edited = work.history.grid
            opening.open_listed(call, "loop_perc1", work.secret)
    assert call.page.work.history.grid == edited


def test_an_instrument_holds_the_clip_that_the_page_shows_or_all_of_its_codec(server, new_call, codec, short):
    call = new_call("page")
    shown, before = call.page.work.secret, server.storage.own_bytes("one")
    call.page.turn_to_clip(codec, short)
    alone = last(edit.export_instrument(call, "Mine", "cc0", True, False, shown, told))["instrument_files"][0]
    assert names([alone]) == {"Mine.html"}
    content = Path(alone).read_text(encoding="utf-8")
    assert "<title>Mine</title>" in content
    assert '"name": "short.wav"' not in content
    assert server.storage.own_bytes("one") >= before + len(content)
    nameless = last(edit.export_instrument(call, "...", "cc0", False, False, shown, told))["instrument_files"]
    assert names(nameless) == {"loop_breakbeat-instrument.html"}
    both = last(edit.export_instrument(call, None, None, False, True, shown, told))["instrument_files"][0]
    assert names([both]) == {"loop_breakbeat-instrument.html"}
    assert '"name": "short.wav"' in Path(both).read_text(encoding="utf-8")
    assert Path(both).stat().st_size < len(content)
    for title, licence in (("x" * 81, "cc0"), ("Mine", "<b>")):
        with pytest.raises(GridError):
            last(edit.export_instrument(call, title, licence, True, False, shown, told))


@pytest.mark.parametrize(
    "action",
    [
        lambda call, shown: last(edit.export(call, shown, told)),
        lambda call, shown: last(edit.export_instrument(call, "", "none", True, False, shown, told)),
        lambda call, shown: last(edit.compare(call, shown, told)),
        lambda call, shown: edit.choose_second(call, "loop_perc1", shown),
        lambda call, shown: last(explore.save(call, shown, told)),
        lambda call, shown: served.spectra(
            call.server, Asker(call.page.owner, "page", "address"), {"work": shown, "first": 0, "last": 9}
        ),
        lambda call, shown: opening.open_listed(call, "loop_perc1", shown),
        lambda call, shown: last(opening.decode(call, shown, told)),
    ],
    ids=["export", "instrument", "compare", "second", "save", "spectra", "open", "decode"],
)
def test_an_action_on_a_page_whose_visit_has_ended_gives_no_other_clips_answer(server, new_call, action):
    shown = new_call("page").page.work.secret
    server.visitors.end("one")
    with pytest.raises(GoneError, match="no longer open"):
        action(new_call("page"), shown)
    with pytest.raises(GoneError):  # no other visitor has the clip either
        action(new_call("another page", "two"), shown)


def test_the_page_offers_its_codes_only_where_its_clip_is_gone(server, new_call):
    call = new_call("page")
    shown = call.page.work.secret
    (here,) = opening.offer_codes(call, shown).values()
    assert "gone" not in here
    server.visitors.end("one")
    (gone,) = opening.offer_codes(new_call("page"), shown).values()
    assert "no longer open" in gone["gone"]


def test_training_needs_the_clips_that_the_page_lists(new_call):
    call = new_call("page")
    call.page.set_clips(SimpleNamespace(secret="mine", clips=[], used=[], whole=None, delete=lambda: None))
    arguments = (call, 3, 32, 0.25, 1, True)
    with pytest.raises(GoneError, match="drop them again"):
        next(train.begin_training(*arguments, "another"))
    with pytest.raises(TrainingError, match="at least 5 clips"):
        next(train.begin_training(*arguments, "mine"))
    with pytest.raises(TrainingError, match="at least 5 clips"):  # a page without clips
        next(train.begin_training(*arguments, ""))


@pytest.mark.parametrize("asked", [None, True, False])
def test_a_training_keeps_the_grids_of_its_clips_unless_it_is_told_not_to(new_call, drums, monkeypatch, asked):
    configs, call = [], new_call("page")
    clips = [to_mel_clip(Clip(f"{n}.wav", drums.waveform[n * 9000 :]), LogMel()) for n in range(5)]
    call.page.set_clips(SimpleNamespace(secret="mine", clips=clips, used=clips, whole=None, delete=lambda: None))
    monkeypatch.setattr(train, "submit", lambda call, clips, config, start=None: configs.append(config))
    monkeypatch.setattr("distill.ui.live.follow", lambda *_: iter(()))
    list(train.begin_training(call, 3, 32, 0.25, 1, True, "mine", None, asked))
    list(going_on.train_on(call, 1, "mine", call.page.work.secret, asked))
    assert [config.keep_grids for config in configs] == [asked is not False] * 2


def test_stop_and_continue_are_about_the_training_that_the_page_tells_of(server, new_call):
    stopped = []
    server.runner.jobs_of = lambda owner: [SimpleNamespace(id="newer", stop=lambda: stopped.append("newer"))]
    with pytest.raises(TrainingError, match="no longer on the server"):
        train.stop(new_call("page"), "older")
    assert not stopped
    train.stop(new_call("page"), "newer")
    train.stop(new_call("page"))
    assert stopped == ["newer", "newer"]


@pytest.fixture
def trained_job(server, other_codec, short):
    validation = SimpleNamespace(step=9)
    job = SimpleNamespace(
        id="job", opening=1, clip_names=("other.wav", short.name), best_codec=lambda: other_codec,
        read_clip={1: to_mel_clip(short, LogMel())}.__getitem__,
        status=lambda: SimpleNamespace(validation=validation, active=False),
    )  # fmt: skip
    server.runner.jobs_of = lambda owner: [job]
    return job


def test_a_page_that_was_opened_while_another_turned_to_the_trained_codec_turns_too(new_call, trained_job, other_codec):
    first = new_call("page")
    second = new_call("the same page, reloaded at that moment")
    last(codecs.use_trained(first, "job", None, told))
    turn = train.trained(second, "", "job")["taken"]
    assert turn
    last(codecs.use_trained(second, "job", None, told))
    assert second.page.codec is other_codec
    assert second.page.work is first.page.work  # with the edits made since


def test_a_later_page_keeps_the_codec_that_its_visitor_opened_last(new_call, trained_job, codec, short):
    last(codecs.use_trained(new_call("page"), "job", None, told))
    new_call("page").page.turn_to_clip(codec, short)
    later = new_call("later")
    assert train.trained(later, "", "job")["taken"] == ""
    assert later.page.codec is codec


def test_one_goes_back_to_the_codec_that_was_in_use_before_and_to_the_clip_that_was_open_in_it(
    server, new_call, other_codec, short
):
    call = new_call("page")
    edited, examples = call.page.work, call.page.codec
    call.page.turn_to_clip(other_codec, short)
    answer = opening.open_listed(call, edited.example)
    assert call.page.codec is other_codec  # without edits, a clip opens in the codec in use
    call.page.turn_to(edited)
    answer = codecs.back_to_codec(call, edited.secret)
    header = call.tab.header
    assert (call.page.codec, call.page.work.name) == (other_codec, "loop_breakbeat.flac")
    assert other_codec.model_id[:6] in answer[header.codec]
    assert answer[header.back]["value"] == f"Back to {examples.model_id[:6]}"
    later = new_call("later")
    codecs.back_to_codec(later, later.page.work.secret)
    assert later.page.work is edited


def test_a_codec_that_is_in_use_already_leaves_the_shared_example_alone(new_call, server, codec, tmp_path):
    codec.save(path := tmp_path / "loops.distill")
    server.codecs = SimpleNamespace(load=lambda *_, **__: codec)
    for shown in ("", server.examples.first.secret):
        call = new_call(f"page {shown}")
        codecs.load_codec(call, path, shown)
        assert call.page.work is not server.examples.first
        assert server.examples.first not in call.page.visit.works.values()


def test_where_no_other_codec_was_in_use_one_is_told_so(new_call):
    with pytest.raises(GoneError, match="No other codec"):
        codecs.back_to_codec(new_call("page"))


def test_an_example_that_is_taken_as_second_clip_stays_an_example_in_the_list(new_call):
    call = new_call("page")
    edit.choose_second(call, "loop_perc1", call.page.work.secret)
    listed = strip_of(call.server, call.page).clips
    assert "loop_perc1" in {clip.id for clip in listed}
    assert {clip.group for clip in listed} == {"examples"}


def test_opening_a_clip_sends_its_secret_to_both_tabs(new_call, codec, short):
    call = new_call("page")
    call.page.turn_to_clip(codec, short)
    answer = opening.come_back(call)
    assert answer["explore.shown"] == answer["edit.shown"] == answer["edit.canvas"]["value"]["work"]
    grid = np.frombuffer(base64.b64decode(answer["edit.canvas"]["value"]["indices"]), "<u2")
    assert np.array_equal(grid, call.page.work.history.grid.indices.ravel())


def test_a_page_that_finds_no_training_leaves_the_name_of_one_that_has_begun_since(new_call):
    (answer,) = train.follow(new_call("page"))
    assert answer["shown_training"] == gr.skip()
