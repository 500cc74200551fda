"""Visits are found by their owner, share places and memory, and end."""

import numpy as np
import pytest

from distill.audio import Clip
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import FullError, GridError
from distill.server.strip import Strip
from distill.server.visitors import Examples, Visitors
from distill.settings import DEFAULTS, Settings


@pytest.fixture(scope="module")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def visitors(kept):
    return Visitors(kept, clock=lambda: 0.0)


def test_a_clip_is_found_by_its_secret_and_by_nothing_else(visitors):
    one, other = visitors.page("one", "page"), visitors.page("other", "page of other")
    assert visitors.work("one", one.work.secret) is one.work
    assert visitors.work("other", other.work.secret) is other.work
    assert len({one.work.secret, other.work.secret, visitors.examples.first.secret}) == 3
    for guess in ("", one.work.secret[:-1], None, 7, "ä", "\ud800", {"work": one.work.secret}):
        with pytest.raises(GridError, match="no longer open"):
            visitors.work("one", guess)


def test_the_secret_of_a_clip_gives_nothing_to_another_visitor(visitors):
    secret = visitors.page("one", "page").work.secret
    visitors.page("other", "page of other")
    for stranger in ("other", "", "nobody who is here"):
        for find in (visitors.work, visitors.own_work):
            with pytest.raises(GridError, match="no longer open"):
                find(stranger, secret)


def test_the_example_is_for_all_to_hear_and_for_none_to_change(visitors):
    secret = visitors.examples.first.secret
    assert visitors.work("anybody", secret) is visitors.examples.first
    with pytest.raises(GridError, match="no longer open"):
        visitors.own_work("one", secret)
    mine = visitors.page("one", "page").work
    assert visitors.own_work("one", mine.secret) is mine


def test_a_page_is_its_visitors_and_nobody_elses(visitors):
    visitors.page("one", "page")
    assert not visitors.is_anothers("page", "one")
    assert visitors.is_anothers("page", "other")
    assert visitors.is_anothers("page", "")
    assert not visitors.is_anothers("a new page", "other")
    assert visitors.page("other", "page").work is not visitors.page("one", "page").work


def test_without_a_cookie_each_page_is_a_visitor(visitors):
    one, other = visitors.page("", "page"), visitors.page("", "another page")
    assert one is visitors.page("", "page")
    assert one.visit is not other.visit
    assert one.owner != other.owner
    assert not visitors.is_anothers("page", "")


def test_a_reloaded_page_shows_the_clip_and_the_edits_that_were_there(visitors, codec, drums):
    page = visitors.page("one", "page")
    assert page.visit.is_new
    page.turn_to_clip(codec, drums)
    edit(page.work)
    again = visitors.page("one", "reloaded")
    assert again is not page
    assert again.work is page.work
    assert not again.visit.is_new


def test_two_pages_of_one_browser_each_show_their_own_clip(visitors, codec, drums, drone):
    one, other = visitors.page("one", "left"), visitors.page("one", "right")
    one.turn_to_clip(codec, drums)
    other.turn_to_clip(codec, drone)
    assert (one.work.clip, other.work.clip) == (drums, drone)
    opened = {clip.name for clip in Strip(one, visitors.examples).clips if clip.group == "opened"}
    assert opened == {drums.name, drone.name}


def test_a_visit_outlives_a_lost_connection_but_not_for_long(kept, clock):
    visitors = Visitors(kept, clock=clock)
    work = visitors.page("one", "page").work
    visitors.come("one", "page")
    clock.now = DEFAULTS.visit_idle_seconds - 1
    visitors.leave("one", "page")
    clock.now += DEFAULTS.visit_absent_seconds - 1
    assert visitors.own_work("one", work.secret) is work  # the page painted, so it is present again
    clock.now += DEFAULTS.visit_absent_seconds + 1
    visitors.tidy()
    assert visitors.owners == set()
    with pytest.raises(GridError, match="no longer open"):
        visitors.work("one", work.secret)


def test_an_open_page_is_kept_while_nothing_happens_and_a_closed_one_is_not(kept, clock):
    forgotten = []
    visitors = Visitors(kept, clock=clock)
    visitors.forget_page = forgotten.append
    for page in ("open", "closed"):
        visitors.come("one", page)
    visitors.leave("one", "closed")
    clock.now = DEFAULTS.visit_absent_seconds + 1
    visitors.tidy()
    assert forgotten == ["closed"]
    clock.now = DEFAULTS.visit_idle_seconds + 1
    visitors.tidy()
    assert forgotten == ["closed", "open"]


def test_pages_that_were_reloaded_end_though_their_visitor_works_on(kept, clock, codec, drums, drone):
    forgotten = []
    visitors = Visitors(kept, clock=clock)
    visitors.forget_page = forgotten.append
    visitors.page("one", "0").turn_to_clip(codec, drums)
    now = visitors.page("one", "1")
    now.turn_to_clip(codec, drone)
    for _ in range(20):
        clock.now += 60
        visitors.own_work("one", now.work.secret)
        visitors.tidy()
    assert forgotten == ["0"]


