"""Names of the levels of a grid."""

_NAMES = {
    2: ("Structure", "Detail"),
    3: ("Structure", "Timbre", "Detail"),
    4: ("Structure", "Timbre", "Texture", "Detail"),
}


def level_names(num_levels: int) -> tuple[str, ...]:
    """Return the names of all levels of a codec, coarsest first. A codec has 2 to 4 levels.

    Examples
    --------
    >>> level_names(3)
    ('Structure', 'Timbre', 'Detail')
    """
    return _NAMES[num_levels]
