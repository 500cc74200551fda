"""The strip of clips as a Gradio component; its code is in ``js/strip.js``."""

from distill.ui.components.base import FileComponent


class ClipStrip(FileComponent):
    """Clips side by side, each as a small spectrogram with its name and its length.

    Its value is described in ``js/types.js``. It calls three server functions: ``strip_pictures`` and ``strip_errors``
    take ``{"ids"}`` and return one picture or one error for each id; ``strip_sound`` takes ``{"id", "track"}`` and
    returns ``{"flac"}``. Errors and reconstructions are those of the codec that ``sound_id`` of the request names.

    Events: ``open_clip`` and ``as_second``, for the clip that ``chosen`` of the module names; ``lay_out`` with
    ``{"ids"}``, and ``weigh`` with ``{"ids", "weight"}``.
    """

    name = "strip"
    custom_events = ("open_clip", "as_second", "lay_out", "weigh")
