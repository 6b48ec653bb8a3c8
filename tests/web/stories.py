"""A shop's day in the store: every situation that an operator meets, between orders where all went well."""

from __future__ import annotations

from onpaid.clock import Instant
from onpaid.domain.events import Envelope
from onpaid.engine.journal import LANES, TICKETS, LaneState, Step
from onpaid.store.port import Store
from tests.web.kept import ACCOUNT, event_write, open_ticket
from tests.web.people import goods, person, price
from tests.web.telling import Story
from tests.web.world import NOON

FIKEN = "fiken"


async def fill(store: Store, *, well: int = 40, now: Instant = NOON) -> None:
    """Everything: `well` orders without a hitch, then the others, newest last."""
    for nth in range(well):
        await _went_well(nth, now - 60_000 * (20 + 7 * (well - nth))).write(store)
    for story in _situations(now):
        await story.write(store)
    await _beside_orders(store, now)


def _went_well(nth: int, at: Instant) -> Story:
    lines = goods(nth % 8, (nth * 3 + 1) % 8) if nth % 8 != (nth * 3 + 1) % 8 else goods(nth % 8)
    story = Story(str(10_000 + nth), at, person(nth), lines, "EUR" if nth % 9 == 4 else "NOK")
    return story.ordered().later(1.2).pays(price(lines)).later(0.2).well(7_700_100 + nth, 20_100 + nth)


def _situations(now: Instant) -> list[Story]:
    return [
        _expired(now),
        _refused(now),
        _twice(now),
        _mail_in_doubt(now),
        _upsell(now),
        _found_again(now),
        _misfit(now),
        _not_paid(now),
        _no_order(now),
        _quiet(now),
        _at_work(now),
    ]


def _expired(now: Instant) -> Story:
    story = Story("9871", now - 15 * 86_400_000, person(12), goods(4)).ordered()
    (watch,) = story.runs
    watch.state, watch.due_at, watch.wake, watch.reason = "done", None, [], ""
    story.expired_at = watch.ended = now - 86_400_000
    watch.steps[0].state = "done"
    watch.steps.append(Step("expire order", "Orders.expire", "local", "done"))
    return story


def _refused(now: Instant) -> Story:
    lines = goods(0, 3)
    story = Story("10040", now - 1_260_000, person(3), lines).ordered().later(1).pays(price(lines)).opening()
    why = "the VAT type RAW_FISH is not known for this company"
    refused = [("look", "absent", 58, ""), ("act", "refused", 120, why)]
    asked = {"order_reference": "10040", "total": story.paid[0].amount, "contact_id": 8_801_230}
    story.step("create invoice", "Fiken.create_invoice", "find", state="failed", tries=refused, asked=asked)
    story.rests("failed", f"Refused: create invoice: {why}")
    return story.ticket(
        f"Refused: create invoice: {why}", "provider", step="create invoice", flow="invoice_payment"
    )


def _twice(now: Instant) -> Story:
    lines = goods(1, 2)
    story = Story("10047", now - 1_140_000, person(8), lines).ordered().later(1).pays(price(lines))
    story.later(0.2).well(7_700_247, 20_247).later(95).pays(price(lines))
    story.step("order", kind="wait", answered=story.key).step("lines to pay for", kind="wait", state="begun")
    title = "Paid twice? Every line of the order is invoiced already; refund this payment, or add its lines"
    story.rests("failed", title, wake=[f"order:{story.key}"])
    return story.ticket(
        title, "payment", payment=story.paid[1].payment_id, order=story.key, why="every line is taken"
    )


def _mail_in_doubt(now: Instant) -> Story:
    lines = goods(5)
    story = Story("10041", now - 980_000, person(1), lines).ordered().later(1).pays(price(lines)).opening()
    story.invoice(7_700_241, 20_241)
    note = "no answer within 30 s"
    why = "the number of dispatches is unchanged, which proves nothing yet"
    tries = [("act", "doubtful", 30_000, note), ("look", "unsure", 70, why)]
    story.step(
        "send receipt",
        "Fiken.send_receipt",
        "find",
        state="doubtful",
        tries=tries,
        asked=story.receipt(7_700_241),
    )
    title = (
        "Did “send receipt” happen? It was sent, no clear answer came, and the service offers no proof of its absence. "
        "Look at the provider, then settle it as done or not done"
    )
    story.rests("doubtful", title, due=3600)
    return story.ticket(title, "doubt", step="send receipt", act="Fiken.send_receipt", attempt=1, why=why)


