"""Measure in a real browser how soon an edit is heard, and what that costs the server and the page.

The app runs in a process of its own, as ``python app.py`` starts it. Playwright, Chromium and httpx are needed
only here.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from distill import system
from distill.audio import SAMPLE_RATE, Clip, read_clips
from distill.codec import Codec
from distill.errors import CheckoutError, ConfigError
from distill.examples import find_examples

WAYS = ("page", "server")
"""Who makes the sound of an edit: the page's own codec, or the server as for browsers that cannot."""
NO_CODEC = "delete globalThis.WebAssembly"
"""Script that makes a browser one that cannot."""
CLIP_SECONDS, EDITS, WARMUP_EDITS, PAUSE_MS = 10, 40, 5, 250
VISITORS, VISITOR_SECONDS = 32, 2.0
"""Number of other visitors, and the seconds between two edits of each."""
PATIENCE_SECONDS = 120
FLAGS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream")
SERVE = "from distill.ui import main; main()"
GRID = "[...document.querySelectorAll('#edit-grid *')].find(part => part.grid)?.grid"
OF_THE_CODEC = re.compile(r"/codec/|/codec_worker\.js|\.wasm")
"""In the addresses of what the page loads to make its sound: the codec, and the code that runs it."""
PRESSES = "globalThis.pressed = 0; addEventListener('pointerdown', (event) => { pressed = event.timeStamp; }, true);"
MIB = 2**20


def measure_page(
    say: Callable[[str], object], *, edits: int = EDITS, visitors: int = VISITORS, examples: Path | None = None
) -> dict[str, Any]:
    """Measure the Edit tab in Chromium, with the sound made by the page and by the server, alone and among visitors.

    The time of an edit is measured from the pointer event on a cell (``event.timeStamp``) to the moment when the page
    hands the first buffer with changed samples to the audio graph, plus the time from then until the graph's clock
    reaches the scheduled start of that buffer. The graph's own latency and the device's come after that, the same in
    both ways; the former is reported as ``audio_ms``. The clip has 10 s, each edit is one cell of the first level, and
    nothing else plays.

    Parameters
    ----------
    say : callable
        Takes a line of text to print.
    edits : int
        Number of edits that are timed in each case; five more come first.
    visitors : int
        Number of other visitors, who make an edit every two seconds each in the same way.
    examples : Path, optional
        Folder with ``clips/`` and ``models/loops.distill``; by default the checkout's.

    Returns
    -------
    dict
        For each way, "page" and "server": ``edit_ms_median`` and ``edit_ms_95``, ``busy_edit_ms_median`` and
        ``busy_edit_ms_95`` among the visitors, ``audio_ms``, ``server_ms`` (processor time of the server for an edit),
        ``first_visit_bytes`` (of all that a new browser loads until the tab sounds), ``codec_bytes`` (of them, those of
        the codec and its code), ``page_mb`` (memory of the page's process after the edits).

    Raises
    ------
    CheckoutError
        If the examples are missing.
    ConfigError
        If Playwright, Chromium or httpx is missing, or the app does not start.
    """
    folder = examples or find_examples()
    text = _ten_seconds(folder)
    figures: dict[str, dict[str, float]] = {}
    with open_browser() as browser, served() as (url, process):
        for way in WAYS:
            figures[way] = _measure(browser, url, process, text, way, edits=edits)
            with _crowd(url, visitors, is_heard=way == "server"):
                busy = _measure(browser, url, process, text, way, edits=edits)
            figures[way] |= {f"busy_{name}": busy[name] for name in ("edit_ms_median", "edit_ms_95")}
            _say(way, figures[way], visitors, say)
    return figures


def _say(way: str, row: dict[str, float], visitors: int, say: Callable[[str], object]) -> None:
    who = "by the page" if way == "page" else "by the server"
    say(
        f"{who:<14} press to sound {row['edit_ms_median']:.0f} ms (95 %: {row['edit_ms_95']:.0f} ms), among {visitors} "
        f"visitors {row['busy_edit_ms_median']:.0f} ms ({row['busy_edit_ms_95']:.0f} ms); the server computes "
        f"{row['server_ms']:.1f} ms for an edit; a first visit loads {row['first_visit_bytes'] / 1e6:.2f} MB, of them "
        f"{row['codec_bytes'] / 1e6:.2f} MB of codec; the page takes {row['page_mb']:.0f} MB."
    )


