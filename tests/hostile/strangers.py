"""Visitors from addresses of their own, connections that are half a request, and what a server has spent."""

import json
import os
import secrets
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE
from distill.codes import CodeGrid
from tests.space.visiting import PATIENCE, Visitor

CALLS = {
    "edit": {"kind": "set", "levels": [0, 0], "rows": [0, 7], "columns": [0, 1], "code": 9},
    "sound": {"track": "edited", "piece": 0},
    "audition": {"level": 0, "code": 3},
    "codec_pictures": {},
}
"""A request that is right, for each server function of the code grid."""


class Addresses:
    """Loopback addresses that nobody used before: to the server, each is another stranger."""

    def __init__(self):
        self._last = 10

    def new(self):
        self._last += 1
        return f"127.0.{self._last // 250}.{self._last % 250 + 1}"


class Stranger(Visitor):
    """A visitor from an address; ``headers`` go with every request."""

    def __init__(self, url, address, cookie=None, headers=None):
        transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
        super().__init__(url, cookie, transport=transport, headers=headers)
        self.address = address

    def post(self, path, body, **headers):
        """A JSON call as it comes back."""
        return self.http.post(f"/gradio_api/{path}", json=body, headers=headers)

    def join(self, name, *data, page=None):
        """Ask for a call without waiting for its answer."""
        number = self.calls[name] if isinstance(name, str) else name
        return self.post("queue/join", {"data": list(data), "fn_index": number, "session_hash": page or self.page})

    def serving(self, function, **request):
        """The body of a call of a server function, as :meth:`serve` sends it."""
        data = {"work": self.work, **(request or CALLS[function])}
        return {"data": data, "component_id": self.grid_id, "fn_name": function, "session_hash": self.page}

    def grid(self):
        """The codes and the number of edits, as the server has them now."""
        value = self.open_page()
        return self.indices.tolist(), len(value["history"])

    def open_clip(self, path):
        """Upload a sound and turn to it."""
        self.call("explore", self.upload(path)[0])
        return self.open_page()

    def open_text(self, text):
        """Open a grid by its text."""
        self.call("open_text", text)
        return self.open_page()

    def paint(self, column=0, code=None, level=0):
        """An edit of one cell."""
        code = secrets.randbelow(self.codebook_size) if code is None else code
        return self.serve("edit", kind="paint", level=level, cells=[[0, column]], code=code, id=secrets.token_hex(4))


def origin(url):
    """Host and port of an address of the server."""
    address = httpx.URL(url)
    return address.host, address.port


def half_upload(url, *, address, announced, begun=b"RIFF", headers=(), ticket=""):
    """A connection that announces an upload and sends its beginning only."""
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


def answered(connections, seconds=3.0):
    """The first line of what came on each connection within so long, "" for those that are still waiting."""
    lines = []
    for connection in connections:
        connection.settimeout(seconds)
        try:
            lines.append(connection.recv(4096).decode("latin-1").split("\r\n")[0])
        except TimeoutError:
            lines.append("")
        except ConnectionError:
            lines.append("closed")
        if not lines[-1]:
            seconds = 0.05  # all had as much time as this one
    return lines


def closing(connections):
    """A context in which the connections are open."""
    stack = ExitStack()
    for connection in connections:
        stack.callback(connection.close)
    return stack


def processor_seconds(space):
    """Of the server, with the processes that it started and that have ended."""
    fields = Path(f"/proc/{space.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(space, which="VmRSS"):
    """Of the server now; ``VmHWM`` is the most that it ever took."""
    for line in Path(f"/proc/{space.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"there is no {which}")


def disk_bytes(folder):
    """Of all files in a folder; a file that has two names counts once."""
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
    """Noise of that length, quiet enough in the end for a small file."""
    noise = np.random.default_rng(seed).normal(size=int(min(seconds, 1.0) * SAMPLE_RATE)).astype(np.float32)
    sound = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    sound[: len(noise)] = level * noise
    soundfile.write(path, np.clip(sound, -1, 1), SAMPLE_RATE)
    return path


def long_text(codec, seconds, seed=None):
    """A text of some 150 characters that is a grid of so many seconds; with a seed, a longer one of a noise."""
    frames = int(seconds * SAMPLE_RATE / 512)
    columns = -(-frames // 16)
    indices = np.zeros((codec.num_levels, 8, columns), np.int64)
    if seed is not None:
        indices = np.random.default_rng(seed).integers(0, codec.codebook_size, indices.shape)
    return CodeGrid(indices, num_frames=frames, model_id=codec.model_id, codebook_size=codec.codebook_size).to_text()


def first_event(lines):
    """The name and the data of the first event of a stream that is an answer to a call by name."""
    name = None
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        if line.startswith("data:") and name not in (None, "heartbeat"):
            return name, json.loads(line[5:])
    return None, None
