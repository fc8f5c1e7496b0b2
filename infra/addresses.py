"""Which addresses Floor may be told to call: decisions about text and numbers; nothing here sends a packet.

An address is judged twice: as it is written, when it is registered (`refusal`), and as what its name resolves to,
when it is called (`vetted`). Whoever calls connects to a vetted number, never to the name again.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Resolver = Callable[[str, int], Iterable[str]]

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_MAX: Final = 2048
NO_ADDRESS: Final = "is not an address such as https://example.com/hook."
PORTS: Final = frozenset({443, 8443})

# What `is_global` lets through or says differently from one Python to the next, and must not be called.
DENIED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # 192.0.0.192 is a cloud's metadata, and global by the registry
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # unspecified, loopback and IPv4-compatible
        "64:ff9b::/96",  # NAT64: an IPv4 address inside
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo and other special ones
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
# Names that mean this machine, its network or a cloud's metadata, wherever they resolve to.
DENIED_SUFFIXES: Final = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "onion",
    "test",
    "invalid",
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HTTPS: Final = 443
_HTTP: Final = 80


class AddressRefused(Exception):
    """This address is not to be called; the message says why, and names no address that a name resolved to."""


def refusal(url: str, *, allow_private: bool = False, own: Iterable[str] = ()) -> str | None:
    """Say what is wrong with an address as it is written, or None.

    `own` are addresses of this Floor itself. With `allow_private` (development) plain http, any port and any host
    will do; what has odd characters or a user name in it never does.
    """
    found = _form(url)
    if found:
        return found
    parts = urlsplit(url)
    host = host_of(url)
    port = parts.port if parts.port is not None else (_HTTPS if parts.scheme == "https" else _HTTP)
    if allow_private:
        return None
    if parts.scheme != "https":
        return f"{parts.scheme}: is not offered; use https."
    if port not in PORTS:
        return f"port {port} is not offered; use 443 or 8443."
    if host in {host_of(address) for address in own if address}:
        return "is this platform's own address."
    return _host_refusal(host)


def vetted(host: str, port: int, resolver: Resolver, *, allow_private: bool = False) -> list[str]:
    """Resolve a host once and return its addresses, all of which may be called; raises AddressRefused.

    One denied address among them is enough to refuse: which one is called would be chance.
    """
    literal = _literal(host)
    texts = [str(literal)] if literal else list(dict.fromkeys(resolver(host, port)))
    if not texts:
        raise AddressRefused(f"{host} has no address.")
    if not allow_private and any(denied(text) for text in texts):
        raise AddressRefused(f"{host} is not a public address.")
    return texts


def denied(text: str) -> bool:
    """Say whether an IP address is anything but a public unicast one; what is no IP address is denied."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return True
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
    if not address.is_global or address.is_multicast or address.is_reserved:
        return True
    return any(address in network for network in DENIED if network.version == address.version)


def host_of(url: str) -> str:
    """Return an address's host in lower case without a final dot or brackets, empty if it has none."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def _form(url: str) -> str | None:
    """Say what is wrong with an address's spelling, whatever it points at."""
    if not 1 <= len(url) <= URL_MAX:
        return f"has {len(url)} characters; give 1 to {URL_MAX}."
    if not url.isascii() or any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
        return "holds a space, a control character or one that is not ASCII; write names in punycode (xn--…)."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return NO_ADDRESS
    if parts.scheme not in {"https", "http"} or not parts.hostname or not url.lower().startswith(f"{parts.scheme}://"):
        return NO_ADDRESS
    odd = {
        "holds a user name; leave it out.": "@" in parts.netloc,
        "holds a fragment (#…); leave it out.": "#" in url,
        "has a host or port that can't be used.": "%" in parts.netloc or port == 0 or parts.netloc.endswith(":"),
    }
    return next((text for text, holds in odd.items() if holds), None)


def _host_refusal(host: str) -> str | None:
    literal = _literal(host)
    if literal is not None:
        return "is not a public address." if denied(str(literal)) else None
    labels = host.split(".")
    if ":" in host or not all(_LABEL.fullmatch(label) for label in labels):
        return "has a host that can't be used."
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        return "is a number written in an odd way; write an IPv4 address as four decimal numbers."
    if len(labels) == 1 or any(host == suffix or host.endswith(f".{suffix}") for suffix in DENIED_SUFFIXES):
        return "is not the name of a public host."
    return None


def _literal(host: str) -> IP | None:
    """Return the IP address that a host is written as, in the one plain way; None for names and odd spellings."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
