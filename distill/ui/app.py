"""The app: a header, a strip of clips and three tabs, with the gate in front of it and the server behind it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.route_utils import CustomCORSMiddleware
from gradio.routes import App as GradioApp
from gradio.routes import ORJSONResponse
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from distill import system
from distill.errors import DistillError
from distill.examples import find_examples
from distill.logs import log_as_json
from distill.server.calls import Calls
from distill.server.gate import Gate
from distill.server.programs import Programs
from distill.server.server import Server
from distill.settings import Settings
from distill.ui import edit, explore, going_on, header, hub, inventing, library, links, opening, programs, strip, train
from distill.ui.components import calling, modules
from distill.ui.tabs import Tabs

UNFIT = "This call sends something else than it should; see its description under “Use via API”, below on the page."
PAGES_EACH = 2  # average number of pages per visitor whose state Gradio keeps
CALLS = 1_000
"""Maximum number of calls that Gradio accepts at a time. Waiting calls hold no thread."""
SWITCH_SECONDS = 0.00005
"""Seconds after which Python switches to another thread. An edit needs some hundred switches: with Python's usual 5 ms,
an edit would take a second while another thread draws a picture."""
NAMED = ("Clip in Explore", "Clip in Edit", "Clips to train on", "Training")
"""Labels of the hidden text boxes that hold what a page shows: clips, a set of clips, a training."""
NOT_LOADED = "document.getElementById('leave').textContent = 'The page is not whole; please reload it'"


class App(gr.Blocks):
    """The page and its server."""

    backend: Server
    calls: Calls
    programs: Programs

    def forget_page(self, page: str) -> None:
        """Free the values and the file paths of a page, which Gradio would keep forever."""
        self.calls.abandon(page)
        self.state_holder.session_data.pop(page, None)
        self.state_holder.time_last_used.pop(page, None)
        self.upload_file_set.clear()
        for block in self.blocks.values():
            block.temp_files.clear()

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:
        """Make a call's inputs as Gradio does, with two differences.

        A script need not name what it is about: the inputs of ``NAMED`` come last, and those that are missing are None.
        So are the time resolution and whether grids are kept, which calls did not always have.
        A call of which no component can make sense is refused in a sentence.
        """
        missing = block_fn.inputs[len(inputs) :]
        known = (*NAMED, train.TIME_RESOLUTION, train.KEEP_GRIDS)
        if all(getattr(component, "label", None) in known for component in missing):
            inputs = [*inputs, *[None] * len(missing)]
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **options)
        except gr.Error as error:  # it says what is wrong with the call, and is no fault of ours to be logged
            error.print_exception = False
            raise
        except Exception:
            raise gr.Error(UNFIT, print_exception=False) from None


class Front(GradioApp):
    """Gradio's web application behind the gate.

    Requests from pages of other sites are left to Starlette's ``CORSMiddleware``, which lets no other site read an
    answer. Gradio omits its own middleware if a parent class brings ``CORSMiddleware``.

    Parameters
    ----------
    page : App
        The page to serve.
    """

    def __init__(self, page: App) -> None:
        super().__init__(default_response_class=ORJSONResponse, middleware=[Middleware(CORSMiddleware)])
        self._page = page
        self.add_route(modules.ROUTE, modules.answer)
        for path in (programs.ROUTE, f"{programs.ROUTE}/"):
            self.add_route(path, programs.tools_of(page.programs), methods=["POST"])

    def build_middleware_stack(self) -> Any:
        for middleware in self.user_middleware:
            if middleware.cls is CustomCORSMiddleware:
                middleware.kwargs["parent_app"] = self
        return Gate(super().build_middleware_stack(), self._page.backend, self._page.calls)


def build_app(examples_folder: Path | None = None, settings: Settings | None = None) -> App:
    """Build the app, with the example codec and the example clip loaded, but do not launch it.

    Parameters
    ----------
    examples_folder : Path, optional
        Folder with ``clips/`` and ``models/loops.distill``; by default the examples of the checkout.
    settings : Settings, optional
        The limits; by default from the environment.

    Raises
    ------
    CheckoutError
        If the checkout's examples are needed and missing.
    ConfigError
        If an environment variable sets an invalid limit.
    StartupError
        If something that the server needs is missing.
    """
    server = Server.start(settings or Settings.from_environment(), examples_folder or find_examples())
    os.environ["GRADIO_TEMP_DIR"] = str(server.storage.files)  # Gradio has no other option for its folder
    with App(title="Distill", analytics_enabled=False, fill_width=True) as app:
        top, of_the_library, of_the_hub = header.build(server), library.build(server), hub.build(server)
        # Outside the tabs, because the components of a tab exist only once it was opened.
        named = [gr.Textbox(None, visible="hidden", label=label) for label in NAMED]
        returned, taken = gr.State(False), gr.State("")
        bar = strip.build(server)
        ways_in = header.build_ways_in()
        with gr.Tabs():
            with gr.Tab("Edit", id="edit"):
                edit_tab = edit.build(server, named[1])
            with gr.Tab("Explore", id="explore"):
                explore_tab = explore.build(server, named[0])
            with gr.Tab("Train", id="train"):
                train_tab = train.build(server, named[2], named[3], returned, taken)
        tabs = Tabs(top, ways_in, train_tab, explore_tab, edit_tab, bar, of_the_hub, of_the_library)
        train.connect(train_tab, server, app.load, edit_tab.shown)
        naming_a_clip = [*explore.connect(explore_tab, server), *edit.connect(edit_tab, server, bar)]
        going_on.connect(train_tab, bar, server, edit_tab.shown)
        naming_a_clip += [*inventing.connect(tabs, server), links.connect(edit_tab, server)]
        naming_a_clip += hub.connect(of_the_hub, server, edit_tab.shown) if of_the_hub else []
        naming_a_clip += library.connect(of_the_library, server, edit_tab.shown) if of_the_library else []
        begun = opening.connect(tabs, server, app.load, naming_a_clip)
        links.connect_opening(tabs, server, begun)
        library.connect_opening(of_the_library, server, begun)
        changed = [tab.change for tab in (edit_tab.shown, train_tab.shown_clips, train_tab.shown_training)]
        strip.connect(bar, server, changed)
        app.programs = Programs(server)
        programs.connect(app.programs)
        leave = gr.Button("Leave and delete what is mine", size="sm", elem_id="leave")
        leave.click(None, js=calling("leave", "leave", NOT_LOADED), api_visibility="private")
    server.storage.publish()
    app.backend, app.calls = server, Calls(app, server.settings)
    server.visitors.forget_page = app.forget_page
    return app


def main() -> None:
    """Start the server, with its log as JSON lines. A missing requirement ends the start with one sentence."""
    log_as_json()
    system.hide_memory()  # from other processes of the same user, such as a hijacked decoder
    torch.set_num_threads(1)  # visitors share the processors: more threads would wait for each other
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        app = build_app()
    except DistillError as error:
        raise SystemExit(str(error)) from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        launch(app)
    finally:
        app.backend.close()


def launch(app: App, **options: Any) -> tuple[Any, str, str | None]:
    """Launch the app as the Space does; ``options`` are passed to ``gr.Blocks.launch``."""
    css = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    neutral, accent = gr.themes.colors.stone, gr.themes.colors.orange
    theme = gr.themes.Base(
        primary_hue=accent,
        neutral_hue=neutral,
        radius_size=gr.themes.sizes.radius_sm,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(  # Gradio's own colours for these are too faint to be read by everyone
        body_text_color_subdued="*neutral_500",
        button_primary_text_color="*neutral_900",
        button_primary_text_color_dark="*neutral_900",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_400",
        button_primary_background_fill_hover_dark="*primary_400",
    )
    server = app.backend
    server.keep_tidy()
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # or uvicorn trusts the addresses that local clients send
    app.queue(default_concurrency_limit=None, api_open=False)
    app._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # do not build an unused table of all calls at each call
    return app.launch(
        theme=theme, css=css, head=modules.HEAD, footer_links=["api"], run_history=False, ssr_mode=False,
        enable_monitoring=False, mcp_server=False, max_file_size=server.settings.upload_file_bytes, max_threads=CALLS,
        state_session_capacity=PAGES_EACH * server.settings.visits, app_kwargs={"lifespan": _look_after(app.calls)},
        _app=Front(app), _frontend=False, **options,
    )  # fmt: skip


def _look_after(calls: Calls) -> Any:
    """A lifespan that tidies the calls for as long as the web application runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        tidying = asyncio.create_task(calls.keep_tidy())
        try:
            yield
        finally:
            tidying.cancel()

    return lifespan
