"""How journals are told to people: states as colours, steps and attempts as sentences, what to do about a ticket.

Steps that are not known here (a flow that somebody added) are told by their own name: nothing is left out.
"""

from __future__ import annotations

import re

from onpaid.app import words_billing, words_delivery
from onpaid.app.shown import Mood
from onpaid.engine.journal import OUTSIDE, Attempt, Run, Step, Ticket

_RUN_MOODS: dict[str, Mood] = {
    "ready": "calm",
    "running": "calm",
    "waiting": "wait",
    "sleeping": "wait",
    "unpaid": "todo",
    "doubtful": "doubt",
    "failed": "bad",
    "done": "good",
    "cancelled": "todo",
    "expired": "todo",
}
_ATTEMPT_MOODS: dict[str, Mood] = {
    "done": "good",
    "found": "good",
    "settled": "good",
    "absent": "calm",
    "unavailable": "wait",
    "refused": "bad",
    "doubtful": "doubt",
    "unknown": "doubt",
    "unsure": "doubt",
    "": "calm",
}
_WHO = {"TicketLog": "the ticket log", **words_delivery.WHO, **words_billing.WHO}
_DONE = {
    "read payment": "Asked {who} for the payment as it stands now",
    "take lines": "Took the order’s lines for this payment, so that no other payment can",
    "fetch customer": "Fetched the customer from {who}",
    "file contact": "The customer’s accounting contact is there",
    "create contact": "Created the contact at {who}",
    "create invoice": "Created the invoice at {who}",
    "read invoice": "Read the invoice back from {who} to compare it with what was paid",
    "note invoice": "Noted the invoice number",
    "count dispatches": "Asked {who} how often the invoice was mailed already",
    "send receipt": "Mailed the invoice to the customer",
    "expire order": "The order expired: nobody paid it in time",
    "file ticket": "Put the ticket into {who}",
    **words_delivery.DONE,
    **words_billing.DONE,
}
_TITLES = {
    "invoice_payment": "Invoice the payment",
    "file_contact": "File the contact",
    "expire_order": "Watch for payment",
    "file_ticket": "File the ticket",
    "report_payment_change": "Payment changed",
    **words_delivery.TITLES,
    **words_billing.TITLES,
}


def run_mood(state: str) -> Mood:
    """How a run in this state stands."""
    return _RUN_MOODS.get(state, "calm")


def step_mood(step: Step, run: Run) -> Mood:
    """How a step stands, given what its run is doing: a wait is not a failure."""
    if step.state == "done":
        return "good"
    if step.state == "doubtful":
        return "doubt"
    if run.state == "cancelled":
        return "todo"
    if run.state in ("waiting", "sleeping"):
        return "doubt" if step.state == "begun" and step.kind in OUTSIDE else "wait"
    return "bad" if run.state == "failed" else "calm"


def attempt_mood(step: Step, attempt: Attempt) -> Mood:
    """How an attempt ended. A read that got no answer leaves nothing in doubt."""
    mood = _ATTEMPT_MOODS.get(attempt.outcome, "calm")
    return "wait" if mood == "doubt" and step.kind == "read" else mood


def title_of(flow: str) -> str:
    """A flow's name for people."""
    return _TITLES.get(flow, flow.replace("_", " ").capitalize())


def run_title(run: Run) -> str:
    """A run's name for people."""
    return words_delivery.title_of(run) or title_of(run.flow)


def who_acts(step: Step) -> str:
    """The provider whose method a step calls."""
    name = step.act.partition(".")[0]
    return _WHO.get(name, name) if "." in step.act else "the provider"


def is_told(step: Step) -> bool:
    """Whether a step without attempts is worth a sentence: a wait that found at once what it waited for is not."""
    if step.name in words_delivery.SILENT:
        return False
    return step.state == "done" and (step.kind in ("local", "call") or step.name in _DONE)


def step_sentence(step: Step) -> str:
    """What a step that is done has done."""
    told = words_delivery.by_result(step)
    if told:
        return told
    sentence = _DONE.get(step.name)
    return sentence.format(who=who_acts(step)) if sentence else f"{_named(step)}: done"


def attempt_sentence(step: Step, attempt: Attempt) -> str:
    """What one attempt was, and how it ended."""
    if attempt.what == "person":
        return _person_sentence(step, attempt)
    return _look_sentence(step, attempt) if attempt.what == "look" else _act_sentence(step, attempt)


