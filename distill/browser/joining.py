"""Joins ES modules into one script, so that a page asks for one file instead of a hundred."""

import posixpath
import re
from collections.abc import Callable

_COMMENT = re.compile(r"(?<![^\s(\[,=])/\*\*.*?\*/|^\s*//[^\n]*\n", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r'^(?P<word>import|export) \{(?P<names>[^}]*)\} from "(?P<path>[^"]+)";\n', re.MULTILINE)
_LATER = re.compile(r'\bimport\("(?P<path>\.[^"]+)"\)')
_LISTED = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\s*\(.*", re.MULTILINE)
_CHANGES = re.compile(r"^let (\w+)", re.MULTILINE)


def without_comments(code: str) -> str:
    """JavaScript without its JSDoc, and without the lines that are a comment.

    Examples
    --------
    >>> without_comments("/** The hop. */\\nconst HOP = 512; // samples\\n").strip()
    'const HOP = 512; // samples'
    """
    return _COMMENT.sub("", code)


def constant_of(path: str) -> str:
    """Name of the constant that holds what a joined module exports.

    Examples
    --------
    >>> constant_of("ui/components/js/deck.js")
    'module_ui_components_js_deck'
    """
    return "module_" + re.sub(r"\W", "_", path.removesuffix(".js"))


def join(paths: list[str], read: Callable[[str], str]) -> str:
    """Join modules and all that they import into one script without imports and exports.

    Parameters
    ----------
    paths : list of str
        Paths of the modules.
    read : callable
        Gives the code of a module by its path.

    Returns
    -------
    str
        A script that defines a constant for each module, each after those that it imports, named by
        :func:`constant_of`. A module that is imported later, by ``import()``, is in the script as well.

    Raises
    ------
    ValueError
        If a module imports or exports in a way that cannot be joined or changes what it exports by name, imports what
        the other one does not export, or if modules import each other in a circle.

    Examples
    --------
    >>> code = {"a.js": 'import { b as c } from "./b.js";\\nc();\\n', "b.js": "export const b = () => 1;\\n"}
    >>> print(join(["a.js"], code.__getitem__), end="")
    const module_b = (() => {
    const b = () => 1;
    <BLANKLINE>
    return { b };
    })();
    const module_a = (() => {
    const { b: c } = module_b;
    c();
    <BLANKLINE>
    return {  };
    })();
    """
    scripts: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    begun, later = set[str](), list(paths)

    def add(path: str) -> None:
        if path in begun:
            if path not in scripts:
                raise ValueError(f"{path} cannot be joined: it imports itself by way of others.")
            return
        begun.add(path)
        text, exports = without_comments(read(path)), list[str]()

        def other(found: re.Match[str]) -> str:
            return posixpath.normpath(posixpath.join(posixpath.dirname(path), found["path"]))

        def taken(found: re.Match[str]) -> str:
            add(other(found))
            constant, names = constant_of(other(found)), _names(found["names"])
            if missing := ", ".join(name for name, _ in names if name not in exported[other(found)]):
                raise ValueError(f"{path} cannot be joined: {other(found)} does not export {missing}.")
            if found["word"] == "export":
                exports.extend(f"{given}: {constant}.{name}" for name, given in names)
                return ""
            return f"const {{ {', '.join(f'{name}: {given}' for name, given in names)} }} = {constant};\n"

        def taken_later(found: re.Match[str]) -> str:
            later.append(other(found))
            return f"Promise.resolve({constant_of(other(found))})"

        body = _LATER.sub(taken_later, _IMPORT.sub(taken, text))
        exports += [f"{given}: {name}" for listed in _LISTED.findall(body) for name, given in _names(listed)]
        exports += _EXPORT.findall(body)
        body = _EXPORT.sub("", _LISTED.sub("", body))
        if left := _OTHER.search(body):
            raise ValueError(f"{path} cannot be joined: {left[0]}")
        if changing := {each.rpartition(" ")[2] for each in exports} & set(_CHANGES.findall(body)):
            raise ValueError(f"{path} cannot be joined: it changes what it exports, {', '.join(sorted(changing))}.")
        exported[path] = {each.partition(":")[0] for each in exports}
        scripts[path] = f"const {constant_of(path)} = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();\n"

    while later:
        add(later.pop(0))
    return "".join(scripts.values())


def _names(listed: str) -> list[tuple[str, str]]:
    """The names in a list of imports or exports: each with the one that follows "as", or itself."""
    names = [name.split(" as ") for name in listed.replace("\n", " ").split(",") if name.strip()]
    return [(name[0].strip(), name[-1].strip()) for name in names]
