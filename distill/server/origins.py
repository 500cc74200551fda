"""Recognition of requests that a page of another site made a browser send."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers

OWN_SITES = ("same-origin", "none")
DEFAULT_PORTS = {"http": 80, "https": 443}


def is_foreign(scope: MutableMapping[str, Any]) -> bool:
    """Whether a page of another site, or of another host of the same site, made the browser send a request.

    The header ``Sec-Fetch-Site`` tells (W3C, "Fetch Metadata Request Headers"). An old browser, or any browser over
    plain HTTP, leaves it out, but sends ``Origin`` with every request that could change something. Scripts outside a
    browser send neither header, and are not foreign.
    """
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in OWN_SITES
    return origin is not None and _parts(origin) not in _own_origins(scope, headers)


def is_navigation(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request opens a page, in a window or in a frame; True if the browser does not tell."""
    return Headers(scope=scope).get("sec-fetch-mode", "navigate") == "navigate"


def is_secure(scope: MutableMapping[str, Any], headers: Headers) -> bool:
    """Whether the visitor's connection uses HTTPS, at least up to the first proxy."""
    return headers.get("x-forwarded-proto", scope.get("scheme", "http")).split(",")[0].strip() == "https"


def _own_origins(scope: MutableMapping[str, Any], headers: Headers) -> list[tuple[str, str, int | None] | None]:
    """The server's possible origins as a browser sees them, from ``Host`` and from a proxy's ``X-Forwarded-Host``."""
    scheme = "https" if is_secure(scope, headers) else "http"
    hosts = (headers.get("host", ""), headers.get("x-forwarded-host", "").split(",")[0].strip())
    return [_parts(f"{scheme}://{host}") for host in hosts if host]


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    """Split an origin into scheme, host and port; None for "null" and for an invalid origin."""
    try:
        url = urlsplit(origin)
        port = url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return None
    return (url.scheme, url.hostname, port) if url.hostname else None
