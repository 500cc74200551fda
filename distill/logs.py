"""What the server tells its operator: one JSON object a line, and never whose clip or what it is called."""

import json
import logging
import re
import secrets
import sys
from datetime import UTC, datetime
from typing import TextIO

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_VISITORS_FILE = re.compile(r"/(files|sets|jobs|unpacked)/[^'\"\n]*")


class JsonLines(logging.Formatter):
    """A record as JSON: time (ISO 8601, UTC), level, logger, message, what ``extra`` named, and a traceback."""

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


def log_fault(logger: logging.Logger, message: str, error: BaseException, **extra: object) -> str:
    """Log an error that no message of ours foresaw, and return the reference by which it is found there."""
    reference = secrets.token_hex(4)
    logger.error("%s (reference %s).", message, reference, exc_info=error, extra={"reference": reference, **extra})
    return reference


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Write the package's log, from "info" up, and the warnings of all else as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.captureWarnings(True)
    logging.getLogger().handlers = [handler]
    logging.getLogger("distill").setLevel(logging.INFO)
