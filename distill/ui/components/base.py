"""What the page's own components have in common."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr


class FileComponent(gr.HTML):
    """A component whose template, style and script lie beside its module, under that module's name.

    A script of several parts (``name.part.js``) is joined to one, the part that has no name of its own last. The value
    is JSON, and goes to the page as it is.

    Parameters
    ----------
    value : dict, optional
    server_functions : list of callable, optional
        What the script may call on the server.
    options
        Of ``gr.HTML``; others are properties that the script sees.
    """

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        server_functions: list[Callable[..., Any]] | None = None,
        **options: Any,
    ) -> None:
        module = Path(inspect.getfile(type(self)))
        scripts = [*sorted(module.parent.glob(f"{module.stem}.*.js")), module.with_suffix(".js")]
        options.setdefault("html_template", module.with_suffix(".html").read_text(encoding="utf-8"))
        options.setdefault("css_template", module.with_suffix(".css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", "\n".join(script.read_text(encoding="utf-8") for script in scripts))
        super().__init__(value=value, server_functions=server_functions, **options)

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}
