"""The page's own components beyond those of Gradio."""

from distill.ui.components.code_grid import CodeGridCanvas, grid_value
from distill.ui.components.codebook import Codebook, codebook_value
from distill.ui.components.modules import calling
from distill.ui.components.picture import Picture, no_picture, picture
from distill.ui.components.player import Player, player_value
from distill.ui.components.sprites import codec_pictures

__all__ = [
    "CodeGridCanvas",
    "Codebook",
    "Picture",
    "Player",
    "calling",
    "codebook_value",
    "codec_pictures",
    "grid_value",
    "no_picture",
    "picture",
    "player_value",
]
