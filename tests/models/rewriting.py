"""A ``.distill`` file with other words in it than those it was saved with."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file


def notes_of(path: Path) -> dict[str, Any]:
    """The JSON in a file, unchecked."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["distill"])


def rewrite(
    path: Path, *, header: dict | None = None, settings: dict | None = None, tensors: dict | None = None
) -> None:
    """Save the file again with some of its header, model settings or tensors replaced."""
    old = notes_of(path)
    new = old | {"model": old["model"] | (settings or {})} | (header or {})
    save_file(load_file(path) | (tensors or {}), path, metadata={"distill": json.dumps(new)})
