"""Measure in a real browser how evenly the strip scrolls when it has as many clips as a set may have."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from distill.audio import SAMPLE_RATE, write_wav
from distill.bench.page import PATIENCE_SECONDS, open_browser, served

CLIPS, CLIP_SECONDS = 500, 0.15
SETTLED_MS = 3_000
"""Milliseconds after which the page has shown all that a set brings."""
PIXELS = 60
"""Pixels by which the strip is scrolled in each frame: 3600 in a second, 26 clips."""
REEL = "document.querySelector('.strip .reel')"
SCROLL = f"""(pixels) => new Promise((done) => {{
    const reel = {REEL};
    const moments = [];
    const step = (moment) => {{
        moments.push(moment);
        const before = reel.scrollLeft;
        reel.scrollLeft += pixels;
        if (reel.scrollLeft === before) done(moments);
        else requestAnimationFrame(step);
    }};
    reel.scrollLeft = 0;
    requestAnimationFrame(() => requestAnimationFrame(step));
}})"""
"""Script that scrolls the strip to its end, and returns the milliseconds at which its frames began."""


def measure_strip(say: Callable[[str], object], *, clips: int = CLIPS) -> dict[str, float]:
    """Scroll the strip from its first clip to its last one in Chromium, and time its frames.

    A visit opens a set of short sounds. The strip is then scrolled by 60 pixels in each frame, and
    draws the clips that come into view.

    Parameters
    ----------
    say : callable
        Takes a line of text to print.
    clips : int
        Number of clips, 5 to 500.

    Returns
    -------
    dict
        ``clips``, ``frames``, and of the times between two frames ``frame_ms_median``, ``frame_ms_95`` and
        ``frame_ms_longest``.

    Raises
    ------
    ConfigError
        If Playwright, Chromium or httpx is missing.
    CheckoutError
        If the app does not start.
    """
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser, served() as (url, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        page.goto(url)
        _drop(page, _short_sounds(Path(folder), clips))
        times = np.diff(page.evaluate(SCROLL, PIXELS))
    figures = {
        "clips": float(clips),
        "frames": float(len(times)),
        "frame_ms_median": float(np.median(times)),
        "frame_ms_95": float(np.percentile(times, 95)),
        "frame_ms_longest": float(times.max()),
    }
    say(
        f"the strip of {clips} clips, {PIXELS} pixels a frame: a frame takes {figures['frame_ms_median']:.1f} ms "
        f"(95 %: {figures['frame_ms_95']:.1f} ms, the longest of {len(times)}: {figures['frame_ms_longest']:.1f} ms)."
    )
    return figures


def _short_sounds(folder: Path, count: int) -> list[Path]:
    """Tones of different heights over noise, as files."""
    random = np.random.default_rng(0)
    time = np.arange(int(CLIP_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    paths = [folder / f"sound {number:03d}.wav" for number in range(count)]
    for path in paths:
        tone = np.sin(2 * np.pi * random.uniform(80, 4_000) * time) * np.exp(-20 * time)
        write_wav(path, (0.5 * tone + 0.02 * random.normal(size=len(time))).astype(np.float32))
    return paths


def _drop(page: Any, paths: list[Path]) -> None:
    """Give sounds to the page, and wait until its strip shows them."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-files input[type=file]").set_input_files(paths)
    shown = f"Your clips · {len(paths)}"
    page.wait_for_function(
        "shown => [...document.querySelectorAll('.strip .group')].some(({ textContent }) => textContent === shown)",
        arg=shown,
    )
    page.wait_for_function(f"() => {REEL}.clientWidth > 0")
    page.wait_for_timeout(SETTLED_MS)
