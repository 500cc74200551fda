"""The sentence that a visitor reads when something fails."""

import errno
import logging

from distill.errors import DistillError
from distill.logs import log_fault

logger = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """Describe an error to a visitor in one sentence.

    A DistillError is written for readers: its own message is the sentence. Any other error is logged once, and the
    sentence has the reference of the log entry.
    """
    if isinstance(error, DistillError):
        return str(error)
    reference = log_fault(logger, "A handler failed", error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The server's disk is full; please try again in some minutes (reference {reference})."
    if isinstance(error, MemoryError):
        return f"The server has no memory for this now; please try again in some minutes (reference {reference})."
    return f"Something broke on our side; nothing of yours is lost (reference {reference})."
