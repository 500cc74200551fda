"""The page's way to the Hugging Face Hub: opens a codec from there, and publishes the codec in use."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill.errors import HubError
from distill.server.hub import Publication, files_to_publish
from distill.server.server import Server
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler

EVERYBODY, ONLY_ME = "everybody", "only me"
LICENCES = [
    ("CC0: anything, without naming you", "cc0-1.0"),
    ("CC BY: anything, if they name you", "cc-by-4.0"),
    ("CC BY-SA: the same, if they share alike", "cc-by-sa-4.0"),
    ("CC BY-NC: nothing commercial, if they name you", "cc-by-nc-4.0"),
    ("Other: you say it on the repository's page", "other"),
]
OPEN_WORDS = (
    "<h3>Open a codec <small>from the Hugging Face Hub, a public library of models on the web (huggingface.co).</small>"
    "</h3>"
)
PUBLISH_WORDS = (
    "<h3>Publish the codec in use <small>on the Hub, for others to open here by its name. Look at what goes out first."
    "</small></h3>"
)
CARD = "README.md"
READ_ON = "If you have published a codec there before, this one becomes its newest version."


@dataclass(frozen=True)
class HubPart:
    """The components between the header and the strip."""

    repository: gr.Textbox
    fetch: gr.Button
    token: gr.Textbox
    name: gr.Textbox
    readers: gr.Radio
    licence: gr.Dropdown
    grids: gr.Checkbox
    look: gr.Button
    outgoing: gr.HTML
    looked: gr.Textbox
    """Hidden text box with the fingerprint of what the visitor was shown."""
    publish: gr.Button


def build(server: Server) -> HubPart | None:
    """Lay out both parts, which the button "Hub" of the header shows and hides; None if the Hub is switched off."""
    if not server.settings.hub:
        return None
    with gr.Row(elem_id="hub"):
        with gr.Column(scale=1, min_width=280):
            gr.HTML(OPEN_WORDS)
            repository = gr.Textbox(
                label="Repository to open", placeholder="user/name", elem_id="hub-repository", max_length=400,
                info="A folder of the Hub that holds a codec: user/name, user/name@revision for an earlier version, or "
                "the address of its page.",
            )  # fmt: skip
            fetch = gr.Button("Fetch and open", size="sm", elem_id="hub-open", min_width=0)
        with gr.Column(scale=2, min_width=280):
            parts = _build_publishing()
    return HubPart(repository=repository, fetch=fetch, **parts)


def _build_publishing() -> dict[str, Any]:
    gr.HTML(PUBLISH_WORDS)
    with gr.Row():
        name = gr.Textbox(
            label="Repository to publish in", placeholder="user/name", elem_id="hub-name", max_length=400,
            min_width=240,
            info="Your name on the Hub, a slash, and a name for the codec. It is made if it is not there.",
        )  # fmt: skip
        licence = gr.Dropdown(
            LICENCES, value="cc0-1.0", label="Licence", elem_id="hub-licence", min_width=240,
            info="What others may do with the codec.",
        )  # fmt: skip
    with gr.Row():
        readers = gr.Radio(
            [EVERYBODY, ONLY_ME], value=EVERYBODY, label="Who may read it", elem_id="hub-readers",
            min_width=240,
            info="A private repository can be opened by its owner alone, and not on this page.",
        )  # fmt: skip
        grids = gr.Checkbox(
            False, label="With the codes of training clips", elem_id="hub-grids", min_width=240,
            info="From them a codec varies and invents. Whoever has them can hear up to three minutes of the clips.",
        )  # fmt: skip
    look = gr.Button("Show what goes out", size="sm", elem_id="hub-look", min_width=0)
    outgoing = gr.HTML("", elem_id="hub-outgoing")
    token = gr.Textbox(
        label="Token", type="password", elem_id="hub-token", max_length=4096, autofocus=False,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
        info="A key that lets this page write in your name: make one that may write at "
        "huggingface.co/settings/tokens. It goes to the Hub alone and is not kept.",
    )  # fmt: skip
    with gr.Row(elem_classes="acts"):
        publish = gr.Button("Publish", size="sm", elem_id="hub-publish", min_width=0, interactive=False)
    looked = gr.Textbox("", visible="hidden", label="What was shown")
    return {
        "name": name,
        "readers": readers,
        "licence": licence,
        "grids": grids,
        "look": look,
        "outgoing": outgoing,
        "token": token,
        "looked": looked,
        "publish": publish,
    }


def connect(part: HubPart, server: Server, shown: gr.Textbox) -> list[Any]:
    """Wire the publishing; return its events, which send the secret of a clip."""
    handle = handler(server, part)
    what = [part.name, part.readers, part.licence, part.grids]
    answers: dict[str, Any] = {"show_progress_on": part.outgoing}
    looked = part.look.click(
        handle(show_outgoing), [*what, shown], [part.outgoing, part.looked, part.publish], api_name="show_outgoing",
        **answers,
    )  # fmt: skip
    published = part.publish.click(
        handle(publish), [part.token, *what, part.looked, shown], [part.outgoing, part.token, part.publish],
        api_name="publish", **answers,
    )  # fmt: skip
    return [looked, published]


def show_outgoing(
    call: Call[HubPart],
    repository: str | None,
    readers: str = EVERYBODY,
    licence: str = "cc0-1.0",
    grids: bool = False,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Show what would be published of the codec in use, every file with its size and the card's text, and send nothing.
    The second value of the answer is the fingerprint that /publish asks for."""
    progress(0.1, desc="Making what would go out")
    made = _publication(call, repository, readers, licence, grids, shown)
    part = call.tab
    yield {
        part.outgoing: outgoing_of(made),
        part.looked: made.fingerprint,
        part.publish: gr.update(interactive=True, variant="primary"),
    }