def _act_sentence(step: Step, attempt: Attempt) -> str:
    who, name = who_acts(step), _named(step)
    match attempt.outcome:
        case "done":
            return step_sentence(step)
        case "doubtful" | "unknown" if step.kind == "read":
            return f"{name}: no clear answer from {who}. Asking again changes nothing there"
        case "doubtful":
            return f"{name}: sent to {who}, no clear answer. It may have happened"
        case "unknown":
            return f"{name}: its worker was gone before an answer was written down. It may have happened"
        case "unavailable":
            return f"{name}: {who} did not take it. Nothing happened; it is tried again"
        case "refused":
            return f"{name}: {who} said no"
        case "":
            return f"{name}: under way at {who}"
    return f"{name}: {attempt.outcome}"


def _look_sentence(step: Step, attempt: Attempt) -> str:
    who, name = who_acts(step), words_delivery.subject_of(step) or step.name
    acted = any(other.what == "act" and other.number < attempt.number for other in step.attempts)
    match attempt.outcome:
        case "found" if acted:
            return f"Looked at {who} before repeating “{name}”: it had happened, so it was taken over, not done twice"
        case "found":
            return f"Looked at {who} before “{name}”: it was there already, so it was taken over"
        case "absent" if acted:
            return f"Looked at {who}: “{name}” had not happened, so it may safely be done again"
        case "absent":
            return f"Looked at {who} before “{name}”: nothing there yet"
        case "unsure":
            return f"Looked at {who} for “{name}”, and could not tell whether it happened"
        case "":
            return f"Looking at {who} for “{name}”"
    return f"{who} could not be asked whether “{name}” happened"


def _person_sentence(step: Step, attempt: Attempt) -> str:
    if attempt.outcome == "settled":
        return f"{_named(step)}: the given result was taken over"
    return f"{_named(step)}: {attempt.note or 'settled by a person'}"


def _named(step: Step) -> str:
    return words_delivery.subject_of(step) or step.name[:1].upper() + step.name[1:]


def run_sentence(run: Run, reason: str) -> str:
    """What a run is doing and why. Where it looks again by itself, the page adds when."""
    why = reason[:1].upper() + reason[1:]
    match run.state:
        case "ready":
            return "Goes on any moment now" + (f": {reason}" if reason else "")
        case "running":
            return "Is being worked on this moment"
        case "waiting":
            return f"Waits: {reason}" + (". Goes on at once when that changes" if run.wake else "")
        case "sleeping":
            return f"Sleeps: {reason}"
        case "failed":
            waits = f", or for {', '.join(run.wake)} to arrive" if run.wake else ""
            return f"Stopped: {reason}. Waits for a person{waits}"
        case "done":
            return "Done"
    return why or run.state.capitalize()


def reason_in_short(run: Run) -> str:
    """Why a run stands where it does, for a headline: one sentence, ending as one."""
    if run.state == "doubtful" and run.doubt is not None:
        return f"nobody knows whether “{run.doubt.name}” happened."
    first = re.split(r"(?<=[.?!])\s", run.reason, maxsplit=1)[0]
    return first if not first or first.endswith((".", "?", "!")) else f"{first}."


def advice_for(ticket: Ticket, run: Run | None) -> str:
    """What to do about a ticket, in a sentence."""
    if ticket.state == "closed":
        return "Nothing is left to do."
    if run is not None and run.state == "doubtful":
        return "Look at the provider whether it happened, then settle the step as done or as not done."
    if run is not None and run.state in ("sleeping", "waiting", "ready", "running"):
        return "It is still being tried, and this ticket closes by itself when the work is done."
    if run is not None and run.state == "failed" and any(thing.startswith("decision:") for thing in run.wake):
        return "Decide on the order’s page: ship it anyway, or give the money back."
    if run is not None and run.state == "failed" and any(thing.startswith("product:") for thing in run.wake):
        return "Tell what is missing of the product; the work then goes on by itself."
    if run is not None and run.state == "failed":
        return "Mend the cause, then retry. Or cancel the run, and do by hand what is missing."
    if "lane" in ticket.facts:
        return "Mend the setting, then resume the lane: every run that waits for it goes on."
    if run is None and "event" in ticket.facts:
        return "Look at the event. After a correction or an upgrade, replay it; then close the ticket."
    return "Compare the facts, correct what is wrong by hand, then close the ticket."
