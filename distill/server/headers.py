"""What goes out with every answer: the headers that are meant, and those that tell a browser what it may do."""

import base64
import hashlib
import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders

from distill.server.asgi import Message, Send

MEANT = frozenset(
    {
        *("accept-ranges", "allow", "cache-control", "content-disposition", "content-encoding", "content-length"),
        *("content-range", "content-type", "etag", "last-modified", "location", "retry-after", "set-cookie", "vary"),
    }
)  # fmt: skip
"""Every other header is dropped: what Gradio answers to a range repeats the request's own headers, cookie and all."""

FRAMES = "'self' https://huggingface.co"
"""Who may show the page in a frame: the Hub, where a Space stands in one."""
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(
        [
            *(f"{power}=(self)" for power in ("microphone", "midi", "autoplay", "clipboard-write", "fullscreen")),
            *(f"{power}=()" for power in ("camera", "geolocation", "display-capture", "payment", "usb", "serial")),
        ]
    ),
}  # fmt: skip


def content_security_policy(inline_scripts: Sequence[str] = ()) -> str:
    """What the page may load and run (W3C, "Content Security Policy Level 3").

    Gradio makes functions of the components' scripts and of their templates, and styles of their CSS: so ``eval`` and
    inline styles cannot be forbidden. Inline scripts are, but for those whose hashes are given.

    Parameters
    ----------
    inline_scripts : sequence of str
        Hashes, as :func:`script_hashes` gives them.
    """
    hashes = "".join(f" '{value}'" for value in inline_scripts)
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' blob:{hashes}",
            "style-src 'self' 'unsafe-inline'",
            *(f"{kind}-src 'self' data: blob:" for kind in ("img", "media", "font", "connect", "worker")),
            *("object-src 'none'", "base-uri 'self'", "form-action 'self'", f"frame-ancestors {FRAMES}"),
        ]
    )


def script_hashes(page: bytes) -> list[str]:
    """Of each inline script of an HTML page, what a content security policy calls it."""
    digests = [hashlib.sha256(script).digest() for script in INLINE_SCRIPT.findall(page)]
    return [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]


NO_SCRIPTS = content_security_policy()


def guarded(send: Send) -> Send:
    """Send only headers that are meant, and with each answer those that guard it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", ()) if _is_meant(name)]
            message = {**message, "headers": kept}
            headers = MutableHeaders(raw=kept)
            for name, value in ALWAYS.items():
                headers.setdefault(name, value)
            headers.setdefault("content-security-policy", NO_SCRIPTS)
        await send(message)

    return sending


def _is_meant(name: bytes) -> bool:
    text = name.decode("latin-1").lower()
    return text in MEANT or text in ALWAYS or text == "content-security-policy"
