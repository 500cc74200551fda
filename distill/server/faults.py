"""What a visitor is told when something fails."""

import errno
import logging

from distill.errors import DistillError
from distill.logs import log_fault

logger = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """What a visitor is told of an error: the package's own as they are; any other is logged once, with a reference."""
    if isinstance(error, DistillError):
        return str(error)
    reference = log_fault(logger, "A handler failed", error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The server's disk is full; please try again in some minutes (reference {reference})."
    if isinstance(error, MemoryError):
        return f"The server has no memory for this now; please try again in some minutes (reference {reference})."
    return f"Something broke on our side; nothing of yours is lost (reference {reference})."
