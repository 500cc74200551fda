"""An action concerns the clip, the set or the training on its own page, whatever the visitor's other pages show."""

import base64
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from distill.audio import Clip
from distill.errors import GoneError, TrainingError
from distill.server.storage import Storage
from distill.server.visitors import Examples, Visitors
from distill.settings import Settings
from distill.ui import edit, explore, opening, train
from distill.ui.handlers import Call
from tests.parts import Part


def told(*shown, **options):
    """A progress bar that nobody watches."""


def last(steps):
    *_, answer = steps
    return answer


@pytest.fixture(scope="session")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def server(kept, tmp_path):
    settings = Settings(folder=tmp_path / "data")
    storage = Storage(settings)
    yield SimpleNamespace(
        settings=settings,
        examples=kept,
        visitors=Visitors(kept, settings),
        storage=storage,
        turns=SimpleNamespace(pause=lambda *_: None),
        runner=SimpleNamespace(jobs_of=lambda owner: []),
    )
    storage.close()


@pytest.fixture
def new_call(server):
    return lambda page, owner="one": Call(server.visitors.page(owner, page), server, Part())


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


@pytest.mark.parametrize(
    "action",
    [
        lambda call, shown: last(edit.export(call, shown, told)),
        lambda call, shown: last(edit.compare(call, shown, told)),
        lambda call, shown: edit.choose_second(call, "loop_perc1", shown),
        lambda call, shown: last(explore.save(call, shown, told)),
        lambda call, shown: last(explore.look(call, 0.0, 1.0, shown, told)),
        lambda call, shown: explore.zoom(call, SimpleNamespace(_data={"start": 0.0, "stop": 1.0}), shown),
        lambda call, shown: last(opening.open_example(call, "loop_perc1", shown, told)),
        lambda call, shown: last(opening.decode(call, shown, told)),
    ],
    ids=["export", "compare", "second", "save", "look", "zoom", "open", "decode"],
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
    call.page.set_clips(SimpleNamespace(secret="mine", clips=[], first=None, delete=lambda: None))
    arguments = (call, 3, 32, 0.25, 1, True)
    with pytest.raises(GoneError, match="drop them again"):
        next(train.begin_training(*arguments, "another"))
    with pytest.raises(TrainingError, match="at least 5 clips"):
        next(train.begin_training(*arguments, "mine"))
    with pytest.raises(TrainingError, match="at least 5 clips"):  # a page without clips
        next(train.begin_training(*arguments, ""))


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
        id="job", first_clip=short, best_codec=lambda: other_codec,
        status=lambda: SimpleNamespace(validation=validation, active=False),
    )  # fmt: skip
    server.runner.jobs_of = lambda owner: [job]
    return job


@pytest.fixture(scope="module")
def other_codec(other_codec_path):
    from distill.codec import Codec

    return Codec.load(other_codec_path)


def test_a_page_that_was_opened_while_another_turned_to_the_trained_codec_turns_too(new_call, trained_job, other_codec):
    first = new_call("page")
    second = new_call("the same page, reloaded at that moment")
    opening.use_trained(first, "job")
    turn = train.trained(second, "", "job")["taken"]
    assert turn
    opening.use_trained(second, "job")
    assert second.page.codec is other_codec
    assert second.page.work is first.page.work  # with the edits made since


def test_a_later_page_keeps_the_codec_that_its_visitor_opened_last(new_call, trained_job, codec, short):
    opening.use_trained(new_call("page"), "job")
    new_call("page").page.turn_to_clip(codec, short)
    later = new_call("later")
    assert train.trained(later, "", "job")["taken"] == ""
    assert later.page.codec is codec


def test_an_example_that_is_taken_as_second_clip_stays_an_example_in_the_list(new_call):
    call = new_call("page")
    edit.choose_second(call, "loop_perc1", call.page.work.secret)
    labels = [label for label, _ in call.page.choices]
    assert "loop_perc1" in labels
    assert not [label for label in labels if "(yours)" in label]


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
