"""Where a push message may go: a subscription's endpoint is a URL that a client gave us.

It must not become a way into the network that we stand in: https only, and only to public addresses. While all of it
runs on one machine to be tried out, that machine's own addresses are allowed too.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv6Address, ip_address

import httpx

ENDPOINT_CHARACTERS_MAX = 1_000
RESOLVE_WITHIN_S = 5.0


class BadEndpoint(ValueError):
    """Nothing is sent there; str() says why, without the endpoint, which is a secret. `for_good`: whenever."""

    def __init__(self, why: str, for_good: bool = True) -> None:
        self.for_good = for_good
        super().__init__(why)


def check_endpoint(endpoint: str, local: bool) -> httpx.URL:
    """The URL of a push service, judged by what it says. Raises BadEndpoint."""
    if len(endpoint) > ENDPOINT_CHARACTERS_MAX:
        raise BadEndpoint(f"an endpoint has at most {ENDPOINT_CHARACTERS_MAX} characters")
    try:
        url = httpx.URL(endpoint)
        host, port = url.host, url.port
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise BadEndpoint("expected the https URL of a push service") from error
    here = local and (host == "localhost" or _is_loopback(host))
    usable = url.scheme == "https" or (here and url.scheme == "http")
    if not usable or not host or url.userinfo or url.fragment or (port is not None and not 0 < port < 65_536):
        raise BadEndpoint("expected the https URL of a push service")
    if not here and not _may_be_public(host):
        raise BadEndpoint("the endpoint is not a public push service")
    return url


async def reachable_address(url: httpx.URL, local: bool) -> str:
    """The address to connect to, which is public. Raises BadEndpoint, for now only where the name is not found."""
    try:
        async with asyncio.timeout(RESOLVE_WITHIN_S):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise BadEndpoint("the push service's name is not found", for_good=False) from error
    addresses = [str(place[4][0]) for place in found]
    usable = [each for each in addresses if _is_public(each) or (local and _is_loopback(each))]
    if not usable:
        raise BadEndpoint("the endpoint is not a public push service", for_good=False)
    return usable[0]


def _may_be_public(host: str) -> bool:
    """False for an address that is not public, and for a name that no public server has."""
    try:
        ip_address(host)
    except ValueError:
        labels = host.rstrip(".").lower().split(".")
        # A last label of digits would be read as an address by some resolvers ("0x7f.1", "2130706433").
        return len(labels) > 1 and labels[-1] not in ("local", "internal", "localhost", "arpa") and labels[-1].isalpha()
    return _is_public(host)


def _is_public(address: str) -> bool:
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(known, IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour
        if inner is not None and not inner.is_global:
            return False
    return known.is_global and not known.is_multicast


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
