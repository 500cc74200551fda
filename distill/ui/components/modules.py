"""The page's ES modules, and the scripts that load them."""

import hashlib
import json
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from distill.browser import KERNELS, one_script
from distill.browser.joining import constant_of, join

COMPONENTS, BROWSER = "ui/components/js", "browser"
"""Folders of the package with modules: those of the page's components, and the codec's."""
MEDIA_TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}


JOINED = f"{BROWSER}/joined.js"
"""Path of all modules of the page as one; it exports each component's module under its name. A browser would ask for
more than a hundred files otherwise. It is beside the worker and the kernels, which the codec finds by that."""


def _read(path: str) -> bytes:
    return resources.files("distill").joinpath(path).read_bytes()


def _components() -> dict[str, str]:
    """Paths of the modules of the page's components, by their names."""
    names = sorted(file.name for file in resources.files("distill").joinpath(COMPONENTS).iterdir())
    return {name.removesuffix(".js"): f"{COMPONENTS}/{name}" for name in names if name.endswith(".js")}


def _joined() -> bytes:
    components = _components()
    code = join(list(components.values()), lambda path: _read(path).decode())
    named = (f"{constant_of(path)} as {name}" for name, path in components.items())
    return f"{code}export {{ {', '.join(named)} }};\n".encode()


MODULES = {
    JOINED: _joined(),
    f"{BROWSER}/codec_worker.js": one_script("codec_worker").encode(),
    **{f"{BROWSER}/{name}": _read(f"{BROWSER}/{name}") for name in KERNELS},
}
"""What is served, by its path: the page's modules, the worker in which the codec computes, and its kernels."""
VERSION = hashlib.sha256(b"".join(path.encode() + MODULES[path] for path in sorted(MODULES))).hexdigest()[:16]
"""Hash of the content of all modules. It is part of their addresses, so a browser may cache them without limit."""
ROUTE = "/page/{version}/{path:path}"
LATE = "This part of the page did not load; please reload the page."
HEAD = f'<link rel="modulepreload" href="page/{VERSION}/{JOINED}">'
"""Makes a browser fetch the modules at once, not only when the first component is there."""


async def answer(request: Request) -> Response:
    """Serve the modules; 404 for any other path, and for modules of an earlier version."""
    path = request.path_params["path"]
    code = MODULES.get(path)
    if code is None or request.path_params["version"] != VERSION:
        return PlainTextResponse("There is no such module.", 404)
    return Response(code, media_type=MEDIA_TYPES[path[path.rindex(".") :]])


def imported(name: str) -> str:
    """JavaScript for the promise of a component's module."""
    return f'import(new URL("page/{VERSION}/{JOINED}", document.baseURI)).then((modules) => modules.{name})'


def mounting(name: str, events: tuple[str, ...] = ()) -> str:
    """A component's ``js_on_load``, which calls its module's ``mount``; Gradio reads the events' names from it."""
    given = f"{{element, props, server, trigger, watch, events: {json.dumps(events)}}}"
    told = f'console.error(error); element.insertAdjacentHTML("afterbegin", `<p role="alert" class="bad">{LATE}</p>`);'
    return f"{imported(name)}.then((module) => module.mount({given})).catch((error) => {{ {told} }});"


def calling(module: str, function: str, otherwise: str = "given") -> str:
    """JavaScript for an event: calls a module's function with the inputs; ``otherwise`` if the module does not load."""
    return f"(...given) => {imported(module)}.then((module) => module.{function}(...given), () => {otherwise})"
