"""The benchmark of the strip, with few clips."""

import json
import shutil
import subprocess
import sys

import pytest

from distill.bench import report
from tests.maps import fields

MEASURE = "import json; from distill.bench.strip import *; print(json.dumps(measure_strip(print, clips=30)))"
"""What a process of its own does: no process can have two of Playwright's."""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_the_strip_is_scrolled_to_its_end_and_its_frames_are_timed(repository):
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    line, figures = done.stdout.splitlines()
    figures = json.loads(figures)
    assert "30 clips" in line
    assert set(figures) == fields("What `--json` writes", "`bench`, `strip`")
    assert figures["clips"] == 30
    assert figures["frames"] > 10
    assert 0 < figures["frame_ms_median"] <= figures["frame_ms_95"] <= figures["frame_ms_longest"]


def test_the_strip_is_measured_only_when_it_is_named():
    assert report.STRIP in report.NAMES
    assert report.STRIP not in report.USUAL
