"""Who asks: the visitor that a cookie stands for, and the address that the request comes from."""

import hashlib
import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

COOKIE = "distill"
ANYONE = "anyone-"
"""How owners begin that have no cookie: who knows the rest may read their files, and nobody can guess it."""
NOWHERE = "nowhere"
SECRET_CHARACTERS = 32
IPV6_PREFIX = 64
"""Bits of an IPv6 address that name a household: whoever has these has all the addresses that begin with them."""


@dataclass(frozen=True)
class Asker:
    """Where a request comes from.

    Attributes
    ----------
    owner : str
        Whom the cookie stands for, as 32 hexadecimal digits; "" without a cookie.
    address : str
        An IPv4 address, or the first 64 bits of an IPv6 address as a network.
    page : str
        Gradio's name for the page that asks; "" where the request names none.
    """

    owner: str
    address: str
    page: str = ""

    @property
    def visitor(self) -> str:
        """The owner of the visit; without a cookie, a page is a visitor by itself."""
        return self.owner or owner_of_page(self.page)

    @property
    def name(self) -> str:
        """By which what this visitor began is known again: the owner or, without a cookie, the address."""
        return self.owner or f"at {self.address}"

    @classmethod
    def of(cls, scope: MutableMapping[str, Any], trusted_proxies: int) -> "Asker":
        """The asker of an ASGI request, as far as its headers tell."""
        headers = Headers(scope=scope)
        client = scope.get("client") or ("", 0)
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        return cls(owner_of(headers.get("cookie", "")), address_of(client[0], forwarded, trusted_proxies))


def owner_of(cookies: str) -> str:
    """Whom a ``Cookie`` header stands for, as 32 hexadecimal digits; "" without a cookie of ours.

    The cookie itself is the visitor's secret: the server keeps it nowhere.
    """
    secret = cookie_parser(cookies).get(COOKIE, "")
    return hashlib.sha256(secret.encode()).hexdigest()[:32] if len(secret) >= SECRET_CHARACTERS else ""


def owner_of_page(page: str) -> str:
    """The owner of a page that has no cookie."""
    return ANYONE + hashlib.sha256(page.encode(errors="surrogatepass")).hexdigest()[:32]


def address_of(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The address that a share is counted for.

    Parameters
    ----------
    peer : str
        Who holds the other end of the connection.
    forwarded : str
        The ``X-Forwarded-For`` header: each proxy adds whom it was asked by, the last one last.
    trusted_proxies : int
        How many proxies stand before the server; what comes before theirs, anybody may have written.

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
