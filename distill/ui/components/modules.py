"""The page's ES modules, and the scripts that load them."""

import hashlib
import json
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

MODULES = {
    file.name: file.read_bytes() for file in resources.files("distill.ui.components").joinpath("js").iterdir()
    if file.name.endswith(".js")
}  # fmt: skip
"""Content of each module by its name; no other file is served."""
VERSION = hashlib.sha256(b"".join(name.encode() + MODULES[name] for name in sorted(MODULES))).hexdigest()[:16]
"""Hash of the content of all modules. It is part of their addresses, so a browser may cache them without limit."""
ROUTE = "/page/{version}/{name}"
LATE = "This part of the page did not load; please reload the page."
HEAD = "".join(f'<link rel="modulepreload" href="page/{VERSION}/{name}">' for name in sorted(MODULES))
"""Makes a browser fetch all modules at once, instead of one import after another."""


async def answer(request: Request) -> Response:
    """Serve a module; 404 for any other name, and for modules of an earlier version."""
    code = MODULES.get(request.path_params["name"])
    if code is None or request.path_params["version"] != VERSION:
        return PlainTextResponse("There is no such module.", 404)
    return Response(code, media_type="text/javascript")


def imported(name: str) -> str:
    """JavaScript for the promise of a module."""
    return f'import(new URL("page/{VERSION}/{name}.js", document.baseURI))'


def mounting(name: str, events: tuple[str, ...] = ()) -> str:
    """A component's ``js_on_load``, which calls its module's ``mount``; Gradio reads the events' names from it."""
    given = f"{{element, props, server, trigger, watch, events: {json.dumps(events)}}}"
    told = f'console.error(error); element.insertAdjacentHTML("afterbegin", `<p role="alert" class="bad">{LATE}</p>`);'
    return f"{imported(name)}.then((module) => module.mount({given})).catch((error) => {{ {told} }});"


def calling(module: str, function: str, otherwise: str = "given") -> str:
    """JavaScript for an event: calls a module's function with the inputs; ``otherwise`` if the module does not load."""
    return f"(...given) => {imported(module)}.then((module) => module.{function}(...given), () => {otherwise})"
