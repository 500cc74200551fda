"""Puts the page's ES modules into one file: each becomes a ``data:`` URL under a bare name, which an import map lists.

A page from a disk may not load other files, so no module can be imported by its path there.
"""

import base64
import json
import posixpath
import re
from importlib import resources

from distill.browser.joining import without_comments

_IMPORT = re.compile(r'(?P<before>\bfrom |^import |\bimport\()"(?P<path>\.{1,2}/[^"]+)"', re.MULTILINE)


def resource(path: str) -> bytes:
    """The content of a file of the package, by its path in it."""
    return resources.files("distill").joinpath(path).read_bytes()


def code_of(path: str) -> str:
    """The code of a module without its comments."""
    return without_comments(resource(path).decode())


def imported_by(path: str) -> list[str]:
    """Paths of the modules that a module imports."""
    folder = posixpath.dirname(path)
    found = (match["path"] for match in _IMPORT.finditer(code_of(path)))
    return [posixpath.normpath(posixpath.join(folder, each)) for each in found]


def modules_from(*entries: str) -> list[str]:
    """Paths of modules and of all that they import, in the order in which they are found."""
    found, waiting = [], list(entries)
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found.append(path)
            waiting += imported_by(path)
    return found


def import_map(*entries: str) -> str:
    """An import map, in JSON: the modules, and all that they import, by the names ``distill/<path in the package>``."""
    imports = {f"distill/{path}": _data_url(_with_names(path)) for path in modules_from(*entries)}
    return json.dumps({"imports": imports})


def _with_names(path: str) -> str:
    folder = posixpath.dirname(path)

    def named(match: re.Match[str]) -> str:
        return f'{match["before"]}"distill/{posixpath.normpath(posixpath.join(folder, match["path"]))}"'

    return _IMPORT.sub(named, code_of(path))


def _data_url(code: str) -> str:
    return "data:text/javascript;base64," + base64.b64encode(code.encode()).decode()
