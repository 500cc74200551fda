"""The switch of private mode and its bar as Gradio components; their code is in ``js/private_switch.js`` and
``js/private.js``.

What needs the server has the class ``on-server``; the page hides that while a private clip is shown.
"""

from distill.ui.components.base import FileComponent


class PrivateSwitch(FileComponent):
    """The button that turns private mode on and off. It has no value and calls no server function."""

    name = "private_switch"


class PrivateBar(FileComponent):
    """Opens sounds in the page alone, which encodes them, and saves what is made of them.

    It is seen while private mode is on. It has no value and calls no server function.
    """

    name = "private"