def test_one_visitor_has_so_many_pages_and_the_oldest_closed_one_makes_room(kept, clock):
    visitors = Visitors(kept, Settings(visit_pages=3), clock=clock)
    visitors.come("one", "open")
    for number in range(10):
        clock.now += 1
        visitors.page("one", str(number))
    assert set(visitors.page("one", "9").visit.pages) == {"open", "8", "9"}


def test_nobody_closes_anothers_page(kept, clock):
    visitors = Visitors(kept, clock=clock)
    visitors.come("one", "page")
    visitors.leave("other", "page")
    assert visitors.page("one", "page").beats == 1


def test_a_codec_of_ones_own_is_counted_and_the_example_codec_is_not(visitors, small_model, drums):
    page = visitors.page("one", "page")
    before = page.visit.num_bytes
    codec = Codec(small_model())
    page.turn_to_clip(codec, drums)
    assert page.visit.num_bytes > before + codec.num_bytes
    assert codec.num_bytes == sum(tensor.nbytes for tensor in codec.model.state_dict().values())


def test_clips_that_were_opened_can_be_turned_to_again(visitors, codec, drums):
    page = visitors.page("one", "page")
    strip = Strip(page, visitors.examples)
    assert {clip.group for clip in strip.clips} == {"examples"}
    page.turn_to(Work.opened(codec, "a grid.json", codec.encode_mel(codec.log_mel_of(drums))))
    (opened,) = (clip for clip in strip.clips if clip.group == "opened")
    assert (opened.name, opened.id) == ("a grid.json", page.work.secret)


def test_painting_counts_as_being_here(kept, clock):
    visitors = Visitors(kept, clock=clock)
    work = visitors.page("one", "page").work
    for number in range(4):
        clock.now += DEFAULTS.visit_absent_seconds * 0.9
        visitors.page("other", str(number))
        assert visitors.own_work("one", work.secret) is work


def edit(work):
    work.do("an edit", work.history.grid.with_indices(np.zeros_like(work.history.grid.indices)))


def test_clips_that_were_edited_are_kept_longest(visitors, codec, drums):
    page = visitors.page("one", "page")
    edited = page.visit.keep(Work.begin(codec, Clip("edited", drums.waveform)))
    edit(edited)
    for number in range(12):
        page.turn_to(Work.begin(codec, Clip(str(number), drums.waveform[: 20_000 + number])))
    assert edited in page.visit.works.values()
    assert len(page.visit.works) == 8


def test_a_second_clip_that_a_page_shows_is_not_dropped_for_other_clips(kept, clock, codec, drums, drone):
    visitors = Visitors(kept, Settings(visit_works=2), clock=clock)
    page = visitors.page("one", "page")
    page.second = page.visit.keep(Work.begin(codec, drone))
    second = page.second
    for name in "abc":
        page.visit.keep(Work.begin(codec, Clip(name, drums.waveform)))
    assert visitors.own_work("one", second.secret) is page.second is second


def test_a_second_clip_that_is_forgotten_leaves_no_memory_and_no_page_shows_it(kept, codec, drone):
    page = Visitors(kept).page("one", "page")
    second = page.second = page.visit.keep(Work.begin(codec, drone))
    page.visit.shrink(0)
    assert second in page.visit.works.values()
    page.visit.shrink(0, also_shown=True)
    assert second not in page.visit.works.values()
    assert page.second is None


def test_the_least_recently_used_results_are_released_first(kept, clock, drums, drone):
    visitors = Visitors(kept, Settings(memory_bytes=3_600_000), clock=clock)
    works = []
    for owner, clip in (("one", drums), ("other", drone)):
        clock.now += 1
        page = visitors.page(owner, owner)
        page.turn_to_clip(kept.codec, clip)
        page.work.decode()
        works.append(page.work)
    assert [work.is_decoded for work in works] == [True, True]
    assert visitors.tidy() <= 3_600_000
    assert [work.is_decoded for work in works] == [False, True]
    assert works[0].reconstruction is not None


def test_when_nothing_can_be_forgotten_another_clip_is_refused_in_a_sentence(
    kept, clock, codec_path, examples, is_one_sentence
):
    visitors = Visitors(kept, Settings(memory_bytes=1000), clock=clock)
    page = visitors.page("one", "page")
    with pytest.raises(FullError, match="no memory for another clip") as refusal:
        page.open(page.codec, examples / "clips" / "loop_perc1.flac")
    assert is_one_sentence(refusal.value)


