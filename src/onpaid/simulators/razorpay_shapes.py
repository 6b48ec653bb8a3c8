"""The shapes of Razorpay's entities and errors, as its public documents show them.

Only shapes: what is in them, and when, is decided in `razorpay.py`. Amounts are whole smallest units, times
are whole seconds, and empty notes are a list, although filled ones are an object.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from onpaid.simulators.kit import Answer, Dice, Json

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IDENT_LENGTH: Final = 14
METHODS: Final = ("upi", "card", "netbanking", "wallet")
ZERO_DECIMAL: Final = frozenset({"JPY", "KRW", "VND", "CLP", "ISK"})
THREE_DECIMAL: Final = frozenset({"KWD", "BHD", "OMR", "JOD", "TND"})
FEE_PERCENT: Final = 2
GST_PERCENT: Final = 18
FAILURES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "payment_failed": (
        "BAD_REQUEST_ERROR",
        "Payment failed at the customer's bank",
        "customer",
        "payment_authentication",
    ),
    "payment_cancelled": (
        "BAD_REQUEST_ERROR",
        "The customer closed the payment before it was made",
        "customer",
        "payment_authentication",
    ),
    "payment_timed_out": (
        "GATEWAY_ERROR",
        "The bank did not answer in time",
        "bank",
        "payment_authorization",
    ),
}
"""Why a payment may fail: code, description, source and step for each reason."""


def ident(prefix: str, dice: Dice) -> str:
    """An id: the prefix and fourteen letters and digits, whose case matters. Without a prefix, only those."""
    number = int(dice.digest(prefix), 16)
    letters = []
    for _ in range(IDENT_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return f"{prefix}_{''.join(letters)}" if prefix else "".join(letters)


def decimals(currency: str) -> int:
    """How many digits of an amount stand behind the point."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def _notes(given: Mapping[str, Any] | Iterable[Any] | None) -> Any:
    return dict(given) if isinstance(given, Mapping) and given else []


def order(ident: str, given: Mapping[str, Any], *, created: int) -> Json:
    """An order that nobody has tried to pay."""
    return {
        "id": ident,
        "entity": "order",
        "amount": given["amount"],
        "amount_paid": 0,
        "amount_due": given["amount"],
        "currency": given["currency"],
        "receipt": given.get("receipt"),
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": _notes(given.get("notes")),
        "created_at": created,
    }


def payment(
    ident: str, order: Json | None, dice: Dice, *, amount: int, currency: str, created: int, **who: str
) -> Json:
    """A payment that was begun; `who` is method, contact and email. Methods differ in their details."""
    made: Json = {
        "id": ident,
        "entity": "payment",
        "amount": amount,
        "currency": currency,
        "base_amount": amount,
        "status": "created",
        "order_id": order["id"] if order else None,
        "invoice_id": None,
        "international": False,
        "method": who["method"],
        "amount_refunded": 0,
        "amount_transferred": 0,
        "refund_status": None,
        "captured": False,
        "description": None,
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": None,
        "email": who["email"],
        "contact": who["contact"],
        "notes": [],
        "fee": None,
        "tax": None,
        **no_error("" if dice.chance("blank errors", 0.2) else None),
        "acquirer_data": {},
        "created_at": created,
    }
    made.update(_details(who["method"], dice))
    return made


def _details(method: str, dice: Dice) -> Json:
    number = f"{dice.whole('acquirer', 10**11, 10**12 - 1)}"
    if method == "upi":
        vpa = "success@razorpay"
        return {
            "vpa": vpa,
            "acquirer_data": {"rrn": number},
            "upi": {"payer_account_type": "bank_account", "vpa": vpa, "flow": "intent"},
        }
    if method == "card":
        card = ident("card", dice)
        return {
            "card_id": card,
            "token_id": None,
            "acquirer_data": {"auth_code": number[:6]},
            "card": {
                "id": card,
                "entity": "card",
                "last4": "1007",
                "network": "Visa",
                "type": "debit",
                "issuer": "HDFC",
                "international": False,
                "emi": False,
                "sub_type": "consumer",
            },
        }
    if method == "netbanking":
        return {"bank": "HDFC", "acquirer_data": {"bank_transaction_id": number}}
    return {"wallet": "payzapp", "acquirer_data": {"transaction_id": number}}


def no_error(code: str | None = None) -> Json:
    """The error fields of a payment with which nothing is wrong; at times the code is blank, not null."""
    names = ("error_description", "error_source", "error_step", "error_reason")
    return {"error_code": code, **dict.fromkeys(names)}


def failure(reason: str) -> Json:
    """The error fields of a failed payment; KeyError for a reason that is not known."""
    code, description, source, step = FAILURES[reason]
    return {
        "error_code": code,
        "error_description": description,
        "error_source": source,
        "error_step": step,
        "error_reason": reason,
    }


def fees(amount: int) -> Json:
    """What Razorpay keeps, known from capture on. The fee has its tax in it."""
    fee = (amount * FEE_PERCENT + 50) // 100
    tax = (fee * GST_PERCENT + 50) // 100
    return {"fee": fee + tax, "tax": tax}


def refund(
    ident: str, payment: Json, dice: Dice, given: Mapping[str, Any], *, amount: int, created: int
) -> Json:
    """A refund that is on its way."""
    speed = given.get("speed", "normal")
    return {
        "id": ident,
        "entity": "refund",
        "amount": amount,
        "currency": payment["currency"],
        "payment_id": payment["id"],
        "notes": _notes(given.get("notes")),
        "receipt": given.get("receipt"),
        "acquirer_data": {"arn": f"{dice.whole('arn', 10**11, 10**12 - 1)}"},
        "created_at": created,
        "batch_id": None,
        "status": "pending",
        "speed_processed": "instant" if speed == "optimum" else "normal",
        "speed_requested": speed,
    }


def event(account: str, kind: str, entities: Mapping[str, Json], *, created: int) -> Json:
    """The envelope of a webhook. Its id is not in it: that goes in a header."""
    return {
        "entity": "event",
        "account_id": account,
        "event": kind,
        "contains": list(entities),
        "payload": {name: {"entity": dict(entity)} for name, entity in entities.items()},
        "created_at": created,
    }


def collection(items: list[Json]) -> Json:
    """A list, which tells neither a total nor where to go on."""
    return {"entity": "collection", "count": len(items), "items": items}


def error(
    status: int, description: str, field: str | None = None, code: str = "BAD_REQUEST_ERROR", **about: str
) -> Answer:
    """The error body. `about` names the payment or order that is meant."""
    inner: Json = {"code": code, "description": description}
    if status >= 500 or status in (401, 429):
        inner.update(source="NA", step="NA", reason="NA", metadata={})
    else:
        step = {"source": "business", "step": "payment_initiation", "reason": "input_validation_failed"}
        inner.update(step, metadata=dict(about))
    if field is not None:
        inner["field"] = field
    return Answer(status, {"error": inner})
