"""What the map of the package, ``distill/README.md``, says."""

import re
from pathlib import Path

CODE = re.compile(r"`([^`]+)`")
MAP = Path(__file__).parents[1] / "distill" / "README.md"


def section(heading: str) -> str:
    """The text below a heading of the second order."""
    text = MAP.read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    """What a cell, or a text, has in backticks."""
    return CODE.findall(cell)


def fields(heading: str, first: str = "") -> set[str]:
    """All that a table names below its head, or in the rows whose first cell begins with a text."""
    rows = [row for row in table(heading) if row[0].startswith(first)]
    assert rows, f"the map has no row {first!r} below {heading!r}"
    return {name for row in rows for cell in (row[1:] if first else row) for name in names(cell)}


def keys(value: object) -> set[str]:
    """The keys of dicts in JSON, however deep."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()
