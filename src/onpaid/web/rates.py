"""How often a door may be used: by one address, and by all together.

For doors that cost something although nobody has to log in, such as opening a checkout. Times are handed in; what is
remembered is bounded, however many addresses come; nothing is shared between processes. It is asked by the doors that
it is for, and never stands before a webhook.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import ceil
from typing import Final

MINUTE: Final = 60.0
AT_ONCE: Final = MINUTE / 20
"""Seconds whose share may be used up at once; after that it is one after the other. What each use starts takes its
time, so that a crowd that is let in at once would be in the way of everything else."""
MOST_ADDRESSES: Final = 10_000
"""Beyond it the address that came longest ago is forgotten: the ceiling for all counts it still."""


class Rates:
    """So many times a minute for each address, and so many for all. 0 means: as often as you like."""

    def __init__(self, monotonic: Callable[[], float], *, each: int, together: int) -> None:
        self._monotonic = monotonic
        self._each, self._together = each, together
        self._until: OrderedDict[str, float] = OrderedDict()
        """For each address, when it would have used up what it used at an even pace."""
        self._all_until = 0.0

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._until)

    def wait(self, client: str) -> int:
        """Whole seconds to wait before the next use from this address; 0 lets this one in, and counts it.

        What is turned away counts for nobody. An address that tells nobody apart (`whose`) counts for all only.
        """
        now, name = self._monotonic(), whose(client)
        own, own_late = _next(self._until.get(name, 0.0), now, self._each if name else 0)
        all_, all_late = _next(self._all_until, now, self._together)
        late = max(own_late, all_late)
        if late > 0:
            return max(1, ceil(late))
        self._all_until = all_
        if name and self._each:
            self._until[name] = own
            self._until.move_to_end(name)
            if len(self._until) > MOST_ADDRESSES:
                self._until.popitem(last=False)
        return 0


def whose(client: str) -> str:
    """Who is behind an address: itself, or for IPv6 its network of 64 bits, which is one customer's.

    Empty for this machine and private networks: a proxy or a server of ours stands there, with everybody behind it.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(client)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if not address.is_global:
        return ""
    return str(address) if isinstance(address, IPv4Address) else str(int(address) >> 64)


def _next(until: float, now: float, a_minute: int) -> tuple[float, float]:
    """Where one more use moves the moment to, and how many seconds too early it comes."""
    if not a_minute:
        return now, 0.0
    step = MINUTE / a_minute
    moved = max(until, now) + step
    return moved, round(moved - now - max(AT_ONCE, step), 3)
