"""What Distill does on a machine: it starts, takes an upload, decodes it, trains on it, and works on the command line.

Run as a program, with a folder for its files and the sounds to train on; ``--page`` opens the page as well.
"""

import json
import os
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}

from distill.audio import LogMel, load_clip, new_decoder
from distill.cli import main
from distill.logs import log_as_json
from distill.server.server import Server
from distill.settings import Settings
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import to_mel_clip
from tests.eager import train_eagerly


def play(folder: Path, sounds: list[Path]) -> dict[str, object]:
    settings = Settings(folder=folder / "data", training_silence_seconds=600)
    server = Server.start(settings, Path("examples"))
    try:
        moved = server.storage.move_upload([str(path) for path in sounds], "anna")
        with new_decoder(settings) as decoder:
            clips = [load_clip(path, settings=settings, decoder=decoder) for path in moved]
        config = replace(get_adaptive_vqvae_config(len(clips)), epochs=1, validations=1, batch_size=2)
        job = server.runner.submit("anna", [to_mel_clip(clip, LogMel()) for clip in clips], config, clips[0])
        status = job.wait(240)
        found = job.best_codec().model_id if status.state == "finished" else status.error
        server.tidy(time.time())
        server.health()
        server.storage.delete("anna")
        kept = [path for path in moved if Path(path).exists()]
    finally:
        server.close()
    return {"seconds": [clip.seconds for clip in clips], "state": status.state, "codec": found, "kept": kept}


def open_page(folder: Path) -> int:
    """The HTTP status of the page."""
    from distill.ui.app import build_app, launch

    app = build_app(settings=Settings(folder=folder / "page"))
    try:
        _, address, _ = launch(app, prevent_thread_lock=True, quiet=True)
        with urllib.request.urlopen(address) as answer:
            return answer.status
    finally:
        app.backend.close()


if __name__ == "__main__":
    log_as_json()
    if hasattr(os, "nice"):  # at the lowest priority, a training on a busy machine would wait without end
        train_eagerly()
    folder, *sounds = (Path(argument) for argument in sys.argv[1:] if argument != "--page")
    told = play(folder, sounds)
    told["commands"] = [
        main(["reconstruct", "examples/models/loops.distill", str(sounds[0]), str(folder / "out.wav")]),
        main(["info", "examples/models/loops.distill", "--json"]),
    ]
    if "--page" in sys.argv:
        told["page"] = open_page(folder)
    print("TOLD", json.dumps(told))
