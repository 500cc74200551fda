"""The page: a header and three tabs; before it the gate, behind it the server."""

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

from distill.errors import DistillError
from distill.examples import find_examples
from distill.logs import log_as_json
from distill.server.calls import Calls
from distill.server.gate import Gate
from distill.server.server import Server, keep_secrets
from distill.settings import Settings
from distill.ui import edit, explore, opening, train
from distill.ui.components import calling, modules
from distill.ui.views import codec_line

HEADER = """
<header class="masthead"><h1>distill</h1>
<p>Teach a small neural codec your own sounds. See every clip as a grid of codes, change a code, hear it at once.</p>
</header>
"""
UNFIT = "This call sends something else than it should; see its description under “Use via API”, below on the page."
PAGES_EACH = 2  # of which Gradio keeps the state, for each visitor, on average
CALLS = 1_000
"""Calls that Gradio works at: they wait for their turns, and hold no thread while they do."""
SWITCH_SECONDS = 0.00005
"""After so long, Python lets another thread go on. An edit asks for that some hundred times: with Python's usual 5 ms,
and a picture being drawn meanwhile, it would take a second."""
NAMED = ("Clip in Explore", "Clip in Edit", "Clips to train on", "Training")
"""What a page shows, each by the name that the server knows it by."""
NOT_LOADED = "document.getElementById('leave').textContent = 'The page is not whole; please reload it'"


class App(gr.Blocks):
    """The page, with the server that stands behind it."""

    backend: Server
    calls: Calls

    def forget_page(self, page: str) -> None:
        """Drop what Gradio keeps of a page, which it does for ever: every value shown, and the path of every file."""
        self.calls.abandon(page)
        self.state_holder.session_data.pop(page, None)
        self.state_holder.time_last_used.pop(page, None)
        self.upload_file_set.clear()
        for block in self.blocks.values():
            block.temp_files.clear()

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:
        """Make a call's inputs as Gradio does, with two differences.

        A script need not name what it is about: the inputs of ``NAMED`` come last, and those that are missing are None.
        A call of which no component can make sense is refused in a sentence.
        """
        missing = block_fn.inputs[len(inputs) :]
        if all(getattr(component, "label", None) in NAMED for component in missing):
            inputs = [*inputs, *[None] * len(missing)]
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **options)
        except gr.Error as error:  # it says what is wrong with the call, and is no fault of ours to be logged
            error.print_exception = False
            raise
        except Exception:
            raise gr.Error(UNFIT, print_exception=False) from None


class Front(GradioApp):
    """Gradio's web application, with the gate before all of it.

    Gradio's answers to pages of other sites are left to Starlette's ``CORSMiddleware``, which lets none of them read
    anything: Gradio does so where a parent brings that.

    Parameters
    ----------
    page : App
        What it shows.
    """

    def __init__(self, page: App) -> None:
        super().__init__(default_response_class=ORJSONResponse, middleware=[Middleware(CORSMiddleware)])
        self._page = page
        self.add_route(modules.ROUTE, modules.answer)

    def build_middleware_stack(self) -> Any:
        for middleware in self.user_middleware:
            if middleware.cls is CustomCORSMiddleware:
                middleware.kwargs["parent_app"] = self
        return Gate(super().build_middleware_stack(), self._page.backend, self._page.calls)


def build_app(examples_folder: Path | None = None, settings: Settings | None = None) -> App:
    """The app, not yet launched, with the example codec and clip loaded.

    Parameters
    ----------
    examples_folder : Path, optional
        Holds ``clips/`` and ``models/loops.distill``; those of the checkout by default.
    settings : Settings, optional
        The limits; from the environment by default.

    Raises
    ------
    CheckoutError
        If the checkout's examples are asked for and not there.
    ConfigError
        If a variable of the environment sets a limit wrongly.
    StartupError
        If something is missing without which the server could not serve.
    """
    server = Server.start(settings or Settings.from_environment(), examples_folder or find_examples())
    os.environ["GRADIO_TEMP_DIR"] = str(server.storage.files)  # the only way to tell Gradio where its files go
    with App(title="Distill", analytics_enabled=False, fill_width=True) as app:
        gr.HTML(HEADER)
        codec_bar = gr.HTML(codec_line(server.examples.codec), elem_id="codec")
        # Outside of the tabs: a tab that was never opened has no components yet.
        named = [gr.Textbox(None, visible="hidden", label=label) for label in NAMED]
        with gr.Tabs():
            with gr.Tab("Train", id="train"):
                train_tab = train.build(server, *named[2:])
            with gr.Tab("Explore", id="explore"):
                explore_tab = explore.build(server, named[0])
            with gr.Tab("Edit", id="edit"):
                edit_tab = edit.build(server, named[1])
        tabs = opening.Tabs(codec_bar, train_tab, explore_tab, edit_tab)
        train.connect(train_tab, server, app.load)
        naming_a_clip = [*explore.connect(explore_tab, server), *edit.connect(edit_tab, server)]
        opening.connect(tabs, server, app.load, naming_a_clip)
        leave = gr.Button("Leave and delete what is mine", size="sm", elem_id="leave")
        leave.click(None, js=calling("leave", "leave", NOT_LOADED), api_visibility="private")
    server.storage.publish()
    app.backend, app.calls = server, Calls(app, server.settings)
    server.visitors.forget_page = app.forget_page
    return app


def main() -> None:
    """Start the server, with its log as JSON lines; what is missing ends the start with a sentence."""
    log_as_json()
    keep_secrets()
    torch.set_num_threads(1)  # visitors' works take the processors; threads of one would wait for those of another
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
    """Launch the app as the Space does; options go to ``gr.Blocks.launch``."""
    css = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    neutral, accent = gr.themes.colors.stone, gr.themes.colors.orange
    theme = gr.themes.Base(
        primary_hue=accent,
        neutral_hue=neutral,
        radius_size=gr.themes.sizes.radius_sm,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    server = app.backend
    server.keep_tidy()
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would believe anybody on this machine about their address
    app.queue(default_concurrency_limit=None, api_open=False)
    app._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # a table of all calls that nobody looks at, made for each call
    return app.launch(
        theme=theme, css=css, head=modules.HEAD, footer_links=["api"], run_history=False, ssr_mode=False,
        enable_monitoring=False, max_file_size=server.settings.upload_file_bytes, max_threads=CALLS,
        state_session_capacity=PAGES_EACH * server.settings.visits, app_kwargs={"lifespan": _look_after(app.calls)},
        _app=Front(app), _frontend=False, **options,
    )  # fmt: skip


def _look_after(calls: Calls) -> Any:
    """What goes on beside the web application, for as long as it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        tidying = asyncio.create_task(calls.keep_tidy())
        try:
            yield
        finally:
            tidying.cancel()

    return lifespan
