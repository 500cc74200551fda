"""Distill itself as a wheel, made of the files that run here: no package registry has it."""

import hashlib
import re
import tomllib
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from distill import __version__
from distill.errors import CheckoutError

PACKAGE = Path(__file__).parents[1]
KINDS = (".py", ".js", ".css", ".html", ".wasm", ".c", ".h", "py.typed", "README.md")
"""Endings of the package's files. Its weights are named one by one; what else lies there is not of the package."""
NOT_INSTALLED = {"__pycache__", "build", "dist", "node_modules"}
"""Folders that belong to a checkout, not to the package."""

DENSE = (".distill", ".safetensors")
"""Endings of files that hardly get smaller."""


def write_wheel(folder: Path) -> Path:
    """Write the package as a wheel, as ``pip`` and ``uv`` install it.

    Parameters
    ----------
    folder : Path
        Folder to write it to.

    Returns
    -------
    Path
        The wheel; its name has the version. The same files make the same bytes.

    Raises
    ------
    CheckoutError
        If neither the installation nor a checkout tells what Distill needs.

    Examples
    --------
    >>> import tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "distill/errors.py" in zipfile.ZipFile(write_wheel(Path(folder))).namelist()
    True
    """
    facts = f"distill-{__version__}.dist-info"
    lines = ["Metadata-Version: 2.1", "Name: distill", f"Version: {__version__}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements()]
    about = {
        f"{facts}/METADATA": "\n".join(lines) + "\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: distill\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"distill-{__version__}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(path, "w") as wheel:

        def add(name: str, content: bytes) -> None:
            kind = zipfile.ZIP_STORED if name.endswith(DENSE) else zipfile.ZIP_DEFLATED
            wheel.writestr(zipfile.ZipInfo(name), content, kind)
            digest = urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            record.append(f"{name},sha256={digest},{len(content)}")

        for file in _files():
            add(f"distill/{file.relative_to(PACKAGE).as_posix()}", file.read_bytes())
        for name, text in about.items():
            add(name, text.encode())
        wheel.writestr(zipfile.ZipInfo(f"{facts}/RECORD"), "\n".join([*record, f"{facts}/RECORD,,"]) + "\n")
    return path


def requirements() -> list[str]:
    """What Distill needs to be installed, without its extras, as ``pip`` reads it, in the versions that run here.

    Raises
    ------
    CheckoutError
        If neither the installation nor a checkout tells.

    Examples
    --------
    >>> any(line.startswith("torch") for line in requirements())
    True
    """
    project = PACKAGE.parent / "pyproject.toml"
    if project.is_file():
        known = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        if known.get("name") == "distill":
            return [_as_here(line) for line in known["dependencies"]]
    try:
        return [_as_here(line) for line in requires("distill") or () if "extra ==" not in line]
    except PackageNotFoundError as error:
        raise CheckoutError(
            "What Distill needs is not known here, so it cannot be installed elsewhere; please install it with pip."
        ) from error


def _as_here(requirement: str) -> str:
    """A requirement with the version that is installed; "+cpu" and the like are of this machine, and left out."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    try:
        return f"{name}=={version(name).partition('+')[0]}"
    except PackageNotFoundError:
        return requirement


def _files() -> Iterator[Path]:
    from distill.training.base import BASE_PATH, FINE_BASE_PATHS, REHEARSAL_PATH

    weights = {f"training/{path.name}" for path in (BASE_PATH, *FINE_BASE_PATHS.values(), REHEARSAL_PATH)}
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if any(part in NOT_INSTALLED or part.startswith(".") for part in inside.parts):
            continue
        if path.is_file() and (path.name.endswith(KINDS) or inside.as_posix() in weights):
            yield path
