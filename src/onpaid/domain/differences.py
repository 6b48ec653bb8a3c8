"""What became of an order after its invoice: which lines came, went or were altered.

An invoice is never rewritten. Added lines wait for a payment of their own; a line that was altered or removed after
it was invoiced is a matter for a person, who is told exactly what differs. Numbers are compared by value: 199 and
199.00 are the same price.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onpaid.domain.decimals import plain
from onpaid.domain.orders import OrderLine
from onpaid.errors import Problem


class Altered(msgspec.Struct, frozen=True):
    """One line, as it was invoiced and as the shop tells it now."""

    invoiced: OrderLine
    now: OrderLine

    def sentence(self) -> str:
        """`E-book (77): quantity was 1 and is 2`."""
        was, now = self.invoiced, self.now
        pairs = (
            ("name", repr(was.name), repr(now.name), was.name != now.name),
            ("quantity", plain(was.quantity), plain(now.quantity), was.quantity != now.quantity),
            ("unit price", plain(was.unit_price), plain(now.unit_price), was.unit_price != now.unit_price),
            (
                "VAT",
                f"{plain(was.vat_percent)} %",
                f"{plain(now.vat_percent)} %",
                was.vat_percent != now.vat_percent,
            ),
        )
        changes = [f"{what} was {before} and is {after}" for what, before, after, differs in pairs if differs]
        return f"{was.name} ({was.key}): {', '.join(changes)}"


class Differences(msgspec.Struct, frozen=True):
    """Everything that differs."""

    added: tuple[OrderLine, ...] = ()
    removed: tuple[OrderLine, ...] = ()
    altered: tuple[Altered, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.altered)

    @property
    def need_a_person(self) -> bool:
        """Whether the invoice no longer tells what the shop tells. Added lines alone do not."""
        return bool(self.removed or self.altered)

    def sentences(self) -> tuple[str, ...]:
        """One for each line that differs; what a person must look at comes first."""
        return (
            *(altered.sentence() for altered in self.altered),
            *(f"{_told(line)} was removed" for line in self.removed),
            *(f"{_told(line)} was added, and waits for its payment" for line in self.added),
        )

    def as_problem(self, order: str) -> Problem:
        """The ticket: changed after invoice."""
        facts = {f"change_{nth}": sentence for nth, sentence in enumerate(self.sentences(), 1)}
        return Problem(
            f"order {order} was changed after it was invoiced: the invoice stays as it is, "
            "a credit note may be needed",
            category="order",
            severity="medium",
            facts={"order": order, **facts},
        )


def compare(invoiced: Iterable[OrderLine], now: Iterable[OrderLine]) -> Differences:
    """How the lines of a newer revision differ from the lines that were invoiced, line by line of the same key."""
    before = {line.key: line for line in invoiced}
    after = {line.key: line for line in now}
    return Differences(
        added=tuple(line for key, line in after.items() if key not in before),
        removed=tuple(line for key, line in before.items() if key not in after),
        altered=tuple(
            Altered(line, after[key]) for key, line in before.items() if key in after and after[key] != line
        ),
    )


def _told(line: OrderLine) -> str:
    return f"{line.name} ({line.key}), {plain(line.quantity)} at {plain(line.unit_price)},"
