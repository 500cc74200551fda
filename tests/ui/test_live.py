"""What a page is told of a training that runs."""

from types import SimpleNamespace

import gradio as gr

from distill.settings import Settings
from distill.ui import live
from distill.ui.storage import Storage


def test_a_disk_without_room_for_a_preview_takes_nothing_else_from_who_watches_a_training(codec, drums, tmp_path):
    storage = Storage(Settings(folder=tmp_path / "data", visit_disk_bytes=1000))
    server, status = (
        SimpleNamespace(storage=storage),
        SimpleNamespace(
            validation=SimpleNamespace(levels=codec.training_health), curves={"steps": [], "validations": []}
        ),
    )
    job = SimpleNamespace(best_codec=lambda: codec, first=drums, owner="one")
    curves, health, heard = live._news(job, status, server)
    assert curves
    assert "Structure" in health
    assert heard == gr.skip()
    storage.close()
