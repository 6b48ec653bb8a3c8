"""Where a provider's client may go: base addresses are settings, and a key is sent to whatever they name.

TLS is required, but for this machine and private networks (a simulator, a proxy beside us). Never called are
link-local addresses, where clouds keep their metadata, and addresses in disguise.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from onpaid.errors import SettingsError


def checked_base(base: str, service: str) -> str:
    """The base address without a slash at its end; SettingsError if no key should ever be sent there."""
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    clean = base.isascii() and base.isprintable() and not any(c in base for c in ' \\@?#"<>')
    if not host or not clean or parts.scheme not in ("https", "http") or "/../" in f"{parts.path}/":
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


def _near(host: str) -> bool | None:
    """Whether `host` is this machine or a private network; None if it may not be called at all."""
    with suppress(ValueError):
        given = ipaddress.ip_address(host)
        address = getattr(given, "ipv4_mapped", None) or given
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            return None
        return bool(address.is_loopback or (address.is_private and not address.is_reserved))
    last = host.rstrip(".").rpartition(".")[2]
    if not last or last.isdigit() or last.startswith("0x"):  # 2852039166 and 0x7f.1 are addresses too
        return None
    return "." not in host.rstrip(".")