def _ten_seconds(folder: Path) -> str:
    """Ten seconds of the example clips as the text of a grid."""
    codec = Codec.load(folder / "models" / "loops.distill")
    clips = [clip.waveform for clip in read_clips([folder / "clips"]) if isinstance(clip, Clip)]
    sound = np.resize(np.concatenate(clips), CLIP_SECONDS * SAMPLE_RATE)
    return codec.encode(sound, SAMPLE_RATE).to_text()


# ---- the browser


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        import httpx  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigError(f"This benchmark needs {error.name}: pip install playwright httpx, and a Chromium.") from None
    if path is None:
        raise ConfigError("This benchmark needs Chromium: install it, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _measure(
    browser: Any, url: str, process: subprocess.Popen[bytes], text: str, way: str, *, edits: int
) -> dict[str, float]:
    """Open the clip in a new browser context, and time edits of random cells."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    try:
        page = context.new_page()
        page.add_init_script(PRESSES + (NO_CODEC if way == "server" else ""))
        loaded = _count_bytes(context.new_cdp_session(page))
        _open(page, url, text, is_local=way == "page")
        times = []
        pick = _picker(page)
        for number in range(WARMUP_EDITS + edits):
            if number == WARMUP_EDITS:
                before = system.processor_seconds(process.pid)
            times.append(_press(page, pick()))
        page.wait_for_function(f"() => {GRID}.pending === 0")
        server = system.processor_seconds(process.pid) - before
        times = times[WARMUP_EDITS:]
        return {
            "edit_ms_median": float(np.median(times)),
            "edit_ms_95": float(np.percentile(times, 95)),
            "audio_ms": 1000 * page.evaluate(f"() => {GRID}.latest.latency"),
            "server_ms": 1000 * server / edits,
            "first_visit_bytes": sum(loaded.values()),
            "codec_bytes": sum(size for name, size in loaded.items() if OF_THE_CODEC.search(name)),
            "page_mb": _page_bytes(browser) / MIB,
        }
    finally:
        context.close()


def _count_bytes(session: Any) -> dict[str, float]:
    """Count the bytes that a page loads from now on, by address."""
    loaded: dict[str, float] = {}
    names: dict[str, str] = {}
    session.on("Network.requestWillBeSent", lambda sent: names.update({sent["requestId"]: sent["request"]["url"]}))

    def finished(event: dict[str, Any]) -> None:
        name = names.get(event["requestId"], "")
        loaded[name] = loaded.get(name, 0.0) + event["encodedDataLength"]

    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    return loaded


def _open(page: Any, url: str, text: str, *, is_local: bool) -> None:
    page.goto(url)
    page.get_by_role("tab", name="Edit").click()
    made = f"{GRID}?.samples && {GRID}.isLocal === {json.dumps(is_local)} && !{GRID}.stale.length"
    page.wait_for_function(f"() => {made}")
    example = page.evaluate(f"() => {GRID}.indices.length")
    page.get_by_text("The grid as text, to share").click()
    page.locator("#edit-text textarea").fill(text)
    page.locator("#edit-load-text").click()
    page.wait_for_function(f"() => {GRID}.indices.length !== {example} && {made}")
    page.locator("canvas.cells").scroll_into_view_if_needed()
    page.get_by_role("button", name="Brush", exact=True).click()


def _picker(page: Any) -> Callable[[], tuple[float, float]]:
    """A function that chooses a cell of the first level that the brush would change, and returns its middle."""
    random = np.random.default_rng(0)
    indices = np.array(page.evaluate(f"() => Array.from({GRID}.indices)"))
    levels = page.locator(".code-grid .levels button").count() - 1  # the last button shows all of them
    columns = len(indices) // (8 * levels)
    first = indices[: 8 * columns].reshape(8, columns)
    size = page.locator(".code-grid .palette button").count()
    code = int(np.bincount(first.ravel(), minlength=size).argmin())
    page.locator(f'.code-grid .palette [data-code="{code}"]').click()
    box = page.locator("canvas.cells").bounding_box()
    wide = page.locator(".code-grid .track").evaluate("track => track.clientWidth") / columns
    shown = min(columns, int(box["width"] / wide))
    cells = [(row, column) for row in range(8) for column in range(shown) if first[row, column] != code]
    order = iter(random.permutation(len(cells)).tolist())

    def pick() -> tuple[float, float]:
        row, column = cells[next(order)]
        return box["x"] + (column + 0.5) * wide, box["y"] + (7 - row + 0.5) * 28

    return pick


def _press(page: Any, place: tuple[float, float]) -> float:
    """Press on a cell, and return the milliseconds until its sound."""
    page.wait_for_timeout(PAUSE_MS)
    before = page.evaluate(f"() => {GRID}.first.at")
    page.mouse.click(*place)
    page.wait_for_function(f"() => {GRID}.first.at > Math.max({before}, pressed)")
    return float(page.evaluate(f"() => {GRID}.first.at - pressed + 1000 * {GRID}.first.delay"))


def _page_bytes(browser: Any) -> int:
    """Memory of the largest page process, in bytes; 0 where the system does not tell."""
    infos = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max((system.resident_bytes(info["id"]) or 0 for info in infos if info["type"] == "renderer"), default=0)


# ---- the server and its visitors


@contextlib.contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app in a process of its own, with an empty folder."""
    import httpx

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DISTILL_FOLDER": folder, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            ends = time.monotonic() + PATIENCE_SECONDS
            while not _answers(httpx, url):
                if process.poll() is not None or time.monotonic() > ends:
                    raise CheckoutError("The app does not start: python app.py says why.")
                time.sleep(0.5)
            yield url, process
        finally:
            process.terminate()
            process.wait()


