"""What Gradio does not have: the code grid, and pictures with alternative text."""

from distill.ui.components.code_grid import CodeGridCanvas
from distill.ui.components.picture import Picture, picture

__all__ = ["CodeGridCanvas", "Picture", "picture"]
