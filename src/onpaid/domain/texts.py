"""What the customer reads: the text on the invoice and the mail that brings it, in Norwegian and English.

Short and polite, with the order number, and clear that nothing is left to pay: whoever gets an invoice for something
already paid must not pay it again.
"""

from __future__ import annotations

from typing import Final

NORWEGIAN: Final = "NORWEGIAN"
ENGLISH: Final = "ENGLISH"
LONGEST_TEXT: Final = 500
"""The longest text that an invoice may carry."""

_INVOICE: Final = {
    NORWEGIAN: "Ordre {order}. Beløpet er betalt i sin helhet, det er ingenting igjen å betale. Takk for handelen!",
    ENGLISH: "Order {order}. Paid in full, nothing is left to pay. Thank you for your purchase!",
}
_RECEIPT: Final = {
    NORWEGIAN: (
        "Hei{name},\n\ntakk for handelen! Vedlagt finner du faktura for ordre {order}. "
        "Beløpet er allerede betalt, så du trenger ikke å gjøre noe mer.\n\nVennlig hilsen{sender}"
    ),
    ENGLISH: (
        "Hello{name},\n\nthank you for your purchase! The invoice for order {order} is attached. "
        "It has already been paid, so there is nothing more for you to do.\n\nKind regards{sender}"
    ),
}


def invoice_text(language: str, order_number: str) -> str:
    """The text on the invoice."""
    return _INVOICE[_known(language)].format(order=order_number)[:LONGEST_TEXT]


def receipt_message(
    language: str, order_number: str, name: str | None = None, sender: str | None = None
) -> str:
    """The mail's text. `name` is the customer's, `sender` what the company calls itself."""
    return _RECEIPT[_known(language)].format(
        order=order_number,
        name=f" {name}" if name else "",
        sender=f",\n{sender}" if sender else "",
    )


def _known(language: str) -> str:
    return NORWEGIAN if language == NORWEGIAN else ENGLISH
