"""The benchmark of the page, with few edits and few visitors."""

import builtins
import json
import shutil
import subprocess
import sys

import pytest

from distill.bench import page, report
from distill.cli import main
from tests.maps import fields

MEASURE = "import json; from distill.bench.page import *; print(json.dumps(measure_page(print, edits=3, visitors=2)))"
"""What a process of its own does: no process can have two of Playwright's."""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_the_page_is_measured_in_both_ways_alone_and_among_visitors(repository):
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, figures = done.stdout.splitlines()
    figures = json.loads(figures)
    assert list(figures) == list(page.WAYS)
    assert len(lines) == 2
    for row in figures.values():
        assert set(row) == fields("What `--json` writes", "`bench`, each way of `page`") - {"page", "server"}
        assert 0 < row["edit_ms_median"] <= row["edit_ms_95"]
        assert 0 < row["busy_edit_ms_median"] <= row["busy_edit_ms_95"]
        assert row["first_visit_bytes"] > row["codec_bytes"] >= 0
        assert row["page_mb"] > 10
    ours, servers = figures.values()
    assert ours["codec_bytes"] > 1e6
    assert servers["codec_bytes"] < 0.01 * ours["codec_bytes"]  # what both ways need of the room, not the codec


def test_where_something_is_missing_the_benchmark_says_so_in_a_sentence(monkeypatch, capsys):
    import_module = builtins.__import__

    def without_playwright(name, *rest, **options):
        if name.startswith("playwright"):
            raise ImportError("No module named 'playwright'", name="playwright")
        return import_module(name, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", without_playwright)
        assert main(["bench", "page"]) == 2
    assert "needs playwright" in capsys.readouterr().err
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(page.shutil, "which", lambda name: None)
    assert main(["bench", "page"]) == 2
    assert "needs Chromium" in capsys.readouterr().err


def test_the_page_is_measured_only_when_it_is_named():
    assert report.PAGE in report.NAMES
    assert report.PAGE not in report.USUAL
