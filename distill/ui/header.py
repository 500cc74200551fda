"""The header: the codec in use and what can be done with it; and, beside the tabs, the ways in for a sound."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill.server.server import Server
from distill.server.visit import Page
from distill.ui import hub, library, views
from distill.ui.components import PrivateSwitch, calling
from distill.ui.live import saved_codec

NAME = "<header class='masthead'><h1>distill</h1></header>"


@dataclass(frozen=True)
class Header:
    """The components above the tabs, but for the strip."""

    codec: gr.HTML
    back: gr.Button
    load: gr.UploadButton
    download: gr.DownloadButton

    @property
    def of_the_codec(self) -> list[Any]:
        """The components that change with the codec."""
        return [self.download, self.codec, self.back]


@dataclass(frozen=True)
class WaysIn:
    """The components that take a sound of the visitor."""

    upload: gr.UploadButton
    record: gr.Audio


def build(server: Server) -> Header:
    """Lay out the header, of one line where the window is wide enough."""
    codec = server.examples.codec
    with gr.Row(elem_id="header"):
        gr.HTML(NAME, elem_id="name")
        line = gr.HTML(views.codec_line(codec), elem_id="codec")
        back = gr.Button("Back", visible="hidden", size="sm", elem_id="codec-back", min_width=0)
        load = gr.UploadButton(
            "Open codec", file_types=[".distill"], size="sm", elem_id="train-load", min_width=0
        )  # fmt: skip
        download = gr.DownloadButton(
            "Save codec", value=saved_codec(codec, server, "page"), size="sm", elem_id="train-download", min_width=0
        )
        library.toggle_button(server)
        hub.toggle_button(server)
        train = gr.Button("Train", size="sm", elem_id="to-train", min_width=0)
        tour = gr.Button("Tour", size="sm", elem_id="tour", min_width=0)
    train.click(None, js=calling("tabs", "showTrain"), api_visibility="private")
    tour.click(None, js=calling("tour", "begin"), api_visibility="private")
    return Header(line, back, load, download)


def shown(bar: Header, server: Server, page: Page) -> dict[Any, Any]:
    """The header for the codec that a page has in use."""
    saved, before = saved_codec(page.codec, server, page.owner, page.address), page.before
    back = gr.update(visible="hidden")
    if before is not None and before.sound_id != page.codec.sound_id:
        back = gr.update(value=f"Back to {before.model_id[:6]}", visible=True)
    return {bar.codec: views.codec_line(page.codec), bar.back: back, bar.download: gr.update(value=saved)}


def build_ways_in() -> WaysIn:
    """Lay out the buttons for a file and for a recording.

    The first takes files of any name: Gradio would judge a file by its ending, in words of its own, before its content
    is seen.
    """
    with gr.Row(elem_id="ways-in"):
        upload = gr.UploadButton("Open a sound", size="sm", elem_id="explore-upload", min_width=0)
        record = gr.Button("Record", size="sm", elem_id="to-record", min_width=0)
        recorder = gr.Audio(
            sources=["microphone"], type="filepath", label="Record a sound", elem_id="explore-record", buttons=[],
            min_width=0,
        )  # fmt: skip
        PrivateSwitch(elem_id="private-switch")
    record.click(None, js=calling("record", "toggle"), api_visibility="private")
    return WaysIn(upload, recorder)
