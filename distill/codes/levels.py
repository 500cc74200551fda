"""What the levels of a grid are called."""

_NAMES = {
    2: ("Structure", "Detail"),
    3: ("Structure", "Timbre", "Detail"),
    4: ("Structure", "Timbre", "Texture", "Detail"),
}


def level_names(num_levels: int) -> tuple[str, ...]:
    """What the levels are called, coarsest first.

    Examples
    --------
    >>> level_names(3)
    ('Structure', 'Timbre', 'Detail')
    """
    return _NAMES[num_levels]
