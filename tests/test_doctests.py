"""The examples in the docstrings of what scripts use: each runs as it stands, from the top of a checkout."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

import distill.audio
import distill.codec
import distill.codes
import distill.models
from distill.codes import edits

ROOMS = (distill.audio, distill.codes, distill.codec, distill.models)
MODULES = [f"{room.__name__}.{module.name}" for room in ROOMS for module in pkgutil.iter_modules(room.__path__)]
SCALE = [
    f"distill.{module}" for module in ("cli.shared", "scale.listing", "scale.pool", "scale.rows", "scale.unpacking")
]
NEED_NO_EXAMPLE = {"Refusal", "ConvEncoder", "ConvDecoder", "Span", "to_slice"}


def public(room: ModuleType) -> Iterator[tuple[str, object]]:
    for name in room.__all__:
        thing = getattr(room, name)
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and name not in NEED_NO_EXAMPLE:
            yield f"{room.__name__}.{name}", thing


@pytest.mark.parametrize("name", [*MODULES, *SCALE, "distill.training.config"])
def test_the_examples_of_a_module_run_as_written(name, repository, monkeypatch):
    monkeypatch.chdir(repository)
    torch.manual_seed(0)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert failed == 0


@pytest.mark.parametrize(("name", "thing"), [each for room in (*ROOMS, edits) for each in public(room)])
def test_what_scripts_use_has_an_example(name, thing):
    assert "\n>>> " in inspect.cleandoc(thing.__doc__ or ""), name
