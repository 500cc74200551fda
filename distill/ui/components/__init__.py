"""What the page is built of beyond Gradio's own components."""

from distill.ui.components.code_grid import CodeGridCanvas, grid_value
from distill.ui.components.codebook import Codebook, codebook_value
from distill.ui.components.picture import Picture, no_picture, picture
from distill.ui.components.player import Player, player_value

__all__ = [
    "CodeGridCanvas",
    "Codebook",
    "Picture",
    "Player",
    "codebook_value",
    "grid_value",
    "no_picture",
    "picture",
    "player_value",
]
