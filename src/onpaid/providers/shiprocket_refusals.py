"""What to do when Shiprocket refuses, with a 200 as readily as with a 400: its words decide, not its status.

What every parcel would meet alike (a pickup location that there is not, an empty wallet, its firewall)
pauses the lane with one ticket (Unauthorised). What this parcel alone meets fails its run (Refused), with
the fields named. Words that say that it was done before are a doubt, so that the engine looks. Texts are
not documented; one that nobody knows is passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised
from onpaid.providers.answers import Answer
from onpaid.providers.masking import masked
from onpaid.providers.shiprocket_wire import decoded, mapping

RESUME: Final = "then resume the lane."
RETRY: Final = "then retry the run."
FIREWALL: Final = (
    "its firewall refuses this machine's address, or the API user is locked out after failed logins. To do: "
    f"wait half an hour, and ask Shiprocket to let the address in if that did not help; {RESUME}"
)
_PICKUP_LOCATION: Final = (
    "set SHIPROCKET_PICKUP_LOCATION to the nickname of a pickup address, letter by letter "
    "(`onpaid doctor` lists them)"
)
_CHANNEL: Final = (
    "set SHIPROCKET_CHANNEL_ID to the id of a channel (`onpaid doctor` lists them), or leave it out"
)

_DONE_BEFORE: Final = re.compile(
    r"already (been )?(assigned|taken|exists?|created)|cannot re-?assign|duplicate order|has already been"
)
_SET_UP: Final = (
    (
        re.compile(
            r"(wrong|invalid|unknown|incorrect) pickup.?location"
            r"|pickup.?location .*(not found|not exist|invalid)"
        ),
        _PICKUP_LOCATION,
    ),
    (re.compile(r"channel.?id|channel .*does not exist"), _CHANNEL),
    (re.compile(r"wallet|recharge|insufficient (balance|credit|fund)"), "top up the wallet at Shiprocket"),
    (
        re.compile(r"\bkyc\b|account .*(suspended|blocked|deactivated|inactive|disabled)"),
        "log in at Shiprocket and do what it asks for",
    ),
)
_ONE_PARCEL: Final = (
    (
        re.compile(r"serviceab|not available for this pincode|no courier"),
        "no courier serves this address: book the parcel another way, then cancel the run",
    ),
    (
        re.compile(r"(pincode|phone) is empty"),
        f"look whether the order was cancelled at Shiprocket, which says this of dead ones too; {RETRY}",
    ),
    (re.compile(r"\bawb\b.*not (yet )?assigned|assign.* awb first"), f"have its AWB assigned; {RETRY}"),
)
_ODD: Final = re.compile(r"[^A-Za-z0-9_.]")
_SET_UP_FIELDS: Final = {"pickup_location": _PICKUP_LOCATION, "channel_id": _CHANNEL}
_IN_PICKUP: Final = re.compile(
    r"already in pick ?up|pick ?up (is |has |been |request )*already"
    r"|already (scheduled|generated|requested|booked).*pick ?up"
)
_CANCELLED: Final = re.compile(
    r"already (been )?cancell?ed|cancell?ed (already|success)|cancell?ation is in progress"
)


def explain(answer: Answer) -> ProviderError | None:
    """A refusal with a status that says so; None leaves it to the common table."""
    if answer.status == 403:
        return Unauthorised(f"{answer.asked}: {FIREWALL}")
    return refusal(answer) if answer.status in (400, 404, 422) else None


def refusal(answer: Answer) -> ProviderError:
    """What an answer means that is not the success that was asked for."""
    told = _told(answer)
    fields = _fields(told)
    words = "; ".join(_words(told))
    parts = [f"{name}: {why}" for name, why in fields.items()]
    told_masked = masked("; ".join(part for part in (*parts, words) if part), answer.private)
    if not told_masked:
        return Doubtful(
            f"{answer.asked}, and said neither that it was done nor that it was not", answered=True
        )
    said = f"{answer.asked}: {told_masked}"
    low = f"{words} {' '.join(fields.values())}".lower()
    if _DONE_BEFORE.search(low):
        return Doubtful(f"{said} It seems to have been done before.", answered=True)
    for field, cure in _SET_UP_FIELDS.items():
        if field in fields:
            return Unauthorised(f"{said} To do: {cure}; {RESUME}")
    if fields:
        return Refused(f"{said} To do: correct {', '.join(fields)} of this order; {RETRY}")
    for sign, cure in _SET_UP:
        if sign.search(low):
            return Unauthorised(f"{said} To do: {cure}; {RESUME}")
    for sign, cure in _ONE_PARCEL:
        if sign.search(low):
            return Refused(f"{said} To do: {cure}")
    return Refused(said)


def in_pickup(answer: Answer) -> bool:
    """Whether a refused pickup says that one is booked."""
    return bool(_IN_PICKUP.search(" ".join(_words(_told(answer))).lower()))


def cancelled(answer: Answer) -> bool:
    """Whether the answer to a cancellation says that the record is cancelled, or will be."""
    return bool(_CANCELLED.search(" ".join(_words(_told(answer))).lower()))


def _told(answer: Answer) -> Mapping[str, Any]:
    """What is said, as an object: of a text that is no JSON, the text."""
    told = decoded(answer.body)
    return {"message": answer.text()} if told is None else mapping(told)


def _fields(told: Mapping[str, Any]) -> dict[str, str]:
    """The fields that are objected to, and the objections."""
    listed = mapping(told.get("errors")) or mapping(told.get("message"))
    return {
        _ODD.sub("", str(name))[:60]: " ".join(
            str(each) for each in (why if isinstance(why, list) else [why])
        )
        for name, why in list(listed.items())[:20]
    }


def _words(told: Mapping[str, Any]) -> Iterator[str]:
    """Every place where a reason may stand."""
    response = told.get("response")
    data = mapping(mapping(response).get("data"))
    places = (told.get("message"), told.get("error"), response, mapping(response).get("message"))
    for place in (*places, mapping(response).get("data"), data.get("awb_assign_error"), data.get("message")):
        if isinstance(place, str) and place.strip():
            yield place.strip()
