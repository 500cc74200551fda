"""Attacks at full size, and the waiting times of a visitor at another address: ``python -m tests.hostile.round``.

::

    python -m tests.hostile.round [NAME...] [--seconds N] [--rest N]

NAME is the name of an attack in ``tests/hostile/attacks.py``; by default all attacks run, each against a new server.
The table has the number of connections, of served and of refused calls. It has the visitor's waiting times in ms before
and during the attack: an edit (median and maximum), the page (maximum), and an upload of six clips until the page lists
them (maximum). The last columns are the answers of ``/health``, the server's peak memory, its folder, its log and a
verdict.
"""

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from tests.hostile import attacks
from tests.hostile.attacks import AGAIN, ONCE
from tests.hostile.stage import Crowd, Stage
from tests.hostile.strangers import Stranger, disk_bytes, memory_bytes
from tests.space.visiting import REPOSITORY, Space

EXAMPLES = REPOSITORY / "examples"
STRANGER, VISITOR = "127.0.0.2", "127.0.0.3"
EDITS_EVERY, OTHERS_EVERY = 0.25, 3.0
"""Seconds between two edits of the visitor, and between two openings of the page or two uploads."""
GOOD, TIMES = 150.0, 3.0
"""Median of an edit in milliseconds that is always good, and allowed ratio of the median to that without an attack."""


