"""A look whose patience has an end: past it, that nothing came is an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from onpaid.engine.shapes import answer_type
from onpaid.store.local import Done, NotYet


class OrNone:
    """A look whose patience ends in None instead of a ticket."""

    def __init__(self, look: Callable[..., Any], past: Callable[[], bool]) -> None:
        self._look = look
        self._past = past
        self.answers = Optional[answer_type(look)]  # noqa: UP045 - made at run time
        self.__qualname__ = getattr(look, "__qualname__", "look")

    async def __call__(self, *args: Any) -> Any:
        found = await self._look(*args)
        return Done(None) if isinstance(found, NotYet) and self._past() else found
