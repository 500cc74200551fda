"""Components by their names, for tests of handlers without a page."""


class Part(str):
    """A component by its name, as handlers answer by it: ``tab.edit.canvas``."""

    def __getattr__(self, name):
        return Part(f"{self}.{name}" if self else name)
