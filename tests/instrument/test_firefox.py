"""An instrument opens from a disk in Firefox too, without a network."""

import os
import shutil

import numpy as np
import pytest

from distill.codes import CodeGrid, edits
from tests.instrument.firefox import Firefox
from tests.waiting import until

GRID = "document.querySelector('main').grid"


@pytest.fixture
def firefox(tmp_path):
    program = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("This test needs Firefox: apt-get install firefox-esr, or set FIREFOX to its path.")
    profile = tmp_path / "profile"
    profile.mkdir()
    browser = Firefox(program, profile)
    yield browser
    browser.close()


def test_it_paints_sounds_plays_and_undoes_in_firefox(firefox, instrument, works, codec):
    grid = works[0].history.grid
    firefox.open(instrument.as_uri())
    until(lambda: firefox.evaluate(f"!!{GRID}?.isLocal"))
    assert firefox.evaluate("document.querySelector('p.state').textContent") == ""
    box = firefox.evaluate("document.querySelector('canvas.cells').getBoundingClientRect()")
    firefox.click(box["x"] + 4.5 * box["width"] / grid.columns, box["y"] + 4.5 * 28)
    expected = edits.paint_codes(grid, level=0, cells=[(3, 4)], code=0)
    until(lambda: firefox.evaluate(f"Array.from({GRID}.indices)") == expected.indices.ravel().tolist())
    until(lambda: firefox.evaluate(f"!{GRID}.pending && !{GRID}.stale.length && !!{GRID}.samples"))
    sound = np.array(firefox.evaluate(f"Array.from({GRID}.samples)"), dtype=np.float32)
    assert np.abs(sound[: grid.num_samples] - codec.decode(expected)).max() < 1e-3
    for name in (".loop", ".play"):
        button = firefox.evaluate(f"document.querySelector('{name}').getBoundingClientRect()")
        firefox.click(button["x"] + 10, button["y"] + 10)
    until(lambda: firefox.evaluate(f"{GRID}.position") > 0.2)
    firefox.evaluate("document.querySelector('[data-act=undo]').click()")
    until(lambda: firefox.evaluate(f"Array.from({GRID}.indices)") == grid.indices.ravel().tolist())
    firefox.evaluate("document.querySelector('button.text').click()")
    text = until(lambda: firefox.evaluate("document.querySelector('.texts textarea').value"))
    assert CodeGrid.from_text(text) == grid
