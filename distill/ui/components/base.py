"""The base class of the page's own components."""

from collections.abc import Callable
from importlib import resources
from typing import Any, ClassVar

import gradio as gr

from distill.ui.components.modules import mounting


class FileComponent(gr.HTML):
    """A component with its template and style beside this module and its script among the modules, all under its name.

    The value is JSON and reaches the page unchanged.

    Parameters
    ----------
    value : dict, optional
    server_functions : list of callable, optional
        Functions on the server that the script may call.
    options
        Options of ``gr.HTML``; further ones are properties for the script.
    """

    name: ClassVar[str]
    """Name of the component's files, without suffix."""
    module: ClassVar[str] = ""
    """Name of the module that mounts the component, if it is another one."""
    custom_events: ClassVar[tuple[str, ...]] = ()
    """Events that the script may trigger."""

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        server_functions: list[Callable[..., Any]] | None = None,
        **options: Any,
    ) -> None:
        files = resources.files("distill.ui.components")
        options.setdefault("html_template", files.joinpath(f"{self.name}.html").read_text(encoding="utf-8"))
        options.setdefault("css_template", files.joinpath(f"{self.name}.css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", mounting(self.module or self.name, self.custom_events))
        super().__init__(value=value, server_functions=server_functions, **options)

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}