class Probe:
    """A visitor who edits, opens the page and uploads six clips again and again, with the waiting times in ms."""

    def __init__(self, space: Space, clips: list[Path]) -> None:
        self._space, self._clips = space, clips
        self.waited: dict[str, list[float]] = {"edit": [], "page": [], "upload": []}
        self.failed: list[str] = []
        self.told: Counter[str] = Counter()

    def run(self, seconds: float) -> "Probe":
        until = time.monotonic() + seconds
        begun = ((self._editing, EDITS_EVERY), (self._opening, OTHERS_EVERY), (self._uploading, OTHERS_EVERY))
        threads = [threading.Thread(target=self._go_on, args=(*each, until)) for each in (*begun, (self._asking, 1.0))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self

    def _go_on(self, begin, pause, until):
        """Repeat an action until a time, with a pause in seconds between; ``begin`` makes it, and is retried too."""
        do = None
        while time.monotonic() < until:
            try:
                do = do or begin()
                do()
            except (httpx.HTTPError, AssertionError, IndexError, KeyError, ValueError) as error:
                self.failed.append(f"{begin.__name__}: {str(error)[:100] or type(error).__name__}")
            time.sleep(pause)

    def _timed(self, kind, do):
        began = time.monotonic()
        do()
        self.waited[kind].append(1000 * (time.monotonic() - began))

    def _editing(self):
        visitor, turn = Stranger(self._space.url, VISITOR), itertools.count()
        visitor.open_page()

        def edit():
            self._timed("edit", lambda: visitor.paint(column=next(turn) % visitor.shape[2]))

        return edit

    def _opening(self):
        def open_page():
            visitor = Stranger(self._space.url, VISITOR)
            visitor.http.get("/").raise_for_status()
            visitor.open_page()
            visitor.close()

        return lambda: self._timed("page", open_page)

    def _uploading(self):
        visitor = Stranger(self._space.url, VISITOR)

        def upload():
            def until_listed():
                listed = visitor.call("add_clips", visitor.upload(*self._clips))[0]
                assert all(clip.stem in listed for clip in self._clips), "not all were listed"

            self._timed("upload", until_listed)

        return upload

    def _asking(self):
        def ask():
            self.told[httpx.get(f"{self._space.url}/health", timeout=30).json()["status"]] += 1

        return ask

    def cells(self) -> list[str]:
        """Cells of the table: edit (median and maximum), page and upload (maximum), and number of failed calls."""
        edit, page, upload = (self.waited[kind] for kind in ("edit", "page", "upload"))
        median = f"{statistics.median(edit):.0f}" if edit else "none"
        return [
            median,
            *(f"{max(each):.0f}" if each else "none" for each in (edit, page, upload)),
            str(len(self.failed)),
        ]


def six_clips(folder: Path) -> list[Path]:
    sources = sorted((EXAMPLES / "clips").glob("*.flac"))[:6]
    for number, path in enumerate(sources):
        soundfile.write(folder / f"clip-{number}.wav", load_clip(path).waveform[:SAMPLE_RATE], SAMPLE_RATE)
    return sorted(folder.glob("clip-*.wav"))


def attack(name: str, url: str, connections: int) -> None:
    """Run one attack in this process until a line arrives on stdin; prints the numbers of served and refused calls."""
    os.nice(10)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(url, STRANGER, Path(folder), Codec.load(EXAMPLES / "models" / "loops.distill"))
        send = getattr(attacks, name)(stage)
        print("ready", flush=True)
        with Crowd(send, connections) as crowd:
            sys.stdin.readline()
            print(json.dumps([crowd.served, crowd.refused]), flush=True)
            os._exit(0)  # ends the threads that still wait for answers


def trial(name: str, connections: int, seconds: float, rest: float) -> list[str]:
    """Run one attack against a new server; returns the cells of its row."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        clips, space = six_clips(Path(folder)), Space(Path(folder) / "data", port)
        space.start()
        try:
            quiet = Probe(space, clips).run(rest)
            command = [sys.executable, "-m", "tests.hostile.round", "--be", name, space.url, str(connections)]
            with subprocess.Popen(
                command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as stranger:
                assert stranger.stdout is not None
                is_ready = stranger.stdout.readline()  # empty if the server refused the attack's preparations
                probe = Probe(space, clips).run(seconds)
                said = stranger.communicate(b"\n")[0] if is_ready else b""
            served, refused = json.loads(said) if said else ("none: refused at once", "")
            took = [f"{memory_bytes(space, 'VmHWM') / 2**20:.0f}", f"{disk_bytes(space.folder) / 2**20:.0f}"]
            log = f"{space._log.stat().st_size / 2**10:.0f}"
            for failure, times in Counter(probe.failed).most_common(3):
                print(f"{name}: {times} x {failure}", file=sys.stderr)
        finally:
            if space.process.poll() is None:
                space.kill()
    told = ", ".join(f"{status} {times}" for status, times in probe.told.items()) or "nothing"
    before, during = quiet.cells(), probe.cells()
    good = _is_good(quiet, probe)
    return [name, f"{connections} at once", f"{served}", f"{refused}", *before[:-1], *during, told, *took, log, good]


def _is_good(quiet: Probe, probe: Probe) -> str:
    """Whether the visitor's waiting times are good: "yes", or "no: " and the kinds that are not."""
    edits, before = probe.waited["edit"], quiet.waited["edit"]
    most = max(GOOD, TIMES * statistics.median(before)) if before else GOOD
    faults = []
    if not edits or statistics.median(edits) > most:
        faults.append("edit")
    if not probe.waited["page"]:
        faults.append("page")
    if not probe.waited["upload"] or max(probe.waited["upload"]) > 10_000:
        faults.append("upload")
    if probe.failed:
        faults.append("failures")
    return "no: " + ", ".join(faults) if faults else "yes"


HEAD = [
    *("attack", "sent", "served", "refused", "edit, quiet", "worst", "page", "six clips"),
    *("edit, meanwhile", "worst", "page", "six clips", "failed", "health", "MB", "MB on disk", "kB of log", "good"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = list(dict.fromkeys(each.__name__ for each in [*ONCE, *AGAIN]))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--seconds", type=float, default=25.0, help="how long each attack goes on (default: 25)")
    parser.add_argument("--rest", type=float, default=8.0, help="how long it is quiet before (default: 8)")
    parser.add_argument("--be", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.be:
        attack(given.be[0], given.be[1], int(given.be[2]))
        return
    unknown = set(given.names) - set(known)
    if unknown:
        parser.error(f"there is no attack {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD), flush=True)
    for each, connections in [*ONCE.items(), *AGAIN.items()]:
        if not given.names or each.__name__ in given.names:
            print("| " + " | ".join(trial(each.__name__, connections, given.seconds, given.rest)) + " |", flush=True)


if __name__ == "__main__":
    main()
