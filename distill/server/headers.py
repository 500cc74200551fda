"""The headers of every answer: an allow-list of names, and the security headers that restrict the browser."""

import base64
import hashlib
import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders

from distill.server.asgi import Message, Send
from distill.server.askers import COOKIE

MEANT = frozenset(
    {
        *("accept-ranges", "allow", "cache-control", "content-disposition", "content-encoding", "content-length"),
        *("content-range", "content-type", "etag", "last-modified", "location", "retry-after", "set-cookie", "vary"),
    }
)  # fmt: skip
"""Names of the headers that may go out. All others are dropped: Gradio's answers to range requests repeat the headers
of the request, even its cookie."""

FRAMES = "'self' https://huggingface.co"
"""Sites that may show the page in a frame, in the syntax of a content security policy. The Hugging Face Hub shows each
Space in a frame."""
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
"""Security headers of every answer."""


def content_security_policy(inline_scripts: Sequence[str] = ()) -> str:
    """Make the content security policy of a page: its allowed sources (W3C, "Content Security Policy Level 3").

    Gradio compiles the scripts and templates of components with ``eval``, and adds their CSS as inline styles, so the
    policy allows both. It allows only those inline scripts whose hashes are given.

    Parameters
    ----------
    inline_scripts : sequence of str
        Hashes of the allowed inline scripts, from :func:`script_hashes`.

    Returns
    -------
    str
        Value of the header ``Content-Security-Policy``.
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
    """Hash each inline script of an HTML page for a content security policy: "sha256-" and base64."""
    digests = [hashlib.sha256(script).digest() for script in INLINE_SCRIPT.findall(page)]
    return [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]


NO_SCRIPTS = content_security_policy()


def guarded(send: Send) -> Send:
    """Wrap ``send``: it drops the headers that are not allowed, and adds the security headers."""

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


def with_cookie(send: Send, value: str, seconds: int, *, secure: bool) -> Send:
    """Wrap ``send`` so that the answer sets the cookie, valid for so many seconds; 0 deletes it."""
    # On Hugging Face, the page is in a frame of another site: a browser sends a cookie there only with SameSite=None.
    where = "; SameSite=None; Secure; Partitioned" if secure else "; SameSite=Lax"
    cookie = f"{COOKIE}={value}; Path=/; HttpOnly; Max-Age={seconds}{where}"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


def _is_meant(name: bytes) -> bool:
    text = name.decode("latin-1").lower()
    return text in MEANT or text in ALWAYS or text == "content-security-policy"
