"""The Gradio app: a thin layer over the package, with one module per tab."""

from distill.ui.app import build_app, launch, main

__all__ = ["build_app", "launch", "main"]
