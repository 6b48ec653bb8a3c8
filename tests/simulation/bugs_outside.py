"""Planted bugs in the clients of outside services: each takes the right method and spoils it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_type_hints
from uuid import UUID

import msgspec

from onpaid.acts import Absent, Found, act, act_of, current_call
from onpaid.domain.invoices import Dispatch, InvoiceRef
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.errors import Doubtful, ProviderError, Unavailable

Method = Callable[..., Any]
Spoil = Callable[[Any, Method], Method]
_COUNT = itertools.count(1)
AT_ONCE = timedelta(milliseconds=1)


def variant(client: Any, **spoils: Spoil) -> Any:
    """The client with some of its methods spoilt."""

    class Variant:
        def __getattr__(self, name: str) -> Any:
            method = getattr(client, name)
            return spoils[name](client, method) if name in spoils else method

    return Variant()


def _as(method: Method, **declared: Any) -> Callable[[Method], Method]:
    """Typed and declared as the right method is, but for what is given."""
    function = getattr(method, "__func__", method)
    hints = get_type_hints(function)
    first = next(hint for name, hint in hints.items() if name != "return")
    was = act_of(method)

    def mark(spoilt: Method) -> Method:
        spoilt.__annotations__ = {"given": first, "return": hints["return"]}
        spoilt.__qualname__ = function.__qualname__
        return act(**{**{name: getattr(was, name) for name in was.__slots__}, **declared})(spoilt)

    return mark


def declared(**how: Any) -> Spoil:
    """The right method, wrongly declared."""

    def spoil(_client: Any, method: Method) -> Method:
        @_as(method, **how)
        async def call(given: Any) -> Any:
            return await method(given)

        return call

    return spoil


unquiet = declared(settles=AT_ONCE, timeout=timedelta(seconds=5))
unclaimed = declared(claim=None)
settled = declared(settles=AT_ONCE)


def absent_if_failed(_client: Any, method: Method) -> Method:
    """A look that failed says that nothing is there."""

    @_as(method)
    async def find(given: Any) -> Any:
        try:
            return await method(given)
        except ProviderError:
            return Absent()

    return find


def absent(_client: Any, method: Method) -> Method:
    """A look that proves nothing says that nothing is there."""

    @_as(method)
    async def find(given: Any) -> Any:
        finding = await method(given)
        return finding if isinstance(finding, Found) else Absent()

    return find


def never_there(_client: Any, method: Method) -> Method:
    """A look that does not look."""

    @_as(method)
    async def find(given: Any) -> Any:
        return Absent()

    return find


def by_order(client: Any, method: Method) -> Method:
    """Any invoice of the order will do."""

    @_as(method)
    async def find(given: Any) -> Any:
        world = client._world
        for invoice in world.visible(world.invoices):
            if invoice.draft.order_reference == given.order_reference:
                return Found(InvoiceRef(invoice.id, 10_000 + invoice.id, given.total, given.uuid))
        return await method(given)

    return find


def fresh_uuid(_client: Any, method: Method) -> Method:
    """What names the invoice is made anew for each attempt."""

    @_as(method)
    async def create(given: Any) -> Any:
        return await method(msgspec.structs.replace(given, uuid=str(UUID(int=next(_COUNT)))))

    return create


def not_taken(_client: Any, method: Method) -> Method:
    """Every answer but a good one means that nothing was done."""

    @_as(method, look_first=False)
    async def create(given: Any) -> Any:
        try:
            return await method(given)
        except Doubtful as error:
            raise Unavailable(str(error)) from None

    return create


def impatient(_client: Any, method: Method) -> Method:
    """No answer within seconds means that nothing was done."""

    @_as(method, look_first=False)
    async def create(given: Any) -> Any:
        try:
            async with asyncio.timeout(10):
                return await method(given)
        except TimeoutError:
            raise Unavailable("no answer") from None

    return create


def repeats(_client: Any, method: Method) -> Method:
    """The library tries again by itself."""

    @_as(method)
    async def create(given: Any) -> Any:
        try:
            return await method(given)
        except Doubtful:
            return await method(given)

    return create


def believes(_client: Any, method: Method) -> Method:
    """No clear answer is a good answer."""

    @_as(method)
    async def send(given: Any) -> Any:
        try:
            return await method(given)
        except Doubtful:
            return Dispatch(given.invoice_id, 1)

    return send


def late_senders(given: dict[str, Any]) -> dict[str, Any]:
    """Clients that never ask whether they still may send, and send even if they were hung up on."""
    return {**given, "invoicing": variant(given["invoicing"], create_invoice=_late, create_contact=_late)}


def _late(_client: Any, method: Method) -> Method:
    @_as(method)
    async def create(given: Any) -> Any:
        token = current_call.set(None)
        try:
            sent = asyncio.ensure_future(method(given))
        finally:
            current_call.reset(token)
        return await asyncio.shield(sent)

    return create


class Stale:
    """A payment source that tells what the event told."""

    def __init__(self, inner: Any) -> None:
        self.fetch_customer = inner.fetch_customer
        self._fetch = inner.fetch_payment

    @act(repeatable=True, lane="money")
    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        told: PaymentDetails = await self._fetch(paid)
        return msgspec.structs.replace(told, refunded=paid.amount - paid.amount)
