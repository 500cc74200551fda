"""The sender of a request: the visitor, known by a cookie, and the network address."""

import hashlib
import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

COOKIE = "distill"
ANYONE = "anyone-"
"""Prefix of the owner of a page without a cookie. Anybody who knows the rest of such an owner may read its files; the
rest cannot be guessed."""
NOWHERE = "nowhere"
SECRET_CHARACTERS = 32
IPV6_PREFIX = 64
"""Leading bits of an IPv6 address that count as one address. A household usually has all the addresses that begin with
the same 64 bits."""


@dataclass(frozen=True)
class Asker:
    """The sender of a request.

    Attributes
    ----------
    owner : str
        The visitor to whom the cookie belongs, as 32 hexadecimal digits; "" without a cookie.
    address : str
        An IPv4 address, or the first 64 bits of an IPv6 address as a network.
    page : str
        Gradio's name for the page that sent the request (its session hash); "" if the request names no page.
    """

    owner: str
    address: str
    page: str = ""

    @property
    def visitor(self) -> str:
        """The owner of the visit; without a cookie, each page is a visitor of its own."""
        return self.owner or owner_of_page(self.page)

    @property
    def name(self) -> str:
        """The name that a visitor's calls and uploads are kept under: the owner or, without a cookie, the address."""
        return self.owner or f"at {self.address}"

    @classmethod
    def of(cls, scope: MutableMapping[str, Any], trusted_proxies: int) -> "Asker":
        """Read the sender of an ASGI request from its headers and its connection; ``page`` stays empty."""
        headers = Headers(scope=scope)
        client = scope.get("client") or ("", 0)
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        return cls(owner_of(headers.get("cookie", "")), address_of(client[0], forwarded, trusted_proxies))


def owner_of(cookies: str) -> str:
    """The visitor to whom a ``Cookie`` header belongs, as 32 hexadecimal digits; "" without Distill's cookie.

    The digits are the first half of the cookie's SHA-256. The server never stores the cookie itself, which is the
    visitor's secret.
    """
    secret = cookie_parser(cookies).get(COOKIE, "")
    return hashlib.sha256(secret.encode()).hexdigest()[:32] if len(secret) >= SECRET_CHARACTERS else ""


def owner_of_page(page: str) -> str:
    """The name of the owner of a page that has no cookie."""
    return ANYONE + hashlib.sha256(page.encode(errors="surrogatepass")).hexdigest()[:32]


def address_of(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The network address to which a request is counted.

    Parameters
    ----------
    peer : str
        Address at the other end of the connection: a client's, or the last proxy's.
    forwarded : str
        The ``X-Forwarded-For`` header. Each proxy appends the address that its request came from.
    trusted_proxies : int
        Number of proxies before the server. The sender can forge every entry of ``forwarded`` before the last
        ``trusted_proxies`` ones.

    Returns
    -------
    str
        An IPv4 address, an IPv6 network of 64 bits, or "nowhere".
    """
    hops = [hop.strip() for hop in forwarded.split(",")] if trusted_proxies else []
    for candidate in (hops[-trusted_proxies] if len(hops) >= trusted_proxies > 0 else "", peer):
        try:
            address = ipaddress.ip_address(candidate.strip("[]").partition("%")[0])
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        if isinstance(address, ipaddress.IPv4Address) or mapped:
            return str(mapped or address)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return NOWHERE
