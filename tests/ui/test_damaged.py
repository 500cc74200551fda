"""What the tabs say of clips."""

from dataclasses import replace

from distill.audio import Refusal
from distill.editing.work import Work
from distill.server.clip_set import ClipSet
from distill.ui import views

NOTE = "<b>.wav is cut short: of the 2.00 s that it announces, 1.00 s are there and are used."
SHOWN = "&lt;b&gt;.wav is cut short: of the 2.00 s that it announces, 1.00 s are there and are used."


def test_the_list_of_clips_says_what_is_missing_of_a_damaged_file(drums, tmp_path):
    items = [replace(drums, note=NOTE), Refusal("bad.wav", "bad.wav is empty."), drums]
    clips = ClipSet(tmp_path, items)
    assert len(clips.clips) == 2
    shown = views.clip_list(clips.clips, clips.refused, clips.notes)
    assert shown.count("class='bad'") == 3  # two clips are too few, too
    assert SHOWN in shown
    assert "bad.wav is empty." in shown


def test_the_figures_of_a_clip_say_what_is_missing_of_a_damaged_file(codec, drums):
    short = replace(drums, waveform=drums.waveform[:20_000])
    assert "class='bad'" not in views.clip_facts(Work.begin(codec, short))
    work = Work.begin(codec, replace(short, note=NOTE))
    assert SHOWN in views.clip_facts(work)
    assert SHOWN in views.clip_facts(work.fresh())
