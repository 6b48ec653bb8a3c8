"""What to do when Fiken refuses: its own words, and a cure for those that are known.

Where the company's set-up or our settings are at fault every call would fare the same, so that the lane is paused
(Unauthorised) until a person has seen to it. What is wrong with one document fails its run only (Refused). Fiken's
texts are not documented, and often Norwegian; one that is not known is passed on as it is.
"""

from __future__ import annotations

import re

from onpaid.errors import ProviderError, Refused, Unauthorised
from onpaid.providers.answers import Answer

_INCOME_ACCOUNT = "check the income account of this VAT rule, and that it is active in Fiken"
_BANK_ACCOUNT = "set FIKEN_BANK_ACCOUNT_CODE to an account of the company (`onpaid doctor` lists them)"
_SET_UP = (
    (
        "number series",
        "make the first invoice by hand in Fiken, so that there is a number series for invoices",
    ),
    ("bankaccountcode", _BANK_ACCOUNT),
    ("bankkonto", _BANK_ACCOUNT),
    ("paymentaccount", "set FIKEN_PAYMENT_ACCOUNT to the account on which card payments arrive"),
)
_DOCUMENT = (
    ("incomeaccount", _INCOME_ACCOUNT),
    ("income account", _INCOME_ACCOUNT),
    ("vattype", "check the VAT type of this VAT rule"),
    ("vatinpercent", "check the rate and the VAT type of this VAT rule"),
    ("not a customer", "mark the contact as a customer in Fiken"),
    ("is inactive", "make the contact active again in Fiken"),
)
_ONE_DOCUMENT = re.compile(r"/(?:\d+|send)(?: |$)")


def explain(answer: Answer) -> ProviderError | None:
    """A refusal with its cure; None where none is known."""
    if answer.status == 404 and not _ONE_DOCUMENT.search(answer.asked):
        return Unauthorised(f"{answer.asked}: there is no such company. Is FIKEN_COMPANY_SLUG right?")
    if answer.status != 400:
        return None
    text = answer.text()
    for sign, cure in _SET_UP:
        if sign in text.lower():
            return Unauthorised(f"{answer.asked}: {text} To do: {cure}; then resume the lane.")
    for sign, cure in _DOCUMENT:
        if sign in text.lower():
            return Refused(f"{answer.asked}: {text} To do: {cure}; then retry the run.")
    return None
