"""Stand-ins for components, for tests of handlers without a page."""


class Part(str):
    """A component's name with nested parts, as in ``tab.edit.canvas``; handlers use it as a key of their answers."""

    def __getattr__(self, name):
        return Part(f"{self}.{name}" if self else name)
