"""Helpers that change the contents of a saved ``.distill`` file."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file


def notes_of(path: Path) -> dict[str, Any]:
    """Read the JSON in the header of a file without checks."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["distill"])


def rewrite(
    path: Path, *, header: dict | None = None, settings: dict | None = None, tensors: dict | None = None
) -> None:
    """Replace some values of the header, of the model settings or of the tensors in a file."""
    old = notes_of(path)
    new = old | {"model": old["model"] | (settings or {})} | (header or {})
    save_file(load_file(path) | (tensors or {}), path, metadata={"distill": json.dumps(new)})
