"""What a demo's day needs of its stage, whatever the service runs on."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from onpaid.cli.demo.counting import Counted
from onpaid.store.port import Store


class Staging(Protocol):
    """The simulators and the service, and how to reach them. `kills` is how often work was broken off by force."""

    simulators_url: str
    service_url: str

    @property
    def admin_token(self) -> str:
        """What opens the service's API."""
        ...

    @property
    def session_secret(self) -> str:
        """What signs login links."""
        ...

    @property
    def kills(self) -> int:
        """How often work was broken off by force: each may leave acts whose outcome nobody knows."""
        ...

    @property
    def simulated(self) -> str:
        """The simulators' faults, as they are told them."""
        ...

    @property
    def reachable(self) -> bool:
        """Whether the service answers now."""
        ...

    async def start(self) -> None:
        """Bring everything up, and the goods in."""
        ...

    def check(self) -> None:
        """Raise ChildEnded unless everything runs."""
        ...

    def day_is(self, *, paid: bool) -> None:
        """Told now and then how far the day is: whether everybody has paid."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Store]:
        """The service's store, read beside it."""
        ...

    async def counted(self, store: Store) -> Counted:
        """How many runs there are, by flow and state."""
        ...

    def figures(self) -> dict[str, Any] | None:
        """What was called and consumed, where that is counted."""
        ...

    async def stop(self) -> list[int]:
        """End everything. Returns exit codes, the service's first."""
        ...
