"""Updates of the page during a training."""

from types import SimpleNamespace

import numpy as np
import pytest

from distill.errors import FullError
from distill.server.storage import Storage
from distill.settings import Settings
from distill.training.records import NO_CURVES
from distill.ui import live
from distill.ui.live import saved_codec


def test_without_disk_space_for_a_preview_all_other_news_of_a_training_arrive(codec, drums, tmp_path):
    storage = Storage(Settings(folder=tmp_path / "data", visit_disk_bytes=1000))
    server, status = (
        SimpleNamespace(storage=storage),
        SimpleNamespace(validation=SimpleNamespace(levels=codec.training_health), curves=NO_CURVES),
    )
    job = SimpleNamespace(best_codec=lambda: codec, first_clip=drums, owner="one")
    tab = SimpleNamespace(curves="curves", health="health", preview="preview")
    news = live._news(server, tab, job, status, "1.1.1.1")
    assert news["curves"]
    assert "Structure" in news["health"]
    assert "preview" not in news
    storage.close()


def test_files_made_for_visitors_without_uploads_count_for_their_address(codec, tmp_path):
    sound = np.zeros(10_000, dtype=np.float32)
    storage = Storage(Settings(folder=tmp_path / "data", address_disk_bytes=40_000))
    server = SimpleNamespace(storage=storage)
    live.sound_file(sound, server, "one", "1.1.1.1")
    with pytest.raises(FullError, match="network address"):
        live.sound_file(sound, server, "two", "1.1.1.1")
    with pytest.raises(FullError, match="network address"):
        saved_codec(codec, server, "three", "1.1.1.1")
    assert live.sound_file(sound, server, "four", "2.2.2.2")
    storage.close()
