"""Tells errors for lack of memory from others: a file that does not fit in memory is not damaged."""

SIGNS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "Cannot allocate memory",
    "create a primitive",
)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one of its causes, is a failed allocation of memory."""
    while error is not None:
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS):
            return True
        error = error.__cause__
    return False