def _upsell(now: Instant) -> Story:
    first, both = goods(0), goods(0, 7)
    story = Story("10043", now - 900_000, person(6), first).ordered().later(1).pays(price(first))
    story.later(0.2).well(7_700_243, 20_243)
    story.later(48).ordered(both).later(0.6).pays(price(both) - price(first)).later(0.1)
    return story.well(7_700_244, 20_244)


def _found_again(now: Instant) -> Story:
    lines = goods(0, 1)
    story = Story("10044", now - 610_000, person(0), lines).ordered().later(1.3).pays(price(lines)).later(0.1)
    tries = [
        ("look", "absent", 61, ""),
        ("act", "doubtful", 30_000, "no answer within 30 s"),
        ("look", "found", 74, ""),
    ]
    return story.opening().invoice(7_700_245, 20_245, tries=tries).mail(7_700_245).ends()


def _misfit(now: Instant) -> Story:
    lines = goods(0, 6)
    story = Story("10045", now - 300_000, person(4), lines).ordered().later(1).pays(price(lines) - 5_000)
    story.step("order", kind="wait", answered=story.key).step("lines to pay for", kind="wait", state="begun")
    why = "the order's lines come to NOK 1,018.00, but NOK 968.00 were paid"
    return story.rests("waiting", why, due=330, wake=[f"order:{story.key}"])


def _not_paid(now: Instant) -> Story:
    return Story("10046", now - 240_000, person(9), goods(2, 4)).ordered()


def _no_order(now: Instant) -> Story:
    story = Story("10049", now - 130_000, person(10), goods(5, 6)).pays(56_800)
    story.step("order", kind="wait", state="begun")
    return story.rests("waiting", f"order {story.key} is not here yet", due=150, wake=[f"order:{story.key}"])


def _quiet(now: Instant) -> Story:
    lines = goods(3, 4)
    story = Story("10048", now - 62_000, person(2), lines).ordered().later(1).pays(price(lines)).opening()
    tries = [("look", "absent", 55, ""), ("act", "doubtful", 30_000, "the connection was reset")]
    asked = {"order_reference": "10048", "total": story.paid[0].amount, "contact_id": 8_801_230}
    story.step(
        "create invoice", "Fiken.create_invoice", "find", state="doubtful", tries=tries, quiet=65, asked=asked
    )
    return story.rests("sleeping", "create invoice: waiting until no request can be in flight", due=65)


def _at_work(now: Instant) -> Story:
    lines = goods(6)
    story = Story("10050", now - 1_500, person(15), lines).ordered().later(0.3).pays(price(lines)).opening()
    story.step(
        "create invoice",
        "Fiken.create_invoice",
        "find",
        state="begun",
        tries=[("look", "absent", 64, ""), ("act", "", 0, "")],
    )
    story.run.lease_owner, story.run.lease_number, story.run.lease_until = "tests", 1, now + 120_000
    return story.rests("running", "", due=120)


async def _beside_orders(store: Store, now: Instant) -> None:
    """An ignored event, one that nobody understood with its ticket, and a paused lane with its ticket."""
    ignored = Envelope("stripe", ACCOUNT, "evt_1Qignored", "customer.updated", False, now - 400_000)
    odd = Envelope("stripe", ACCOUNT, "evt_1Qodd", "charge.succeeded", False, now - 350_000)
    title = "A payment is marked as the shop's and names no order: its metadata has no order_number"
    charge = {"id": "ch_3Qodd", "amount": 19_900, "currency": "nok", "metadata": {"shop": "konverzky"}}
    lost = open_ticket(
        subject="event:odd",
        cause=title,
        title=title,
        category="payment",
        now=now - 349_000,
        facts={"event": f"{ACCOUNT}/evt_1Qodd", "payment": "ch_3Qodd"},
    )
    why = "401 from the ticket log: the folder is not writable"
    held = open_ticket(
        subject="lane:ticket-log",
        cause="refused our credentials",
        title="ticket-log refuses our credentials or configuration, so its lane is paused: "
        "mend the setting, restart the service, then `onpaid lanes resume ticket-log`",
        category="settings",
        severity="critical",
        now=now - 200_000,
        facts={"error": why, "lane": "ticket-log"},
    )
    await store.commit(
        [
            event_write(
                ignored,
                now - 400_000,
                {"id": "evt_1Qignored", "object": "event"},
                "ignored",
                reason="nothing follows from events of type customer.updated",
            ),
            event_write(
                odd, now - 350_000, {"id": "evt_1Qodd", "data": {"object": charge}}, "unrouted", reason=title
            ),
            TICKETS.insert(lost),
            TICKETS.insert(held),
            LANES.put(LaneState("ticket-log", paused=True, reason=why, since=now - 200_000)),
        ]
    )
