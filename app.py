"""The Space's entry: build the app, launch it."""

from distill.ui import build_app, launch

if __name__ == "__main__":
    launch(build_app())
