"""The codec in the page: a kernel in WebAssembly, and the ES modules around it.

The page loads the modules as they are. A page without a server has them as one script, from :func:`one_script`.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
KERNELS = ("kernel.wasm", "kernel_relaxed.wasm")
"""The kernel for all browsers, and the faster one for those that have relaxed SIMD."""
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def one_script(name: str) -> str:
    """Join a module of this folder and all that it imports into one script without imports and exports.

    The script runs where modules cannot be loaded, such as in a worker of a page that was opened from a disk.

    Parameters
    ----------
    name : str
        Name of the module without its suffix, such as "codec_worker".

    Returns
    -------
    str
        A script that defines a constant of the module's name, which holds what the module exports.

    Raises
    ------
    ValueError
        If a module imports or exports in a way that cannot be joined.

    Examples
    --------
    >>> one_script("support").splitlines()[0]
    'const support = (() => {'
    """
    scripts: dict[str, str] = {}

    def add(module: str) -> None:
        if module in scripts:
            return
        text = (FOLDER / f"{module}.js").read_text(encoding="utf-8")
        for _, other in _IMPORT.findall(text):
            add(other)
        exports = ", ".join(_EXPORT.findall(text))
        body = _EXPORT.sub("", _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {found[2]};\n", text))
        if left := _OTHER.search(body):
            raise ValueError(f"{module}.js cannot be joined: {left[0]}")
        scripts[module] = f"const {module} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"

    add(name)
    return "".join(scripts.values())
