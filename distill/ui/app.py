"""The page: a header and three tabs; before it the gate, behind it the server."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from distill.errors import DistillError
from distill.logs import log_as_json
from distill.settings import Settings
from distill.ui import edit, explore, train
from distill.ui.gate import Gate
from distill.ui.server import Server, keep_secrets
from distill.ui.views import codec_line

HEADER = """
<header class="masthead"><h1>distill</h1>
<p>Teach a small neural codec your own sounds. See every clip as a grid of codes, change a code, hear it at once.</p>
</header>
"""
EXAMPLES = Path(__file__).parents[2] / "examples"
UNFIT = "This call sends something else than it should; see its description under “Use via API”, below on the page."
PAGES_EACH = 2  # of which Gradio keeps the state, for each visitor, on average
THREADS = 100
HEAVY = 2
"""Things that one button does for several visitors at the same time; there are two cores."""


class App(gr.Blocks):
    """The page, with the server that stands behind it."""

    backend: Server

    def forget_page(self, page: str) -> None:
        """Drop what Gradio keeps of a page, which it does for ever: every value shown, and the path of every file."""
        self.state_holder.session_data.pop(page, None)
        self.state_holder.time_last_used.pop(page, None)
        self.upload_file_set.clear()
        for block in self.blocks.values():
            block.temp_files.clear()

    async def preprocess_data(self, *args: Any, **options: Any) -> Any:
        """As Gradio's, but a call that no component can make sense of is told so in a sentence."""
        try:
            return await super().preprocess_data(*args, **options)
        except gr.Error as error:  # it says what is wrong with the call, and is no fault of ours to be logged
            error.print_exception = False
            raise
        except Exception:
            raise gr.Error(UNFIT, print_exception=False) from None


def build_app(examples_folder: Path = EXAMPLES, settings: Settings | None = None) -> App:
    """The app, not yet launched, with the example codec and clip loaded.

    Parameters
    ----------
    examples_folder : Path
        Holds ``clips/`` and ``models/loops.distill``.
    settings : Settings, optional
        The limits; from the environment by default.

    Raises
    ------
    ConfigError
        If a variable of the environment sets a limit wrongly.
    StartupError
        If something is missing without which the server could not serve.
    """
    server = Server.start(settings or Settings.from_environment(), examples_folder)
    os.environ["GRADIO_TEMP_DIR"] = str(server.storage.files)  # the only way to tell Gradio where its files go
    with App(title="Distill", analytics_enabled=False, fill_width=True) as app:
        gr.HTML(HEADER)
        codec_bar = gr.HTML(codec_line(server.examples.codec), elem_id="codec")
        with gr.Tabs():
            with gr.Tab("Train", id="train"):
                train_tab = train.build(server)
            with gr.Tab("Explore", id="explore"):
                explore_tab = explore.build(server)
            with gr.Tab("Edit", id="edit"):
                edit_tab = edit.build(server)
        train.connect(train_tab, explore_tab, edit_tab, codec_bar, server, app.load)
        explore.connect(explore_tab, edit_tab, server)
        edit.connect(edit_tab, explore_tab, server, app.load)
    server.storage.publish()
    app.backend = server
    server.visitors.forget_page = app.forget_page
    return app


def main() -> None:
    """Start the server, with its log as JSON lines; what is missing ends the start with a sentence."""
    log_as_json()
    keep_secrets()
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
    gate = Middleware(Gate, server.storage, server.settings, server.visitors, server.health)
    app.queue(default_concurrency_limit=HEAVY, max_size=PAGES_EACH * server.settings.visits, api_open=False)
    return app.launch(
        theme=theme, css=css, footer_links=["api"], run_history=False, ssr_mode=False, enable_monitoring=False,
        max_file_size=server.settings.upload_file_bytes, max_threads=THREADS,
        state_session_capacity=PAGES_EACH * server.settings.visits, app_kwargs={"middleware": [gate]},
        **options,
    )  # fmt: skip
