"""Decode untrusted sound files in a process of their own.

Decoders and resamplers are written in C, and an attacker may have written their input. If the process crashes, hangs or
takes too much memory, only the file at hand is lost. The process holds no secrets.
"""

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distill import system
from distill.audio import decoding
from distill.audio.decoding import (
    LIMITS,
    STOPPED,
    DecodingError,
    Facts,
    Sound,
    bare_environment,
    magnitude,
)

LONGEST_ANSWER, PIECE_BYTES = 1 << 12, 1 << 16


class Decoder:
    """A process that decodes files one after another.

    The process starts with the first file, and again after a file that broke it. Threads may share a decoder: each
    thread waits until the decoder is free.

    Parameters
    ----------
    limits : mapping
        Limits by the names in :data:`~distill.audio.decoding.LIMITS`; ``decoding_seconds`` bounds the time for one
        file.
    memory_bytes : int
        Largest address space of the process, in bytes.
    seconds_in_all : float
        Seconds that all files together may take; later files are refused. Without limit by default.
    command : sequence of str, optional
        Command to run in place of the decoding process; tests use it.
    """

    def __init__(
        self,
        limits: Mapping[str, int],
        *,
        memory_bytes: int,
        seconds_in_all: float = math.inf,
        command: list[str] | None = None,
    ) -> None:
        self._limits = {key: limits[key] for key in LIMITS}
        self._seconds_in_all = self._seconds_left = seconds_in_all
        self._command = command or [sys.executable, "-I", decoding.__file__, str(memory_bytes)]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def decode(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        *,
        name: str | None = None,
        tick: Callable[[], object] = lambda: None,
    ) -> Sound:
        """Decode a file as :func:`~distill.audio.decoding.decode` does, but in the process.

        Parameters
        ----------
        path : path-like
            The sound file.
        sample_rate : int
            Sample rate of the result, in Hz.
        name : str, optional
            Name of the file in an error message; the last part of ``path`` by default.
        tick : callable
            Called after every few seconds of sound. The process waits meanwhile, and this time does not count as
            decoding time.

        Raises
        ------
        DecodingError
            If the file is refused, if the process ended or hung while it decoded, or if no time is left for the file.
        """
        name = name or Path(path).name
        request = {"path": os.path.abspath(path), "sample_rate": sample_rate, "limits": self._limits, "name": name}
        with self._lock:
            if self._seconds_left <= 0:
                minutes = self._seconds_in_all / 60
                raise DecodingError(f"{name} was left out: the files before it took {minutes:g} minutes to decode.")
            pauses = _Pauses(tick)
            began = time.monotonic()
            try:
                answer = self._ask(request, pauses)
            except BaseException as error:
                self._end()  # a late answer would be taken for the answer to another file
                if isinstance(error, Exception) and error is not pauses.error:
                    raise DecodingError(STOPPED.format(name=name), may_pass=True) from error
                raise
            finally:
                self._seconds_left -= time.monotonic() - began - pauses.seconds
        if isinstance(answer, DecodingError):
            raise answer
        return answer

    def _ask(self, request: dict[str, Any], pauses: "_Pauses") -> Sound | DecodingError:
        """The decoded sound, or the reason for a refusal. A file may have taken over the process: trust no answer."""
        process, limits = self._running(), self._limits
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(request).encode() + b"\n")
        answers = _Answers(process.stdout.fileno(), time.monotonic() + limits["decoding_seconds"])
        samples, most = bytearray(), (limits["clip_seconds"] * request["sample_rate"] + 1) * 4
        while "bytes" in (answer := answers.line()):
            if not 0 <= answer["bytes"] <= most - len(samples):
                raise ValueError("more samples than were allowed")
            answers.read_into(samples, answer["bytes"])
            answers.deadline += pauses.pause()
        if "refused" in answer:
            return DecodingError(str(answer["refused"]), may_pass=bool(answer.get("may_pass")))
        sound = Sound(np.frombuffer(samples, np.float32), Facts(**answer))
        factor = request["sample_rate"] / sound.facts.sample_rate
        if (
            not abs(len(sound.samples) - sound.facts.num_frames * factor) < 2 + factor
            or not np.isfinite([*answer.values()]).all()
        ):
            raise ValueError("facts that are not so")
        if samples and not np.isfinite(magnitude(sound.samples)):
            raise ValueError("samples that are not numbers")
        return sound

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process and self._process.stdout and _Answers(self._process.stdout.fileno(), 0).are_there:
            self._end()  # the process has ended, or wrote without a request
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env=bare_environment(), cwd="/", start_new_session=True,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        """Kill the process and all processes that it started."""
        if self._process is None:
            return
        system.kill_with_children(self._process)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._process = None


class _Pauses:
    """Pauses of the decoding, in which other work goes first.

    Attributes
    ----------
    seconds : float
        Length of all pauses together, in seconds.
    error : BaseException or None
        The error that ended a pause, if there was one.
    """

    def __init__(self, tick: Callable[[], object]) -> None:
        self._tick, self.seconds = tick, 0.0
        self.error: BaseException | None = None

    def pause(self) -> float:
        """Let other work go first; return the seconds that it took."""
        began = time.monotonic()
        try:
            self._tick()
        except BaseException as error:
            self.error = error
            raise
        seconds = time.monotonic() - began
        self.seconds += seconds
        return seconds


class _Answers:
    """The output of the process, read until a deadline on the monotonic clock.

    Reading raises an EOFError if the process has ended, and a TimeoutError after the deadline.
    """

    def __init__(self, descriptor: int, deadline: float) -> None:
        self._descriptor, self.deadline = descriptor, deadline

    @property
    def are_there(self) -> bool:
        return system.is_readable(self._descriptor, 0)

    def line(self) -> dict[str, Any]:
        line = bytearray()
        while not line.endswith(b"\n"):
            if len(line) == LONGEST_ANSWER:
                raise ValueError("an answer that does not end")
            self.read_into(line, 1)
        return dict(json.loads(line))

    def read_into(self, received: bytearray, num_bytes: int) -> None:
        whole = len(received) + num_bytes
        while len(received) < whole:
            seconds = self.deadline - time.monotonic()
            if seconds <= 0 or not system.is_readable(self._descriptor, seconds):
                raise TimeoutError
            piece = os.read(self._descriptor, min(whole - len(received), PIECE_BYTES))
            if not piece:
                raise EOFError
            received += piece
