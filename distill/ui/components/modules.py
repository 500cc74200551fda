"""The page's own code: ES modules that lie beside this file, and how the page loads them."""

import hashlib
import json
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

MODULES = {
    file.name: file.read_bytes() for file in resources.files("distill.ui.components").joinpath("js").iterdir()
    if file.name.endswith(".js")
}  # fmt: skip
"""Each module by its name: all that can be asked for."""
VERSION = hashlib.sha256(b"".join(name.encode() + MODULES[name] for name in sorted(MODULES))).hexdigest()[:16]
"""Names what all modules hold. It is a part of their addresses: a browser keeps them for as long as it likes."""
ROUTE = "/page/{version}/{name}"
LATE = "This part of the page did not load; please reload the page."
HEAD = "".join(f'<link rel="modulepreload" href="page/{VERSION}/{name}">' for name in sorted(MODULES))
"""What makes a browser fetch all modules at once, not one after the other that imports it."""


async def answer(request: Request) -> Response:
    """A module; 404 for any other name, and for the modules of an earlier version."""
    code = MODULES.get(request.path_params["name"])
    if code is None or request.path_params["version"] != VERSION:
        return PlainTextResponse("There is no such module.", 404)
    return Response(code, media_type="text/javascript")


def imported(name: str) -> str:
    """JavaScript for the promise of a module."""
    return f'import(new URL("page/{VERSION}/{name}.js", document.baseURI))'


def mounting(name: str, events: tuple[str, ...] = ()) -> str:
    """A component's ``js_on_load``: its module's ``mount``; Gradio finds the names of the component's events in it."""
    given = f"{{element, props, server, trigger, watch, events: {json.dumps(events)}}}"
    told = f'console.error(error); element.insertAdjacentHTML("afterbegin", `<p role="alert" class="bad">{LATE}</p>`);'
    return f"{imported(name)}.then((module) => module.mount({given})).catch((error) => {{ {told} }});"


def calling(module: str, function: str, otherwise: str = "given") -> str:
    """An event's ``js``: a module's function, which gets the inputs; ``otherwise`` if the module does not load."""
    return f"(...given) => {imported(module)}.then((module) => module.{function}(...given), () => {otherwise})"
