"""The codec in the page: a kernel in WebAssembly, and the ES modules around it.

The page loads them joined into one, by :mod:`distill.browser.joining`.
"""

from pathlib import Path

from distill.browser.joining import join

FOLDER = Path(__file__).parent
KERNELS = ("kernel.wasm", "kernel_relaxed.wasm")
"""The kernel for all browsers, and the faster one for those that have relaxed SIMD."""


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
    'const module_support = (() => {'
    """
    return join([f"{name}.js"], lambda path: (FOLDER / path).read_text(encoding="utf-8"))
