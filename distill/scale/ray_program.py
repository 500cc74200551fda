"""The program that runs Ray for :mod:`distill.scale.pool`: a request comes on stdin, answers go out as JSON lines.

Its parent holds stdin open: when the parent is gone, however it ended, this program ends with all that it started.
"""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from typing import Any

from distill import system
from distill.scale.ray_work import RefusedError, run


def main() -> None:
    """Do what the request says; whatever else is printed goes where stderr goes."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    _say_all(request, say)
    out.close()


def _say_all(request: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    try:
        run(request, say)
        say({"done": True})
    except RefusedError as error:
        say({"failed": str(error)})
    except Exception as error:
        words = str(error).strip().partition("\n")[0].rstrip(". ")[:200] or type(error).__name__
        say({"failed": f"Ray could not go on: {words}."})


def _end_with_parent() -> None:
    system.wait_for_hang_up(0)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    system.end_at_once()


if __name__ == "__main__":
    main()