def publish(
    call: Call[HubPart],
    token: str | None,
    repository: str | None,
    readers: str = EVERYBODY,
    licence: str = "cc0-1.0",
    grids: bool = False,
    looked: str | None = None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Publish the codec in use on the Hugging Face Hub, exactly as /show_outgoing showed it, whose fingerprint comes
    along. The token goes to the Hub alone and is not kept."""
    if not looked:
        raise HubError("Look at what goes out first: press “Show what goes out”.")
    progress(0.1, desc="Making what goes out")
    made = _publication(call, repository, readers, licence, grids, shown)
    if made.fingerprint != looked:
        raise HubError("This is not what you were shown: the codec or a choice has changed; please look again.")
    progress(0.3, desc="Sending it to the Hub")
    address = call.server.hub.publish(call.page, made, token or "", call.pause)
    if not made.is_private:  # from now on, links can name it
        call.server.hub.note(call.work(shown).codec, made.repository)
    part, there = call.tab, html.escape(address)
    name = html.escape(made.repository)
    yield {
        part.outgoing: f"<p class='status'>Published: <a href='{there}' target='_blank' rel='noopener'>{name}</a>.</p>",
        part.token: "",
        part.publish: gr.update(interactive=False, variant="secondary"),
    }


def _publication(
    call: Call[HubPart], repository: str | None, readers: str, licence: str, grids: bool, shown: str | None
) -> Publication:
    codec, is_private = call.work(shown).codec, readers != EVERYBODY
    named = files_to_publish((), repository or "", is_private=is_private).repository
    codec.draw_atlas(call.pause)
    files = codec.hub_files(named, license=licence, grids=bool(grids))
    return files_to_publish(files, named, is_private=is_private)


def outgoing_of(made: Publication) -> str:
    """What would be published, as HTML: where and for whom, each file with its size and words, the card."""
    readers = "only you" if made.is_private else "everybody"
    rows = "".join(
        f"<tr><td>{html.escape(file.path)}</td><td>{file.size / 1000:.1f}&nbsp;kB</td>"
        f"<td class='advice'>{html.escape(file.words)}</td></tr>"
        for file in made.files
    )
    card = next(file.content.decode() for file in made.files if file.path == CARD)
    return (
        f"<p class='lead'>{html.escape(made.repository)}, for {readers} to read. Nothing was sent yet. {READ_ON}</p>"
        f"<div class='health'><table>{rows}</table></div>"
        "<details class='words'><summary>The card, its page on the Hub</summary>"
        f"<pre>{html.escape(card)}</pre></details>"
    )


def toggle_button(server: Server) -> None:
    """Lay out the header's button that shows and hides the parts."""
    if server.settings.hub:
        button = gr.Button("Hub", size="sm", elem_id="to-hub", min_width=0)
        button.click(None, js=calling("hub", "toggle"), api_visibility="private")
