"""Visitors from their own addresses, connections with incomplete requests, and measures of what a server uses."""

import json
import os
import secrets
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE
from distill.codes import CodeGrid
from tests.space.visiting import Visitor
from tests.waiting import PATIENCE, until

CALLS = {
    "edit": {"kind": "set", "levels": [0, 0], "rows": [0, 7], "columns": [0, 1], "code": 9},
    "sound": {"track": "edited", "piece": 0},
    "audition": {"level": 0, "code": 3},
    "codec_pictures": {},
    "takes": {"tool": "vary", "levels": [0, 2], "rows": [0, 7], "columns": [0, 1], "count": 1},
}
"""A valid request for each server function of the code grid."""


class Addresses:
    """A source of new loopback addresses: to the server, each is another stranger."""

    def __init__(self):
        self._last = 10

    def new(self):
        self._last += 1
        return f"127.0.{self._last // 250}.{self._last % 250 + 1}"


class Stranger(Visitor):
    """A visitor who sends from the given address; ``headers`` are added to every request."""

    def __init__(self, url, address, cookie=None, headers=None):
        transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
        super().__init__(url, cookie, transport=transport, headers=headers)
        self.address = address

    def post(self, path, body, **headers):
        """Send JSON to a path of Gradio, and return the HTTP answer."""
        return self.http.post(f"/gradio_api/{path}", json=body, headers=headers)

    def join(self, name, *data, page=None):
        """Put a call into the queue, without waiting for its answer."""
        number = self.calls[name] if isinstance(name, str) else name
        return self.post("queue/join", {"data": list(data), "fn_index": number, "session_hash": page or self.page})

    def stop(self):
        """Stop the training that was asked for, once it has begun."""

        def is_stopped():
            with suppress(AssertionError):
                list(self.stream("stop"))
                return True

        until(is_stopped)

    def serving(self, function, **request):
        """Make the body of a call of a server function, as :meth:`serve` sends it."""
        data = {"work": self.work, **(request or CALLS[function])}
        return {"data": data, "component_id": self.grid_id, "fn_name": function, "session_hash": self.page}

    def grid(self):
        """The codes and the number of edits on the server now."""
        value = self.open_page()
        return self.indices.tolist(), len(value["history"])

    def open_clip(self, path):
        """Upload a sound, and open it."""
        self.call("explore", self.upload(path)[0])
        return self.open_page()

    def open_text(self, text):
        """Open a grid by its text."""
        self.call("open_text", text)
        return self.open_page()

    def paint(self, column=0, code=None, level=0):
        """Edit one cell, by default to a random code."""
        code = secrets.randbelow(self.codebook_size) if code is None else code
        return self.serve("edit", kind="paint", level=level, cells=[[0, column]], code=code, id=secrets.token_hex(4))


def origin(url):
    """The host and the port of a URL."""
    address = httpx.URL(url)
    return address.host, address.port


def half_upload(url, *, address, announced, begun=b"RIFF", headers=(), ticket=""):
    """Open a connection that announces an upload of ``announced`` bytes, and sends only its beginning."""
    host, port = origin(url)
    connection = socket.create_connection((host, port), timeout=PATIENCE, source_address=(address, 0))
    part = b'--end\r\nContent-Disposition: form-data; name="files"; filename="secret-name.wav"\r\n\r\n' + begun
    lines = [
        f"POST /gradio_api/upload{ticket and f'?upload_id={ticket}'} HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: multipart/form-data; boundary=end",
        f"Content-Length: {announced}",
        *headers,
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + part)
    return connection


def answered(connections, seconds, is_enough=all):
    """The first line of what came on each connection, "" for those that are still waiting.

    Parameters
    ----------
    connections : list of socket
    seconds : float
        How long to wait.
    is_enough : callable
        Told the lines so far, whether to wait no longer; all of them are waited for by default.
    """
    ends = time.monotonic() + seconds
    while True:
        lines = [_first_line(connection) for connection in connections]
        if is_enough(lines) or time.monotonic() > ends:
            return lines
        time.sleep(0.01)


def _first_line(connection):
    connection.setblocking(False)
    try:
        return connection.recv(4096, socket.MSG_PEEK).decode("latin-1").split("\r\n")[0]
    except BlockingIOError:
        return ""
    except ConnectionError:
        return "closed"


def is_one_refused(lines):
    """Whether an answer says that there are too many."""
    return any(" 429 " in line for line in lines)


def closing(connections):
    """A context that closes the connections at its end."""
    stack = ExitStack()
    for connection in connections:
        stack.callback(connection.close)
    return stack


def processor_seconds(space):
    """Processor time in seconds of the server, and of the processes that it started and that have ended."""
    fields = Path(f"/proc/{space.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(space, which="VmRSS"):
    """Memory of the server in bytes: now (``VmRSS``), or at its peak (``VmHWM``)."""
    for line in Path(f"/proc/{space.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"there is no {which}")


def disk_bytes(folder):
    """Bytes of all files in a folder; a file with two hard links counts once."""
    sizes = {}
    for path in Path(folder).rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if path.is_file():
            sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def write_sound(path, seconds, seed=0, level=0.3):
    """Write a sound of so many seconds: noise for at most one second, then silence, so that the file is small."""
    noise = np.random.default_rng(seed).normal(size=int(min(seconds, 1.0) * SAMPLE_RATE)).astype(np.float32)
    sound = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    sound[: len(noise)] = level * noise
    soundfile.write(path, np.clip(sound, -1, 1), SAMPLE_RATE)
    return path


def long_text(codec, seconds, seed=None):
    """The text of a grid of so many seconds: about 150 characters; with a seed, longer, for random codes."""
    frames = int(seconds * SAMPLE_RATE / 512)
    columns = -(-frames // 16)
    indices = np.zeros((codec.num_levels, 8, columns), np.int64)
    if seed is not None:
        indices = np.random.default_rng(seed).integers(0, codec.codebook_size, indices.shape)
    return CodeGrid(indices, num_frames=frames, model_id=codec.model_id, codebook_size=codec.codebook_size).to_text()


def first_event(lines):
    """The name and the data of the first event in the stream that answers a call by name."""
    name = None
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        if line.startswith("data:") and name not in (None, "heartbeat"):
            return name, json.loads(line[5:])
    return None, None
