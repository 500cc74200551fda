"""What a training tells of itself, from its JSON: steps, validations and curves, each value checked.

The trainer is imported only where one of its records is made: a process that trains has something to do before that.
"""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from distill.training.trainer import Progress, Validation

Curves = dict[str, list[dict[str, float | None]]]
Restored = TypeVar("Restored")


def restore(kind: type[Restored], values: dict[str, Any], **parts: Any) -> Restored:
    """A dataclass from its fields as JSON has them; ``parts`` are those that are no plain numbers and strings.

    Raises
    ------
    TypeError, ValueError
        If a field is missing, unknown, of another type or out of its range.
    """
    types = {entry.name: entry.type for entry in fields(kind)}  # type: ignore[arg-type]
    checked = {}
    for name, value in values.items():
        if type(value) is int and types.get(name) in (float, float | None):
            value = float(value)
        if not isinstance(value, types.get(name, ())) or (type(value) is bool and types[name] is not bool):  # type: ignore[arg-type]
            raise TypeError(f"{name} is of another type")
        checked[name] = value
    return kind(**checked, **parts)


def restore_progress(values: dict[str, Any] | None) -> "Progress | None":
    """A step from its JSON; errors as :func:`restore`."""
    from distill.training.trainer import Progress

    return None if values is None else restore(Progress, values)


def restore_validation(values: dict[str, Any] | None) -> "Validation | None":
    """A validation from its JSON; errors as :func:`restore`, and KeyError."""
    from distill.training.health import LevelHealth
    from distill.training.trainer import Validation

    if values is None:
        return None
    values = dict(values)
    levels = tuple(restore(LevelHealth, level) for level in values.pop("levels"))
    usage, warnings = tuple(map(tuple, values.pop("usage"))), tuple(values.pop("warnings"))
    if not all(type(count) is int for level in usage for count in level) or not all(type(w) is str for w in warnings):
        raise TypeError("usage is not counted, or a warning is no sentence")
    return restore(Validation, values, levels=levels, usage=usage, warnings=warnings)


def restore_curves(values: dict[str, Any]) -> Curves:
    """Loss curves from their JSON; errors as :func:`restore`, and KeyError."""
    wanted = {"steps": ("step", "seconds", "recon_loss"), "validations": ("step", "seconds", "mel_l1", "val_mel_l1")}
    curves: Curves = {}
    for name, keys in wanted.items():
        curves[name] = [{key: point[key] for key in keys} for point in values[name]]
        for point in curves[name]:
            if not all(
                isinstance(value, int | float) or (key, value) == ("val_mel_l1", None) for key, value in point.items()
            ):
                raise TypeError("a point is no number")
    return curves