def test_there_is_a_place_for_so_many_visitors_and_those_who_left_make_room(kept, clock, is_one_sentence):
    visitors = Visitors(kept, Settings(visits=2), clock=clock)
    visitors.come("one", "page of one")
    visitors.come("two", "page of two")
    with pytest.raises(FullError, match="as many visitors as it can hold") as refusal:
        visitors.page("three", "page of three")
    assert is_one_sentence(refusal.value)
    visitors.leave("one", "page of one")
    visitors.page("three", "page of three")
    assert visitors.owners == {"two", "three"}


def test_one_address_has_a_share_of_the_places_and_of_these_who_left_makes_room(kept, clock, is_one_sentence):
    visitors = Visitors(kept, Settings(visits=4, address_visits=2), clock=clock)
    for owner in ("one", "two"):
        visitors.come(owner, f"page of {owner}", "1.1.1.1")
    with pytest.raises(FullError) as refusal:
        visitors.page("three", "page of three", "1.1.1.1")
    assert is_one_sentence(refusal.value)
    assert not visitors.has_place("three", "1.1.1.1")
    assert visitors.has_place("one", "1.1.1.1")
    assert visitors.has_place("three", "2.2.2.2")
    visitors.page("three", "page of three", "2.2.2.2")
    visitors.leave("one", "page of one")
    visitors.page("four", "page of four", "1.1.1.1")
    assert visitors.owners == {"two", "three", "four"}


def test_a_visit_that_is_ended_is_over_at_once(visitors):
    forgotten = []
    visitors.forget_page = forgotten.append
    secret = visitors.page("one", "page").work.secret
    edit(visitors.own_work("one", secret))
    visitors.end("one")
    assert forgotten == ["page"]
    with pytest.raises(GridError, match="no longer open"):
        visitors.own_work("one", secret)
    assert not visitors.page("one", "page").visit.is_edited
    visitors.end("nobody")


def test_a_page_without_a_cookie_is_not_a_visitors_who_has_one(visitors):
    visitors.page("", "page")
    assert visitors.is_anothers("page", "one")
    assert not visitors.is_anothers("page", "")


def full_of_clips(kept, clock, settings, owners, drums):
    """Visitors at different addresses, each with three open clips and the last one shown."""
    visitors = Visitors(kept, settings, clock=clock)
    for owner in owners:
        visitors.come(owner, owner, f"address of {owner}")
        for number in range(3):
            clock.now += 1
            clip = Clip(f"{owner} {number}", np.tile(drums.waveform, 4))
            page = visitors.page(owner, owner)
            page.turn_to_clip(page.codec, clip)
    return visitors


def test_clips_that_nobody_looks_at_go_first_and_then_those_of_whoever_has_most(kept, clock, drums):
    visitors = full_of_clips(kept, clock, Settings(), ["one", "two"], drums)
    shown = visitors.page("two", "two").work
    size = shown.num_bytes
    visitors._settings = Settings(memory_bytes=3 * size)
    visitors.page("two", "two").turn_to_clip(kept.codec, drums)
    visitors.page("two", "two").turn_to_clip(kept.codec, shown.clip)
    assert visitors.tidy() <= 3 * size
    for owner in ("one", "two"):
        page = visitors.page(owner, owner)
        assert page.work.clip.name == f"{owner} 2"
        assert page.work in page.visit.works.values()


def test_a_visitor_who_uses_little_is_not_refused_because_others_fill_the_memory(kept, clock, drums, examples):
    visitors = full_of_clips(kept, clock, Settings(), ["one", "two"], drums)
    taken = sum(visitors._sizes().values())
    visitors._settings = Settings(memory_bytes=taken // 4)
    newcomer = visitors.page("three", "three", "address of three")
    newcomer.open(newcomer.codec, examples / "clips" / "loop_perc1.flac", example="loop_perc1")
    assert visitors.tidy() <= taken // 4
    assert newcomer.work.clip.name == "loop_perc1.flac"


def test_visits_without_edits_make_room_before_a_visit_with_edits(kept, clock):
    visitors = Visitors(kept, Settings(visits=5), clock=clock)
    edit(visitors.page("one", "page").work)
    for number in range(50):
        clock.now += 1
        visitors.page("", f"nobody {number}")
    assert "one" in visitors.owners
    assert len(visitors.owners) == 5


def test_visitors_share_the_example_but_not_its_edits(visitors):
    one, other = visitors.page("one", "page").work, visitors.page("other", "its page").work
    assert one.reconstruction is other.reconstruction
    assert one.history is not other.history


def test_a_visitor_with_a_connection_or_a_recent_request_is_here(kept, clock):
    visitors = Visitors(kept, clock=clock)
    assert not visitors.is_here("one")
    visitors.page("one", "page")
    assert visitors.is_here("one")
    clock.now += 60
    assert not visitors.is_here("one")
    visitors.come("one", "page")
    clock.now += 60
    assert visitors.is_here("one")
    visitors.leave("one", "page")
    clock.now += 60
    assert not visitors.is_here("one")
