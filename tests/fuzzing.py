"""Hostile files by the thousand: what damages them, and a survey of what becomes of each.

A survey runs in a process of its own, so that what a file takes can be measured: its time, its memory, and by a limit
on the process also memory that is only reserved.
"""

import copy
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import DistillError

MIB = 1024**2
SPECIAL_FLOATS = [
    float("nan"),
    float("inf"),
    -float("inf"),
    1e308,
    -1e308,
    1e38,
    -1e38,
    65504.0,
    1e-45,
    -0.0,
    0.0,
    -1.0,
]
RAW = "raw token:"
"""Begins a string that stands in JSON as it is, without quotes."""
NASTY: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        7,
        255,
        2**31,
        2**32,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63),
        2**64,
        10**30,
        10**400,
    ),
    *(
        0.5,
        -0.5,
        1.0,
        *SPECIAL_FLOATS,
        RAW + "1e999",
        RAW + "-0",
        RAW + "1" * 5000,
        RAW + '{"a":1,"a":2}',
        RAW + "[1,]",
    ),
    *("", "a", "64", "x" * 100_000, "<script>alert(1)</script>", "\ud800", "\0", "\u202e", "a\nb", "../../etc/passwd"),
    *([], {}, [[]], [None], [[[[1]]]], [0] * 50_000, [[]] * 20_000, {"a": {"b": {}}}, {"__class__": 1}),
    *(RAW + "[" * 400 + "]" * 400, RAW + "[" * 100_000, RAW + '{"a":' * 50_000),
]
"""What a stranger may write in the place of any value."""


def to_json(tree: object) -> str:
    """JSON, with NaN and whatever else Python writes and the standard does not have."""
    text = json.dumps(tree)
    while (start := text.find(f'"{RAW}')) >= 0:
        token, length = json.decoder.scanstring(text, start + 1)
        text = text[:start] + token.removeprefix(RAW) + text[length:]
    return text


def paths(tree: object) -> list[tuple[str | int, ...]]:
    """The way to every value in JSON; of a list, to its first and last."""
    keys = [*tree] if isinstance(tree, dict) else sorted({0, len(tree) - 1}) if isinstance(tree, list) and tree else []
    return [way for key in keys for way in ((key,), *((key, *rest) for rest in paths(tree[key])))]  # type: ignore[index]


def swapped(tree: Any, way: tuple[str | int, ...], value: object) -> Any:
    """A copy of the tree with another value at the end of the way."""
    tree = copy.deepcopy(tree)
    node = tree
    for key in way[:-1]:
        node = node[key]
    node[way[-1]] = value
    return tree


def damaged(content: bytes, other: bytes, generator: np.random.Generator, first: int, last: int) -> tuple[str, bytes]:
    """A file with something done to its bytes between ``first`` and ``last``, and what it was."""
    kind = str(
        generator.choice(["bit", "byte", "bytes", "zeros", "cut", "junk", "hole", "doubled", "splice", "shuffle"])
    )
    start, stop = sorted(int(place) for place in generator.integers(first, max(last, first + 1), 2))
    damage = bytearray(content)
    match kind:
        case "bit":
            damage[start] ^= 1 << int(generator.integers(8))
        case "byte":
            damage[start] = int(generator.choice([0, 1, 0x7F, 0x80, 0xFF, damage[start] ^ 0x55]))
        case "bytes":
            damage[start : start + 8] = generator.bytes(8)
        case "zeros":
            damage[start:stop] = bytes(stop - start)
        case "cut":
            del damage[start:]
        case "junk":
            damage += generator.bytes(int(generator.integers(1, 5000)))
        case "hole":
            del damage[start:stop]
        case "doubled":
            damage[start:start] = damage[start:stop]
        case "splice":
            damage[start:] = other[int(generator.integers(len(other))) :] if generator.random() < 0.5 else other[start:]
        case "shuffle":
            damage[start:stop] = damage[(start + stop) // 2 : stop] + damage[start : (start + stop) // 2]
    return kind, bytes(damage)


@dataclass
class Survey:
    """What became of hostile files."""

    outcomes: dict[str, int] = field(default_factory=dict)
    """How many of each kind were refused, and how many did load and work."""
    slowest: float = 0.0
    """Processor seconds that the slowest of them took."""
    growth: int = 0
    """Bytes by which the process grew beyond what a good file takes."""
    problems: list[str] = field(default_factory=list)
    """Every error that was not a sentence for a visitor, with the number of its case."""

    @property
    def cases(self) -> int:
        return sum(self.outcomes.values())


def survey(good: Callable[[], object], cases: Iterable[tuple[str, Callable[[], object]]], ceiling: int) -> Survey:
    """Try all cases, in this process: run a good one first, then let the memory grow by no more than the ceiling."""
    good()
    before = memory("VmRSS")
    resource.setrlimit(resource.RLIMIT_DATA, (memory("VmData") + ceiling, resource.RLIM_INFINITY))
    result, outcomes = Survey(), Counter[str]()
    for number, (kind, attempt) in enumerate(cases):
        began = time.process_time()
        try:
            attempt()
            outcomes[f"{kind}, works"] += 1
        except DistillError as error:
            outcomes[f"{kind}, refused"] += 1
            message = str(error)
            if not message.endswith(".") or any(part in message for part in ("\n", ". ", "/", "Traceback")):
                result.problems.append(f"case {number}, {kind}: {message:.200}")
        except Exception as error:
            outcomes[f"{kind}, fails"] += 1
            result.problems.append(f"case {number}, {kind}: {error!r:.200}")
        result.slowest = max(result.slowest, time.process_time() - began)
    result.growth = memory("VmHWM") - before
    result.outcomes = dict(outcomes)
    return result


def memory(name: str) -> int:
    """Bytes of this process as Linux counts them; ``getrusage`` begins with the peak of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


def survey_elsewhere(module: str, count: int, *, seconds: float) -> Survey:
    """Run a module's survey of so many cases in a process of its own, and say what came of it."""
    command = [sys.executable, "-W", "ignore", "-m", module, str(count)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr[-2000:]
    result = Survey(**json.loads(done.stdout.splitlines()[-1]))
    refused, works = (sum(n for kind, n in result.outcomes.items() if end in kind) for end in ("refused", "works"))
    print(
        f"\n{module}: {result.cases} hostile files; {refused} refused in a sentence, {works} load and work, "
        f"{len(result.problems)} problems; the slowest took {result.slowest:.2f} s, "
        f"memory grew by {result.growth / MIB:.0f} MiB\n  "
        + ", ".join(f"{kind} {number}" for kind, number in sorted(result.outcomes.items()))
    )
    return result


def tell(result: Survey) -> None:
    """Print a survey for :func:`survey_elsewhere` to read."""
    print(json.dumps(asdict(result)))
