"""All tabs of the page, and what they show of a clip and of its codec."""

from dataclasses import dataclass
from typing import Any

from distill.ui import edit, explore, header
from distill.ui.edit import EditTab
from distill.ui.explore import ExploreTab
from distill.ui.handlers import Answer, Call
from distill.ui.header import Header, WaysIn
from distill.ui.hub import HubPart
from distill.ui.library import LibraryPart
from distill.ui.strip import StripBar
from distill.ui.train import TrainTab


@dataclass(frozen=True)
class Tabs:
    """The components of all tabs."""

    header: Header
    ways_in: WaysIn
    train: TrainTab
    explore: ExploreTab
    edit: EditTab
    strip: StripBar
    hub: HubPart | None = None
    """What opens and publishes codecs on the Hub; None where that is switched off."""
    library: LibraryPart | None = None
    """The visitor's library; None where the server keeps no codecs."""

    @property
    def of_the_clip(self) -> list[Any]:
        """The components that change with the clip."""
        return [*self.explore.filled, *self.edit.filled, self.explore.shown, self.edit.shown]

    @property
    def of_the_codec(self) -> list[Any]:
        """The components that change with the codec."""
        # Scripts read the answers by their places, so what is new comes last.
        return [self.header.download, self.header.codec, *self.of_the_clip, self.header.back]


def fill(tabs: Tabs, call: Call[Any]) -> Answer:
    """The values of all tabs for the clip that the page has open."""
    work = call.page.work
    return explore.fill(tabs.explore, work) | edit.fill(tabs.edit, work, call)


def fill_with_codec(tabs: Tabs, call: Call[Any]) -> Answer:
    """The values of all tabs for the clip that the page has open, and for its codec."""
    page, work = call.page, call.page.work
    work.codec.draw_atlas(call.pause)
    work.draw(call.pause)
    work.decode(call.pause)
    return fill(tabs, call) | header.shown(tabs.header, call.server, page)
