"""Drives Firefox by WebDriver BiDi with the standard library alone: Playwright drives only a Firefox of its own."""

import base64
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE

PREFERENCES = {
    "network.proxy.type": 1,  # all requests go to a proxy that is not there: the network is off
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "media.autoplay.default": 0,
}


class Firefox:
    """A Firefox without a window and without a network, with one open page."""

    def __init__(self, program: str, profile: Path) -> None:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        self._log = profile / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HOME": str(profile)})
        self._count = 0
        try:
            self._socket = self._connect()
            self.call("session.new", capabilities={})
            self._page = self.call("browsingContext.getTree")["contexts"][0]["context"]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _connect(self) -> socket.socket:
        ends = time.monotonic() + PATIENCE
        while not (found := re.search(r"BiDi listening on ws://127\.0\.0\.1:(\d+)", self._log.read_text())):
            assert time.monotonic() < ends, "Firefox does not start"
            time.sleep(0.1)
        connection = socket.create_connection(("127.0.0.1", int(found[1])), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        asked = f"GET /session HTTP/1.1\r\nHost: 127.0.0.1:{found[1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(f"{asked}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(1)
        assert b" 101 " in answer, answer
        return connection

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._count += 1
        self._send(json.dumps({"id": self._count, "method": method, "params": params}).encode())
        while True:
            message = json.loads(self._receive())
            if message.get("id") == self._count:
                assert message["type"] == "success", message
                return message["result"]

    def _send(self, data: bytes) -> None:
        size = len(data)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 1 << 16:
            length = b"\xfe" + size.to_bytes(2, "big")
        else:
            length = b"\xff" + size.to_bytes(8, "big")
        mask = b"mask"
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self._socket.sendall(b"\x81" + length + mask + masked)

    def _receive(self) -> bytes:
        message, is_last = b"", False
        while not is_last:
            first, size = self._read(2)
            if size >= 126:
                size = int.from_bytes(self._read(2 if size == 126 else 8), "big")
            part, is_last = self._read(size), bool(first & 0x80)
            if first & 0x0F < 8:  # neither a ping nor a close
                message += part
            else:
                is_last = False
        return message

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            assert part, "Firefox has ended"
            data += part
        return data

    def open(self, address: str) -> None:
        self.call("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, by way of JSON."""
        told = self.call(
            "script.evaluate", expression=f"JSON.stringify({expression}) ?? 'null'",
            target={"context": self._page}, awaitPromise=True,
        )  # fmt: skip
        assert told["type"] == "success", told
        return json.loads(told["result"]["value"])

    def click(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": int(x), "y": int(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "mouse", "actions": steps}]
        self.call("input.performActions", context=self._page, actions=actions)
