"""The package as it is installed: what it needs, what it may be installed beside, and what it leaves to a checkout."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import distill
from distill.errors import CheckoutError
from distill.examples import find_examples

ASKED_FOR_BY_NAME = {
    "accelerate",
    "bigvgan",
    "httpx",
    "playwright",
    "huggingface-hub",
    "mido",
    "visqol-python",
    "zimtohrli",
}
"""Packages for one command or option each, which says so where they are missing."""
COMES_WITH_GRADIO = {"anyio", "brotli", "orjson", "starlette"}


@pytest.fixture(scope="module")
def project(repository) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def by_name(lines) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in lines if line.strip()]
    return {canonicalize_name(each.name): each for each in requirements if each.name != "distill"}


def pins(path: Path) -> dict[str, Requirement]:
    return by_name(path.read_text(encoding="utf-8").splitlines())


def test_the_versions_that_are_tested_are_the_first_that_the_package_allows(repository, project):
    pinned = pins(repository / "requirements.txt") | pins(repository / "tests" / "requirements.txt")
    extras = project["optional-dependencies"]
    allowed = by_name([*project["dependencies"], *(each for extra in extras.values() for each in extra)])
    for name, requirement in allowed.items():
        (pin,) = pinned[name].specifier
        lowest = next(each.version for each in requirement.specifier if each.operator == ">=")
        assert pin.operator == "==", name
        assert requirement.specifier.contains(pin.version), f"{requirement} does not allow {pin.version}"
        assert pin.version.startswith(lowest), f"{requirement} allows versions before {pin.version}"
        assert any(each.operator == "<" for each in requirement.specifier), f"{requirement} has no end"


def needed(names) -> set[str]:
    """The libraries of these names and all that they bring along on this machine, by what is installed here."""
    found, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for line in requires(name) or ():
            other, extras = Requirement(line), [*requirement.extras, ""]
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in extras):
                waiting += [other] if canonicalize_name(other.name) not in found or other.extras else []
        found.add(name)
    return found


@pytest.mark.parametrize(("file", "extra"), [("requirements.txt", "space"), ("tests/requirements.txt", "test")])
def test_all_that_is_pinned_pins_what_it_brings_along(repository, project, file, extra):
    pinned, extras = pins(repository / file), project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["page"], *extras["space"], *extras[extra]]
    wanted += [*extras["accelerate"], *extras["scale"]] if extra == "test" else []
    assert needed(by_name(wanted)) <= set(pinned)
    assert all([each.operator for each in pin.specifier] == ["=="] for pin in pinned.values())


def test_both_lists_of_pins_have_the_same_versions(repository):
    app, tests = pins(repository / "requirements.txt"), pins(repository / "tests" / "requirements.txt")
    assert {name: str(pin) for name, pin in tests.items() if name in app} == {
        name: str(pin) for name, pin in app.items()
    }


def test_libraries_whose_private_names_are_used_may_not_even_change_a_little(project):
    for name in ("gradio", "vector-quantize-pytorch"):
        requirement = by_name([*project["dependencies"], *project["optional-dependencies"]["page"]])[name]
        ends = {each.operator: each.version.split(".") for each in requirement.specifier}
        assert ends["<"] == [ends[">="][0], str(int(ends[">="][1]) + 1)]


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
    return names - set(sys.stdlib_module_names) - {"distill"}


def test_every_library_that_is_imported_is_asked_for_by_the_package_or_by_its_extra(repository, project):
    distributions = packages_distributions()
    needed, page = by_name(project["dependencies"]), by_name(project["optional-dependencies"]["page"])
    for path in sorted((repository / "distill").rglob("*.py")):
        room = path.relative_to(repository / "distill").parts[0]
        allowed = {*needed, *ASKED_FOR_BY_NAME}
        if room in ("server", "ui"):
            allowed |= {*page, *COMES_WITH_GRADIO}
        if room == "scale":
            allowed |= {*by_name(project["optional-dependencies"]["scale"])}
        for name in imported(path):
            owners = {canonicalize_name(each) for each in distributions.get(name, [f"{name}-python", name])}
            assert owners & allowed, f"{path.relative_to(repository)} imports {name}"


def test_the_version_is_written_once(repository, project):
    assert "version" in project["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", distill.__version__)


def test_the_licence_is_the_one_that_the_space_and_the_package_name(repository, project):
    assert "CC0 1.0 Universal" in (repository / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "CC0-1.0"
    assert "\nlicense: cc0-1.0\n" in (repository / "README.md").read_text(encoding="utf-8")
    assert "CC0 1.0" in (repository / "examples" / "CREDITS.md").read_text(encoding="utf-8")


def test_where_there_are_no_examples_a_sentence_says_where_they_are(repository, tmp_path, is_one_sentence):
    with pytest.raises(CheckoutError) as error:
        find_examples(tmp_path)
    assert is_one_sentence(error.value, "examples", "checkout")
    assert find_examples() == repository / "examples"
