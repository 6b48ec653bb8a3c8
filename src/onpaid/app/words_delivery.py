"""How the story of delivery is told to people: its steps, its parcels, its messages, and how an order stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from onpaid.app.shown import Mood
from onpaid.domain.fulfilment import Fulfilment, ParcelState
from onpaid.domain.messages import MessageWanted
from onpaid.engine.journal import Run, Step

WHO: Final[Mapping[str, str]] = {
    "AlertMail": "the mail server",
    "AlertTopic": "the topic for alerts",
    "AlertWebhook": "the webhook for alerts",
    "MessageLog": "the log",
    "DryRunShipping": "the dry run",
    "Meta": "WhatsApp",
    "Msg91": "MSG91",
    "Wati": "WATI",
}
DONE: Final[Mapping[str, str]] = {
    "create checkout": "Opened the checkout at {who}, with our number as its receipt",
    "note checkout": "Noted {who}’s order, by which its payment finds ours",
    "confirm order": "Confirmed the order: it is paid, wholly and once",
    "take stock": "Took the goods from stock, all or nothing, and counted the sale",
    "take stock anyway": "Took what stock there was, as decided",
    "refund": "Gave the money back through {who}",
    "book shipment": "The parcel is booked",
    "create shipment": "Made the parcel’s order at {who}",
    "create shipment again": "Made the parcel’s order at {who} under another reference, since the first was cancelled there",
    "create shipment once more": "Made the parcel’s order at {who} under a third reference",
    "assign awb": "{who} chose a courier and gave the parcel its AWB",
    "note shipment": "Noted the parcel on the order",
    "request pickup": "Asked {who} to have the parcel fetched",
    "note pickup": "Noted the pickup, and started the message about it",
    "read shipment": "Read which parcel is to be cancelled",
    "cancel shipment": "Cancelled the parcel at {who}",
    "note cancelled": "Noted that the parcel is cancelled",
    "prepare message": "Wrote the message, and gave it its turn",
    "send message": "Handed the message to {who}",
    "note message": "Noted what was said to it",
    "note refund": "Noted that the money went back",
    "count ticket": "Counted the ticket under its problem",
    "alert": "Woke somebody",
    "create issue": "Opened an issue at {who}",
}
TITLES: Final[Mapping[str, str]] = {
    "open_checkout": "Open the checkout",
    "ship_paid_order": "Ship the order",
    "book_shipment": "Book the parcel",
    "cancel_shipment": "Cancel the parcel",
    "send_message": "Tell the customer",
    "note_refund": "Note a refund",
    "report_problem": "Report the problem",
    "open_issue": "Open the issue",
}
TEMPLATES: Final[Mapping[str, str]] = {
    "order_confirmation": "Order confirmation",
    "shipment_created": "Parcel booked",
}
PARCELS: Final[Mapping[ParcelState, tuple[Mood, str]]] = {
    "pending_pickup": ("calm", "waits for the courier to fetch it"),
    "picked_up": ("calm", "was fetched by the courier"),
    "in_transit": ("calm", "is on its way"),
    "out_for_delivery": ("calm", "is out for delivery"),
    "delivered": ("good", "has arrived"),
    "returning": ("wait", "is on its way back: the courier could not hand it over"),
    "returned": ("wait", "came back. Book it again, or give the money back in the payment provider’s panel"),
    "lost": ("bad", "is lost, the courier says: ask the courier, and the customer what they would like"),
    "cancelled": (
        "todo",
        "was cancelled before it was fetched. The order stays paid: book another, or give back",
    ),
}
MESSAGES: Final[Mapping[str, tuple[Mood, str]]] = {
    "queued": ("wait", "is about to go"),
    "logged": ("wait", "was only logged: no message service is set up, so nobody was told"),
    "accepted": ("calm", "was accepted; nothing has been told of it since"),
    "sent": ("calm", "is on its way to the phone"),
    "delivered": ("good", "is on the customer’s phone"),
    "read": ("good", "was read"),
    "failed": ("bad", "failed for good: tell the customer in another way"),
    "undeliverable": (
        "bad",
        "cannot be delivered: the number has no WhatsApp. Tell the customer in another way",
    ),
}


CAME: Final[Mapping[str, str]] = {
    "sent": "left for the phone",
    "delivered": "reached the customer’s phone",
    "read": "was read",
    "failed": "failed for good",
    "undeliverable": "could not be delivered",
}
SILENT: Final = frozenset(
    {
        "note checkout",
        "book shipment",
        "note shipment",
        "note pickup",
        "read shipment",
        "note cancelled",
        "prepare message",
        "note message",
        "decision",
    }
)
"""Steps that only write down what the step before or after them tells, or what is told elsewhere."""


def by_result(step: Step) -> str:
    """What a step has done, where its name does not tell: one that held, or only logged, or was refused by a phone."""
    try:
        told = msgspec.json.decode(step.result) if step.result else None
    except msgspec.DecodeError:
        return ""
    if not isinstance(told, dict):
        return ""
    if step.name == "send message":
        return _sent(step, str(told.get("state")))
    if step.name == "alert" and str(told.get("reference", "")).startswith("nobody"):
        return "Nobody was woken: no alerts are set up"
    if step.name == "take stock" and told.get("taken") is False:
        return "Wanted the goods from stock, and some are missing: nothing was taken, and the order is held"
    if step.name.startswith("create shipment") and told.get("dry_run"):
        return "Only logged the parcel: this is a dry run, and no courier was asked"
    return ""


def ref_of(step: Step) -> str:
    """The reference of the message that a step hands over; nothing for other steps."""
    if step.name != "send message":
        return ""
    try:
        asked = msgspec.json.decode(step.input) if step.input else None
    except msgspec.DecodeError:
        return ""
    first = asked[0] if isinstance(asked, list) and asked else None
    return str(first.get("ref", "")) if isinstance(first, dict) else ""


def subject_of(step: Step) -> str:
    """Which message a step is about: its reference ends in our name of it. Nothing for other steps."""
    ref = ref_of(step)
    return template_title(ref.split(":")[2]) if ref.count(":") >= 2 else ""


def _sent(step: Step, state: str) -> str:
    """What came of handing over a message."""
    title = subject_of(step) or "The message"
    if state == "logged":
        return f"{title} was only logged: no message service is set up"
    if state == "undeliverable":
        return f"{title} cannot be delivered: the number has no WhatsApp"
    who = step.act.partition(".")[0]
    return f"{title} was handed to {WHO.get(who, who)}"


def parcel_words(state: ParcelState, *, dry_run: bool) -> tuple[Mood, str]:
    """How a parcel stands."""
    if dry_run:
        return (
            "wait",
            "This parcel was only logged, as a dry run: no courier was asked, and nobody was told of it.",
        )
    mood, told = PARCELS[state]
    return mood, f"This parcel {told}."


def message_words(state: str, template: str, sending: str = "") -> tuple[Mood, str]:
    """How a message stands. `sending` is the state of its run, if that needs a person."""
    if sending == "doubtful":
        return "doubt", f"{template_title(template)} may be out or not: nobody knows. Settle it above."
    if sending == "failed":
        return "bad", f"{template_title(template)} did not go out: see above what to do."
    mood, told = MESSAGES.get(state, ("calm", f"is {state}"))
    return mood, f"{template_title(template)} {told}."


def template_title(template: str) -> str:
    """A message's name for people."""
    return TEMPLATES.get(template, template.replace("_", " ").capitalize())


def title_of(run: Run) -> str:
    """What a run is for, where its flow does not say enough: which message it sends."""
    if run.flow != "send_message":
        return ""
    try:
        template = msgspec.json.decode(run.fact, type=MessageWanted).template
    except msgspec.DecodeError:
        return ""
    return f"{TITLES[run.flow]}: {template_title(template).lower()}"


def stage_of(fulfilment: Fulfilment) -> tuple[str, Mood]:
    """How an order of our own checkout stands, in a word or two; nothing while nobody has tried to pay."""
    parcel = fulfilment.parcel
    if fulfilment.payment_status == "refunded" and (
        parcel is None or parcel.state in ("cancelled", "returned")
    ):
        return "refunded", "todo"
    if parcel is not None and parcel.dry_run:
        return "dry run", "wait"
    if parcel is not None:
        return parcel.state.replace("_", " "), PARCELS[parcel.state][0]
    if fulfilment.held:
        return "held", "bad"
    if fulfilment.payment_status == "paid":
        return ("to be shipped", "calm") if fulfilment.ships else ("nothing to ship", "good")
    return ("payment failed", "wait") if fulfilment.payment_status == "failed" else ("", "todo")
