"""The app, launched once, and a real browser to look at it with."""

import os
import shutil
import socket
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from distill.ui import build_app, launch

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def app_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = build_app()
    _, url, _ = launch(app, server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield url
    app.close()


@pytest.fixture(scope="session")
def browser():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        reason = "A browser test needs Chromium: apt-get install chromium, or set CHROMIUM to its path."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, app_url):
    """The page as a first-time visitor sees it; the test fails if the page logs an error."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Gradio's player tries to draw any upload before it is checked, and says so when that is no sound.
    known = ("Waveform load error",)
    page.on(
        "console",
        lambda message: (
            errors.append(message.text) if message.type == "error" and not message.text.startswith(known) else None
        ),
    )
    page.goto(app_url)
    page.get_by_role("tab", name="Train").wait_for()
    yield page
    page.close()
    assert not errors


@pytest.fixture(scope="session")
def clips():
    folder = Path(__file__).parents[2] / "examples" / "clips"
    return sorted(folder.glob("*.flac"), key=lambda path: path.stat().st_size)
