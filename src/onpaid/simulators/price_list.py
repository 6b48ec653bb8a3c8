"""What is sold by sessions at Stripe: made-up courses and notebooks, one-off and by subscription.

The service under test is to sell the same at the same prices, each under its id. Amounts are whole minor units with
VAT in them, in currencies that have hundredths, as the accounts want them; `interval` is "" where it is paid once.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sold:
    """One price. `ident` is the service's own id of it, and its name (`lookup_key`) at Stripe."""

    ident: str
    product: str
    name: str
    amount: int
    currency: str
    interval: str = ""


PRICES: Final[tuple[Sold, ...]] = (
    Sold("planner-a5", "planner", "A5 planner", 24_900, "NOK"),
    Sold("planner-a5-eur", "planner", "A5 planner", 2_290, "EUR"),
    Sold("course-ink", "course-ink", "Course: drawing with ink", 129_000, "NOK"),
    Sold("course-ink-eur", "course-ink", "Course: drawing with ink", 11_900, "EUR"),
    Sold("studio-month", "studio", "The studio", 9_900, "NOK", "month"),
    Sold("studio-year", "studio", "The studio", 99_000, "NOK", "year"),
    Sold("letters-week", "letters", "A letter a week", 490, "EUR", "week"),
    Sold("letters-week-nok", "letters", "A letter a week", 5_500, "NOK", "week"),
)
