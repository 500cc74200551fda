"""The real server in a process, and visitors who send it the same requests as the page."""

import base64
import io
import json
import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import soundfile

from tests.forked import Forked
from tests.waiting import PATIENCE, until

REPOSITORY = Path(__file__).parents[2]


class Space:
    """``python app.py`` with limits of its own, and with trainings that do not give way.

    ``arguments`` are those of a Python that imports all anew; without them, the server is forked.
    """

    arguments = None

    def __init__(self, folder, port, **limits):
        self.folder, self.port, self.url = folder, port, f"http://127.0.0.1:{port}"
        self._environment = {f"DISTILL_{name.upper()}": str(value) for name, value in limits.items()}
        self._log = folder.parent / f"{folder.name}.log"
        self.process = None

    def start(self):
        environment = os.environ | self._environment | {
            "DISTILL_FOLDER": str(self.folder),
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
        }  # fmt: skip
        if self.arguments is None:
            self.process = Forked(environment, self._log)
        else:
            with self._log.open("a") as log:
                self.process = subprocess.Popen(
                    [sys.executable, *self.arguments], cwd=REPOSITORY, env=environment, stdout=log, stderr=log
                )

        def health():
            assert self.process.poll() is None, self._log.read_text()
            with suppress(httpx.TransportError):
                return self.health()

        return until(health)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def health(self):
        return httpx.get(f"{self.url}/health", timeout=PATIENCE, verify=False).json()

    def log(self):
        """The server's log so far: the JSON entries, and all other lines as text."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")], [
            line for line in lines if not line.startswith("{")
        ]


class TidySpace(Space):
    """A server that gives freed memory back a moment later, not within ten seconds."""

    TIDY_SECONDS = 0.5

    def __init__(self, folder, port, **limits):
        super().__init__(folder, port, **limits)
        self._environment["TIDY_SECONDS"] = str(self.TIDY_SECONDS)


class Visitor:
    """A client that the server cannot tell from a page.

    Parameters
    ----------
    url : str
        URL of the server.
    cookie : str, optional
        Cookie of a browser that visited before.
    options
        Arguments of ``httpx.Client``, for example the address that this visitor comes from.
    """

    def __init__(self, url, cookie=None, **options):
        cookies = {"distill": cookie} if cookie else None
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, cookies=cookies, **options)
        self.config = self.http.get("/config").json()
        self.reload()
        self.calls = {call["api_name"]: call["id"] for call in self.config["dependencies"] if call["api_name"]}
        self.grid_id = next(c["id"] for c in self.config["components"] if c["props"].get("elem_id") == "edit-grid")

    @property
    def cookie(self):
        return self.http.cookies["distill"]

    def close(self):
        self.http.close()

    def reload(self):
        """Go on in a new page of the same browser: nobody listens any more to what the page before is told."""
        self.page = secrets.token_hex(6)

    def call(self, name, *data):
        """Call a handler, and return its last answer; a failure is an ``AssertionError`` with the server's sentence."""
        return list(self.stream(name, *data))[-1]

    def stream(self, name, *data):
        """Call a handler, and yield its answers one after another.

        It listens, as a page does, until the server closes the stream. When the listener leaves before that, Gradio
        forgets all calls of the page, also one that has just begun.
        """
        body = {"data": list(data), "fn_index": self.calls[name] if isinstance(name, str) else name}
        event = self.http.post("/gradio_api/queue/join", json=body | {"session_hash": self.page})
        assert event.status_code == 200, event.text
        full = None
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.page}) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "close_stream":
                    return
                if message.get("event_id") != event.json()["event_id"]:
                    continue
                if message["msg"] in ("process_generating", "process_completed"):
                    assert message["success"], message["output"].get("error")
                    output = message["output"]["data"]
                    if message["msg"] == "process_completed":
                        if output and full is None:
                            yield output
                        continue
                    full = output if full is None else [_patched(*pair) for pair in zip(full, output, strict=True)]
                    yield full

    def upload(self, *paths):
        """Upload files, and return their data as calls send it: the path on the server and the type."""
        files = [("files", (Path(path).name, Path(path).read_bytes())) for path in paths]
        answer = self.http.post("/gradio_api/upload", files=files)
        assert answer.status_code == 200, answer.text
        return [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in answer.json()]

    def open_page(self):
        """Run the call that a page makes when it is opened, and return the value of the code grid."""
        load = next(
            call["id"]
            for call in self.config["dependencies"]
            if [event for _, event in call["targets"]] == ["load"] and call["outputs"][0] == self.grid_id
        )
        value = self.call(load)[0]["value"]
        self.work, self.shape = value["work"], (len(value["levels"]), value["rows"], value["columns"])
        self.codebook_size, self.indices = value["size"], unpacked(value["indices"]).reshape(self.shape)
        return value

    def serve(self, function, **request):
        """Call a server function of the code grid, as the grid's script does."""
        answer = self.http.post(
            "/gradio_api/component_server",
            json={
                "data": {"work": self.work, **request},
                "component_id": self.grid_id,
                "fn_name": function,
                "session_hash": self.page,
            },
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def edited_sound(self):
        """The sound of the whole clip with its edits, as an array of samples."""
        pieces, count = [], 1
        while len(pieces) < count:
            answer = self.serve("sound", track="edited", piece=len(pieces))
            pieces.append(samples(answer["flac"]))
            count = answer["pieces"]
        return np.concatenate(pieces)


def _patched(before, change):
    """Apply a later answer of Gradio, which has only the changes, to the answer before it."""
    if isinstance(change, list) and all(isinstance(each, list) and len(each) == 3 for each in change):
        value = [before]
        for action, path, new in change:
            at, key = value, 0
            for step in path:
                at, key = at[key], step
            if action == "delete":
                del at[key]
            elif action == "append":
                at[key] += new
            elif action == "add" and isinstance(at, list):
                at.insert(key, new)
            else:
                at[key] = new
        return value[0]
    return change


def unpacked(indices):
    return np.frombuffer(base64.b64decode(indices), "<u2").astype(np.int64)


def samples(flac):
    return soundfile.read(io.BytesIO(base64.b64decode(flac)), dtype="float32")[0]
