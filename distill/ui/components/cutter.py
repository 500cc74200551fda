"""The cutter of recordings as a Gradio component; its code is in ``js/cutter.js``."""

from distill.ui.components.base import FileComponent


class ClipCutter(FileComponent):
    """The waveform of a recording with its cuts, which are found, moved, added and removed.

    Its value is described in ``js/types.js``. It calls three server functions: ``cut_waveform`` takes ``{"id"}`` and
    returns the drawing; ``cut_sound`` takes ``{"id", "start", "stop"}`` and returns ``{"flac"}``; ``cut_found`` takes
    ``{"id", "by", "fineness"}`` and returns ``{"pieces"}``.

    Event: ``cut``, for the pieces that ``chosen`` of the module gives.
    """

    name = "cutter"
    custom_events = ("cut",)
