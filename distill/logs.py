"""The log for the server's operator: one JSON object per line, without names of visitors, clips or their files."""

import json
import logging
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_VISITORS_FILE = re.compile(r"/(files|sets|jobs|unpacked)/[^'\"\n]*")


class JsonLines(logging.Formatter):
    """Format a record as JSON: time (ISO 8601, UTC), level, logger, message, the fields of ``extra``, a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            entry["traceback"] = _VISITORS_FILE.sub(r"/\1/…", self.formatException(record.exc_info))
        return json.dumps(entry, default=str)


class Bounded(logging.Filter):
    """Pass a limited number of records of one kind per minute, and count the rest.

    A kind is a logger, a line of its code, and a level. A visitor who causes the same error again and again therefore
    cannot fill the disk. The first record of the next active minute carries the count as ``left_out``.

    Parameters
    ----------
    most : int
        Maximum records of one kind in a minute.
    clock : callable
        Returns the time in seconds; it must never go back.
    """

    def __init__(self, most: int = 30, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most, self._clock = most, clock
        self._counts: Counter[tuple[str, int, str]] = Counter()
        self._minute = -1

    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            left_out = sum(count - self._most for count in self._counts.values() if count > self._most)
            self._minute, self._counts = minute, Counter()
            if left_out:
                record.left_out = left_out
        kind = (record.name, record.lineno, record.levelname)
        self._counts[kind] += 1
        return self._counts[kind] <= self._most


def log_fault(logger: logging.Logger, message: str, error: BaseException, **extra: object) -> str:
    """Log an unexpected error, and return the reference that identifies it in the log."""
    reference = secrets.token_hex(4)
    logger.error("%s (reference %s).", message, reference, exc_info=error, extra={"reference": reference, **extra})
    return reference


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Write the log of the package (level "info" and above) and the warnings of other code to a stream as JSON lines.

    :class:`Bounded` limits repeated records.
    """
    handler = logging.StreamHandler(stream)
    handler.addFilter(Bounded())
    handler.setFormatter(JsonLines())
    logging.captureWarnings(True)
    logging.getLogger().handlers = [handler]
    logging.getLogger("distill").setLevel(logging.INFO)
