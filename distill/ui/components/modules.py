"""The page's ES modules, and the scripts that load them."""

import hashlib
import json
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

COMPONENTS, BROWSER = "ui/components/js", "browser"
"""Folders of the package with modules: those of the page's components, and the codec's."""
MEDIA_TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}


def _files(folder: str) -> list[Traversable]:
    at = resources.files("distill").joinpath(folder)
    return [file for file in at.iterdir() if file.name.endswith(tuple(MEDIA_TYPES))] if at.is_dir() else []


MODULES = {f"{folder}/{file.name}": file.read_bytes() for folder in (COMPONENTS, BROWSER) for file in _files(folder)}
"""Content of each module by its path in the package; no other file is served. The paths are those of the checkout, so
that a module finds another one by the same relative path in the page, in Node and for a type checker."""
VERSION = hashlib.sha256(b"".join(path.encode() + MODULES[path] for path in sorted(MODULES))).hexdigest()[:16]
"""Hash of the content of all modules. It is part of their addresses, so a browser may cache them without limit."""
ROUTE = "/page/{version}/{path:path}"
LATE = "This part of the page did not load; please reload the page."
HEAD = "".join(
    f'<link rel="modulepreload" href="page/{VERSION}/{path}">'
    for path in sorted(MODULES)
    if path.startswith(COMPONENTS)
)
"""Makes a browser fetch all components at once, instead of one import after another. The codec follows on demand."""


async def answer(request: Request) -> Response:
    """Serve a module; 404 for any other path, and for modules of an earlier version."""
    path = request.path_params["path"]
    code = MODULES.get(path)
    if code is None or request.path_params["version"] != VERSION:
        return PlainTextResponse("There is no such module.", 404)
    return Response(code, media_type=MEDIA_TYPES[path[path.rindex(".") :]])


def imported(name: str) -> str:
    """JavaScript for the promise of a component's module."""
    return f'import(new URL("page/{VERSION}/{COMPONENTS}/{name}.js", document.baseURI))'


def mounting(name: str, events: tuple[str, ...] = ()) -> str:
    """A component's ``js_on_load``, which calls its module's ``mount``; Gradio reads the events' names from it."""
    given = f"{{element, props, server, trigger, watch, events: {json.dumps(events)}}}"
    told = f'console.error(error); element.insertAdjacentHTML("afterbegin", `<p role="alert" class="bad">{LATE}</p>`);'
    return f"{imported(name)}.then((module) => module.mount({given})).catch((error) => {{ {told} }});"


def calling(module: str, function: str, otherwise: str = "given") -> str:
    """JavaScript for an event: calls a module's function with the inputs; ``otherwise`` if the module does not load."""
    return f"(...given) => {imported(module)}.then((module) => module.{function}(...given), () => {otherwise})"
