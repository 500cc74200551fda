"""The Gradio app: a thin skin over the package, one module a tab."""

from distill.ui.app import build_app, launch, main

__all__ = ["build_app", "launch", "main"]
