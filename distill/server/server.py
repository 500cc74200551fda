"""The server's shared objects, made once at the start and passed to every part of the page."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill import system
from distill.audio import load_clip, new_decoder
from distill.audio.decoding import bounds_of_the_process
from distill.errors import DistillError, StartupError
from distill.jobs import JobRunner
from distill.models import ConvVQVAE
from distill.server.codecs import Codecs
from distill.server.hub import HubDoor
from distill.server.library import LibraryDoor
from distill.server.storage import Storage
from distill.server.turns import Turns
from distill.server.visitors import Examples, Visitors
from distill.settings import Settings
from distill.training.base import start_from_base
from distill.training.config import VQVAEConfig

TIDY_SECONDS = 10
"""Seconds between two calls of :meth:`Server.tidy`."""
BUSY_SECONDS = 10
"""Seconds that work may wait for its turn before ``/health`` reports "busy"."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """The server behind the page.

    Attributes
    ----------
    settings : Settings
        Limits and folder.
    examples : Examples
        Clips and codec that every visitor starts with.
    storage : Storage
        Visitors' files on disk.
    visitors : Visitors
        Visits and their pages.
    runner : JobRunner
        Trainings.
    turns : Turns
        Scheduler of the visitors' work.
    hub : HubDoor
        The way to the Hugging Face Hub.
    codecs : Codecs
        Cache of the codecs that visitors load.
    library : LibraryDoor or None
        The way to the libraries; None if the server keeps no codecs for longer than a visit.
    """

    settings: Settings
    examples: Examples
    storage: Storage
    visitors: Visitors
    runner: JobRunner
    turns: Turns
    hub: HubDoor
    codecs: Codecs = field(default_factory=Codecs)
    library: LibraryDoor | None = None

    @classmethod
    def start(
        cls, settings: Settings, examples_folder: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> "Server":
        """Check that everything is in place, and continue the trainings that an earlier server left.

        Parameters
        ----------
        settings : Settings
            Limits and folder.
        examples_folder : Path
            Folder with ``clips/`` and ``models/loops.distill``.
        clock : callable
            Gives the time in seconds, from a monotonic clock.

        Raises
        ------
        StartupError
            If the examples or the base model are missing or damaged, no file can be decoded, or the settings' folder
            cannot be used.
        """
        try:
            examples = Examples.load(examples_folder)
            if not examples.clips:
                raise StartupError("There are no example clips; please copy all of the examples folder.")
            start_from_base(ConvVQVAE.from_config(VQVAEConfig()))
            with new_decoder(settings) as decoder:
                load_clip(examples.clips[0], settings=settings, decoder=decoder)
        except DistillError as error:
            raise StartupError(f"Distill cannot start: {error}") from error
        bounds = bounds_of_the_process(settings.decoding_memory_bytes) | {"RLIMIT_DATA": settings.training_memory_bytes}
        for bound in system.refused_bounds(bounds):
            logger.warning("This system does not limit %s.", bound)
        storage, turns = Storage(settings), Turns(settings)
        try:
            library = LibraryDoor.of(settings, storage, turns)
        except StartupError:
            storage.close()
            raise
        visitors = Visitors(examples, settings, clock=clock)
        runner = JobRunner(storage.jobs, settings)
        runner.is_here, storage.derived = visitors.is_here, runner.num_bytes
        hub = HubDoor(settings, storage, turns)
        return cls(settings, examples, storage, visitors, runner, turns, hub, library=library)

    def tidy(self, now: float) -> None:
        """End visits that are over, and delete expired trainings and the files of absent visitors.

        Parameters
        ----------
        now : float
            Time in seconds since 1970.
        """
        self.visitors.tidy()
        system.return_memory()
        self.runner.expire(now)
        self.storage.sweep(self.visitors.owners, now)

    def leave(self, owner: str) -> None:
        """Delete everything of a visitor at once: clips, edits, files, and trainings, running ones included."""
        self.visitors.end(owner)
        self.runner.forget(owner)
        self.storage.delete(owner)

    def keep_tidy(self) -> None:
        """Start a thread that calls :meth:`tidy` every ten seconds, and one for what libraries keep no longer."""

        def keep() -> None:
            while True:
                time.sleep(TIDY_SECONDS)
                try:
                    self.tidy(time.time())
                except Exception:
                    logger.exception("Tidying up failed.")

        threading.Thread(target=keep, name="tidy", daemon=True).start()
        if self.library is not None:
            threading.Thread(target=self.library.keep_tidy, name="library", daemon=True).start()

    def close(self) -> None:
        """Stop the trainings, each with a checkpoint from which the next server continues."""
        self.runner.close()
        self.storage.close()

    def health(self) -> dict[str, Any]:
        """Report the state of the server, without anything about a single visitor.

        Returns
        -------
        dict
            ``status`` ("ok", "busy", "full of visitors" or "disk full"), numbers of visitors, works and trainings, and
            bytes of memory and disk.
        """
        used, ceiling = self.storage.used_bytes, self.settings.disk_bytes
        waited, trainings, status = self.turns.longest_wait, self.runner.status(), "ok"
        if used >= ceiling:
            status = "disk full"
        elif not self.visitors.has_place("", ""):
            status = "full of visitors"
        elif waited > BUSY_SECONDS or trainings["waiting"] >= self.settings.waiting_trainings:
            status = "busy"
        return {
            "status": status,
            "visitors": len(self.visitors.owners),
            "works_waiting": self.turns.num_waiting,
            "longest_wait_seconds": round(waited, 1),
            "trainings": trainings,
            "memory_bytes": system.resident_bytes(),
            "disk_bytes": used,
            "disk_ceiling_bytes": ceiling,
        }