def _answers(httpx: Any, url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/health", timeout=10).status_code == 200)
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def _crowd(url: str, count: int, *, is_heard: bool) -> Iterator[None]:
    """Visitors who each paint a cell every two seconds, for as long as the context lasts."""
    over, here = threading.Event(), threading.Barrier(count + 1)
    failed: list[Exception] = []

    def visit(number: int) -> None:
        try:
            visitor = _Visitor(url)
            visitor.paint(number, is_heard=is_heard)
        except Exception as error:
            failed.append(error)
            here.abort()
            return
        here.wait()
        while not over.wait(VISITOR_SECONDS):
            visitor.paint(number := number + 1, is_heard=is_heard)

    threads = [threading.Thread(target=visit, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        here.wait(PATIENCE_SECONDS)
    except threading.BrokenBarrierError:
        raise ConfigError(f"The visitors cannot come: {failed[0] if failed else 'the server is too slow'}.") from None
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


class _Visitor:
    """A visitor without a browser, who has opened the page."""

    def __init__(self, url: str) -> None:
        import httpx

        self._http = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS)
        config = self._http.get("/config").json()
        self._page = os.urandom(6).hex()
        self._grid = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "edit-grid")
        load = next(
            call["id"] for call in config["dependencies"]
            if [event for _, event in call["targets"]] == ["load"] and call["outputs"][:1] == [self._grid]
        )  # fmt: skip
        value = self._opened(load)
        self._work, self._columns, self._size = value["work"], value["columns"], value["size"]

    def paint(self, number: int, *, is_heard: bool) -> None:
        """Paint a cell with another code than at the last time."""
        asked = {"kind": "paint", "level": 0, "cells": [[number % 8, number % self._columns]]}
        asked |= {"code": number % self._size, "work": self._work, "id": str(number), "heard": is_heard}
        sent = {"data": asked, "component_id": self._grid, "fn_name": "edit", "session_hash": self._page}
        self._http.post("/gradio_api/component_server", json=sent).raise_for_status()

    def _opened(self, load: int) -> dict[str, Any]:
        """The value of the grid that the page gets when it is opened."""
        sent = {"data": [], "fn_index": load, "session_hash": self._page}
        self._http.post("/gradio_api/queue/join", json=sent).raise_for_status()
        with self._http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self._page}) as answer:
            for line in answer.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    return dict(message["output"]["data"][0]["value"])
        raise ConfigError("The app did not open a page.")
