"""Which lines of an order a payment pays for.

An order may be paid in parts: the basket first, an upsell later. A payment takes all lines that no payment has taken
if they come to its amount, else the one set among them that does. If several sets do, or none, a person or the
order's next revision must tell: nothing is guessed. Lines that cost nothing go with whatever is taken.
Lines that are alike in everything but their key count as one choice: taking either makes the same invoice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from math import lcm
from typing import Literal

import msgspec

from onpaid.domain.amounts import (
    agree_on_currency,
    exact_window,
    gross_of,
    how_prices_read,
    line_gross,
    rounded_gross,
)
from onpaid.domain.money import Money
from onpaid.domain.orders import OrderLine, Revision
from onpaid.errors import Problem

MOST_SETS = 2**20
"""Up to this many sets are searched (twenty different lines), from their two halves of a thousand each."""

Kind = Literal["mismatch", "ambiguous", "none-left"]


class Chosen(msgspec.Struct, frozen=True):
    """The lines that the payment pays for, in the order's sequence."""

    lines: tuple[OrderLine, ...]


class Nothing(msgspec.Struct, frozen=True):
    """Why there are no such lines: "none-left" (paid twice), "mismatch", or "ambiguous"."""

    why: str
    kind: Kind
    facts: dict[str, str] = {}

    def as_problem(self) -> Problem:
        """What to raise once waiting for another revision is over."""
        category = "payment" if self.kind == "none-left" else "invoice"
        return Problem(self.why, category=category, facts=self.facts)


def choose_lines(
    revision_lines: Sequence[OrderLine],
    already_taken_keys: Collection[str],
    captured: Money,
    prices_include_vat: bool | None,
    currency: str | None,
    *,
    added_together: Sequence[Collection[str]] = (),
) -> Chosen | Nothing:
    """The lines that `captured` pays for, of those not yet taken.

    `currency` is the order's, None if it names none. `added_together` (see `added_by_revision`) are keys that came
    in one revision each: all that is tried where an order has too many lines to search. Raises Problem if it is
    unknown whether prices include VAT, or the currencies differ.
    """
    code, include = agree_on_currency(currency, captured), how_prices_read(prices_include_vat)
    free = [line for line in revision_lines if line.key not in already_taken_keys]
    total = gross_of(free, include, code)
    figures = {"paid": captured.format(), "not_yet_invoiced": total.shown()}
    costly = [line for line in free if line.unit_price]
    if not costly and any(line.unit_price for line in revision_lines):
        why = f"{captured.format()} were paid, but every line is invoiced: paid twice, or a line was altered since"
        return Nothing(why, "none-left", figures)
    if captured.minor > 0 and free:
        if total.fits(captured.minor):
            return Chosen(tuple(free))
        found = _search(costly, captured.minor, include, code, added_together)
        if len(found) > 1:
            names = (", ".join(f"{line.name} ({line.key})" for line in lines) for lines in found[:2])
            figures |= dict(zip(("either", "or"), names, strict=True))
            why = f"{captured.format()} may pay for different lines of the order: a person must say which"
            return Nothing(why, "ambiguous", figures)
        if found:
            keys = {line.key for line in found[0]}
            return Chosen(tuple(line for line in free if line.key in keys or not line.unit_price))
    why = f"{captured.format()} were paid, but the lines not yet invoiced come to {total.shown()}"
    return Nothing(f"{why}, and no part of them to the amount paid", "mismatch", figures)


def added_by_revision(revisions: Iterable[Revision]) -> tuple[frozenset[str], ...]:
    """The keys of the lines that each revision was the first to have."""
    known: set[str] = set()
    added = []
    for revision in revisions:
        keys = frozenset(line.key for line in revision.lines) - known
        known |= keys
        if keys:
            added.append(keys)
    return tuple(added)


class _Part(msgspec.Struct, frozen=True):
    """A set of lines: its exact sum in a common fraction of a minor unit, and its rounded sum in minor units."""

    exact: int
    rounded: int
    lines: tuple[int, ...]


def _search(
    lines: Sequence[OrderLine], amount: int, include: bool, code: str, together: Sequence[Collection[str]]
) -> list[list[OrderLine]]:
    """Up to two different sets of lines that come to the amount."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for nth, line in enumerate(lines):
        same = (line.id, line.name, line.quantity, line.unit_price, line.vat_percent)
        alike.setdefault(same, []).append(nth)
    sets = 1
    for group in alike.values():
        sets *= len(group) + 1
        if sets > MOST_SETS:
            return _whole_revisions(lines, amount, include, code, together)
    exact = [line_gross(line, include, code) for line in lines]
    unit = 2 * lcm(*(one.denominator for one in exact))  # doubled, so that half a minor unit is whole too
    left = right = [_Part(0, 0, ())]
    for group in alike.values():
        first = group[0]
        one = _Part(int(exact[first] * unit), rounded_gross(lines[first], include, code), ())
        if len(left) <= len(right):
            left = _with(left, group, one)
        else:
            right = _with(right, group, one)
    found = _meet(left, right, amount, unit, code)
    return [[lines[nth] for nth in sorted(chosen)] for chosen in found]


def _with(parts: list[_Part], group: list[int], one: _Part) -> list[_Part]:
    """Every part with none, one, two ... of a group of lines that are alike."""
    return [
        _Part(part.exact + n * one.exact, part.rounded + n * one.rounded, part.lines + tuple(group[:n]))
        for n in range(len(group) + 1)
        for part in parts
    ]


def _meet(left: list[_Part], right: list[_Part], amount: int, unit: int, code: str) -> list[tuple[int, ...]]:
    """Up to two pairs of a left and a right part that come to the amount, exactly or by rounded lines."""
    window = exact_window(amount, code)
    low, high = (int(window.low * unit), int(window.high * unit)) if window else (0, 0)
    by_exact = sorted(right, key=lambda part: part.exact)
    sums = [part.exact for part in by_exact]
    by_rounded: dict[int, list[_Part]] = {}
    for part in right:
        by_rounded.setdefault(part.rounded, []).append(part)
    found: dict[tuple[int, ...], None] = {}
    for part in left:
        fitting = by_rounded.get(amount - part.rounded, [])[:2]
        if window is not None:
            first = bisect_left(sums, low - part.exact)
            beyond = bisect_right if window.closed else bisect_left
            fitting += by_exact[first : beyond(sums, high - part.exact)][:2]
        for other in fitting:
            found[part.lines + other.lines] = None
        if len(found) > 1:
            break
    return list(found)


def _whole_revisions(
    lines: Sequence[OrderLine], amount: int, include: bool, code: str, together: Sequence[Collection[str]]
) -> list[list[OrderLine]]:
    """Too many lines for a search: those among the sets that came together."""
    found = []
    for keys in together:
        batch = [line for line in lines if line.key in keys]
        if batch and gross_of(batch, include, code).fits(amount):
            found.append(batch)
    return found[:2]
