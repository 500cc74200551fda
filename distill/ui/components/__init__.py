"""The page's own components beyond those of Gradio."""

from distill.editing.sprites import codec_pictures
from distill.ui.components.code_grid import CodeGridCanvas, grid_value
from distill.ui.components.codebook import Codebook, codebook_value
from distill.ui.components.cutter import ClipCutter
from distill.ui.components.modules import calling
from distill.ui.components.picture import Picture, data_uri, no_picture, picture
from distill.ui.components.player import Player, player_value
from distill.ui.components.private import PrivateBar, PrivateSwitch
from distill.ui.components.shelf import Shelf
from distill.ui.components.spectra import Spectra, spectra_value
from distill.ui.components.strip import ClipStrip

__all__ = [
    "ClipCutter",
    "ClipStrip",
    "CodeGridCanvas",
    "Codebook",
    "Picture",
    "Player",
    "PrivateBar",
    "PrivateSwitch",
    "Shelf",
    "Spectra",
    "calling",
    "codebook_value",
    "codec_pictures",
    "data_uri",
    "grid_value",
    "no_picture",
    "picture",
    "player_value",
    "spectra_value",
]
