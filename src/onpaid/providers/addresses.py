"""Where a provider's client may go: base addresses are settings, and a key is sent to whatever they name.

TLS is required, but for this machine and private networks (a simulator, a proxy beside us). Never called are the
addresses where clouds keep their metadata, and addresses in disguise. A name is judged twice: when it is set, and by
what it resolves to when a connection is made, since that can change.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from onpaid.errors import SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_METADATA: Final = frozenset(
    ipaddress.ip_address(each)
    for each in (
        "169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    )
)
_METADATA_NAMES: Final = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""Where every IPv6 address on the internet is; outside of it are sites and translators of somebody's own."""


def checked_base(base: str, service: str) -> str:
    """The base address without a slash at its end; SettingsError if no key should ever be sent there."""
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    clean = base.isascii() and base.isprintable() and not any(c in base for c in ' \\@?#"<>')
    dots = not {".", ".."}.isdisjoint(parts.path.split("/")) if host else False
    if not host or not clean or parts.scheme not in ("https", "http") or dots:
        raise SettingsError(
            f"{service}: the base address must look like https://host/path, and hold nothing else"
        )
    near = _near(host)
    if near is None:
        raise SettingsError(f"{service}: {host} is no address that a service can have")
    if parts.scheme == "http" and not near:
        raise SettingsError(
            f"{service}: the base address must begin with https://, since a key is sent to {host}"
        )
    return base.rstrip("/")


def socket_to(found: tuple[Any, ...]) -> socket.socket:
    """A socket for one of the addresses that a name resolved to (as getaddrinfo tells it); OSError if nobody of ours
    has any business there."""
    family, kind, protocol, _, place = found
    if not _callable(_plain(ipaddress.ip_address(place[0].partition("%")[0]))):
        raise OSError(f"{place[0]} is no address that a service can have")
    return socket.socket(family, kind, protocol)


def checked_address(url: str, service: str, *, public: bool) -> str:
    """A whole address with path and query, that somebody else names. SettingsError if nothing should be sent there;
    `public` refuses this machine and private networks, and so whatever has no TLS."""
    bare, mark, query = url.partition("?")
    bare = checked_base(bare, service) if bare[-1:] != "/" else f"{checked_base(bare, service)}/"
    if not query.isascii() or not query.isprintable() or any(c in query for c in ' \\#"<>'):
        raise SettingsError(f"{service}: the address holds a blank or another odd character")
    parts = urlsplit(bare)
    if public and not _far(parts.hostname or ""):
        raise SettingsError(
            f"{service}: the address must be on the internet, not on this machine or beside it"
        )
    bare = parts.scheme + bare[len(parts.scheme) :]  # HTTPS:// is fine, and compared with what is asked for
    if not parts.path:
        bare += "/"
    return f"{bare}{mark}{query}"


def socket_to_public(found: tuple[Any, ...]) -> socket.socket:
    """As `socket_to`, for such an address: OSError as well if the name resolves to this machine or a private network."""
    if not _public(ipaddress.ip_address(found[4][0].partition("%")[0])):
        raise OSError(f"{found[4][0]} is no address on the internet")
    return socket_to(found)


def resolved_well(base: str) -> None:
    """For a client that opens its sockets itself: OSError if the name resolves to where nobody of ours has business."""
    parts = urlsplit(base)
    for found in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
        socket_to(found).close()


def _near(host: str) -> bool | None:
    """Whether `host` is this machine or a private network; None if it may not be called at all."""
    with suppress(ValueError):
        address = _plain(ipaddress.ip_address(host))
        if not _callable(address):
            return None
        return bool(address.is_loopback or (address.is_private and not address.is_reserved))
    name = host.removesuffix(".").lower()
    last = name.rpartition(".")[2]
    # 2852039166 and 0x7f.1 are addresses too, and so may be what hides behind a percent sign.
    if not all(0 < len(label) < 64 for label in name.split(".")):
        return None
    if last.isdigit() or last.startswith("0x") or "%" in name or name in _METADATA_NAMES:
        return None
    return "." not in name


def _far(host: str) -> bool:
    """Whether `host` may be on the internet: an address there, or a name that is none of a machine beside us."""
    with suppress(ValueError):
        return _public(ipaddress.ip_address(host))
    return _near(host) is False


def _public(address: Address) -> bool:
    """Whether an address is on the internet."""
    plain = _plain(address)
    return plain.is_global and (isinstance(plain, ipaddress.IPv4Address) or plain in _UNICAST)


def _callable(address: Address) -> bool:
    """Whether a service can be there."""
    nowhere = address.is_link_local or address.is_multicast or address.is_unspecified
    return not nowhere and address not in _METADATA


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address wraps, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
