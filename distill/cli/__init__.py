"""The command line, ``python -m distill``: a module for each kind of command."""

from distill.cli.commands import main

__all__ = ["main"]
