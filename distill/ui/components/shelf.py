"""The visitor's library of codecs as a Gradio component; its code is in ``js/library.js``."""

from distill.ui.components.base import FileComponent


class Shelf(FileComponent):
    """The codecs in a library, what can be done with each, and the link to the library.

    Its value is described in ``js/types.js``.

    Events: ``look`` for the library whose key ``looking`` of the module gives; ``keep``, ``open_kept``, ``rename_kept``
    and ``delete_kept``, for what ``keeping``, ``opening``, ``renaming`` and ``deleting`` of the module give.
    """

    name = "shelf"
    module = "library"
    custom_events = ("look", "keep", "open_kept", "rename_kept", "delete_kept")
