"""Which requests a browser sends from a page of another site: they are nobody's."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers

OWN_SITES = ("same-origin", "none")
DEFAULT_PORTS = {"http": 80, "https": 443}


def is_foreign(scope: MutableMapping[str, Any]) -> bool:
    """Whether a page of another site, or of another host of this one, made the browser send a request.

    ``Sec-Fetch-Site`` says so (W3C, "Fetch Metadata Request Headers"). A browser that does not send it, because it is
    old or the connection is not encrypted, sends ``Origin`` with all that could change something. Scripts send neither.
    """
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in OWN_SITES
    return origin is not None and _parts(origin) not in _own_origins(scope, headers)


def is_navigation(scope: MutableMapping[str, Any]) -> bool:
    """Whether a person opens a page, in a window or in another page's frame."""
    return Headers(scope=scope).get("sec-fetch-mode", "navigate") == "navigate"


def is_secure(scope: MutableMapping[str, Any], headers: Headers) -> bool:
    """Whether the visitor's connection is encrypted, up to the proxy at least."""
    return headers.get("x-forwarded-proto", scope.get("scheme", "http")).split(",")[0].strip() == "https"


def _own_origins(scope: MutableMapping[str, Any], headers: Headers) -> list[tuple[str, str, int | None] | None]:
    """The server's own origin, as the browser sees it: directly, or behind a proxy that says how it was asked."""
    scheme = "https" if is_secure(scope, headers) else "http"
    hosts = (headers.get("host", ""), headers.get("x-forwarded-host", "").split(",")[0].strip())
    return [_parts(f"{scheme}://{host}") for host in hosts if host]


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for "null" and for what is no origin."""
    try:
        url = urlsplit(origin)
        port = url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return None
    return (url.scheme, url.hostname, port) if url.hostname else None
