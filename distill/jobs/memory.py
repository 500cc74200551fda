"""Which errors mean that there was no memory: a file that is then not read is not damaged."""

SIGNS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "Cannot allocate memory",
    "create a primitive",
)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, is of an allocation that failed."""
    while error is not None:
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS):
            return True
        error = error.__cause__
    return False
