"""The page: a header, three tabs, and one session a visitor."""

from pathlib import Path
from typing import Any

import gradio as gr

from distill.jobs import JobRunner
from distill.ui import edit, explore, train
from distill.ui.session import Examples, Visitors
from distill.ui.views import codec_line

HEADER = """
<header class="masthead"><h1>distill</h1>
<p>Teach a small neural codec your own sounds. See every clip as a grid of codes, change a code, hear it at once.</p>
</header>
"""
EXAMPLES = Path(__file__).parents[2] / "examples"


def build_app(examples_folder: Path = EXAMPLES) -> gr.Blocks:
    """The app, not yet launched, with the example codec and clip loaded.

    Parameters
    ----------
    examples_folder : Path
        Holds ``clips/`` and ``models/loops.distill``.

    Raises
    ------
    CodecFileError
        If the example codec cannot be loaded.
    """
    examples = Examples.load(examples_folder)
    visitors, runner = Visitors(examples), JobRunner()
    with gr.Blocks(title="Distill", analytics_enabled=False, fill_width=True, delete_cache=(3600, 6 * 3600)) as app:
        gr.HTML(HEADER)
        codec_bar = gr.HTML(codec_line(examples.codec), elem_id="codec")
        with gr.Tabs():
            with gr.Tab("Train", id="train"):
                train_tab = train.build(examples)
            with gr.Tab("Explore", id="explore"):
                explore_tab = explore.build(examples, visitors)
            with gr.Tab("Edit", id="edit"):
                edit_tab = edit.build(examples, visitors)
        train.connect(train_tab, explore_tab, edit_tab, codec_bar, visitors, runner)
        explore.connect(explore_tab, edit_tab, visitors)
        edit.connect(edit_tab, explore_tab, visitors, app.load)

        def leave(request: gr.Request) -> None:
            visitors.leave(request.session_hash or "")

        app.unload(leave)
    return app


def launch(app: gr.Blocks, **options: Any) -> tuple[Any, str, str | None]:
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
    app.queue(default_concurrency_limit=4)
    return app.launch(theme=theme, css=css, footer_links=["api"], run_history=False, ssr_mode=False, **options)
