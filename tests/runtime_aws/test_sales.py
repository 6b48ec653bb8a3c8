"""Sales at Stripe on Lambda: users' requests, Stripe's webhooks, the work, and the night that brings in what is missing.

The functions are those that Lambda has, with sandboxes that start cold; the table is in memory, the till a cash box.
"""

from __future__ import annotations

import json
from typing import Any

from onpaid.aws_reconcile import NightDoor
from onpaid.clock import Instant
from onpaid.compose_aws import House, build_aws
from onpaid.domain.billing import BillingEvent
from onpaid.domain.sessions import Session, SessionDetails
from onpaid.providers.stripe_till import StripeTill
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.sessions import SESSIONS
from onpaid.settings import Settings
from tests.app.forged_tokens import SECRET, claims, hs
from tests.app.post import signed, stripe_event
from tests.flows.billing_scenes import LANES as BILLING_LANES
from tests.flows.billing_scenes import Outside, Topic
from tests.flows.cash_box import TILL_LANES
from tests.flows.fates import Fates
from tests.flows.kiosk import SHOP
from tests.flows.sales_box import SalesBox, SalesTill, sold_line
from tests.flows.world import Desk, Money
from tests.runtime_aws.cloud import ADMIN, Cloud, Function
from tests.runtime_aws.events import Event, http_api
from tests.runtime_aws.test_web import told

HEAD = "id,product,product_name,amount,currency,interval,tax_percent,active"
PRICES = f"{HEAD}\ncourse-1,course,A course,499,NOK,,25,yes\n"
ASKED = {"priceId": "course-1", "successUrl": f"{SHOP}/thanks", "cancelUrl": f"{SHOP}/cart"}
NOT_OURS = ("KONVERZKY_WEBHOOK_SECRET", "FIKEN_API_TOKEN", "FIKEN_COMPANY_SLUG", "FIKEN_BANK_ACCOUNT_CODE")


class Till(SalesTill, StripeTill):
    """The cash box's till, which can also be asked for its sessions."""

    lanes = TILL_LANES

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        listed = [each for each in self._sales.told.values() if since <= each.created_at <= until]
        return listed[::-1], None

    async def doctor(self) -> list[str]:
        return []

    async def close(self) -> None:
        return None


class Listened(Topic):
    """A topic with the lanes that a provider declares."""

    lanes = BILLING_LANES


class Selling(Cloud):
    """A cloud that sells at Stripe, and sends no invoices."""

    def __init__(self, **environment: str) -> None:
        super().__init__(
            JWT_ACCESS_TOKEN_SECRET=SECRET,
            CHECKOUT_RETURN_ORIGINS=SHOP,
            **dict.fromkeys((*NOT_OURS, "FIKEN_PAYMENT_ACCOUNT"), ""),
            **environment,
        )
        self.box, self.outside = SalesBox(Fates()), Outside()

    async def build(self, settings: Settings) -> House:
        till = Till.__new__(Till)
        SalesTill.__init__(till, self.box)
        others = {
            "payment_source": Money(self.world),
            "till": till,
            "subscriptions_source": till,
            "topic": Listened(self.outside),
            "ticketing": Desk(self.world),
        }
        house = await build_aws(
            settings,
            write=lambda line: self.figures.append(json.loads(line)),
            store=self.store,
            queue=self.line,
            clock=self.clock,
            others=others,
        )
        self.houses.append(house)
        return house

    def wish(self, user: str = "ada", key: str = "click-1") -> Event:
        """A user's request for a session."""
        token = hs(claims(userId=user, aud=None, iss=None, iat=None, exp=self.now() // 1000 + 900))
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "idempotency-key": key,
        }
        return http_api("/stripe/payment-intent", json.dumps(ASKED).encode(), headers)

    def imported(self) -> None:
        """Our prices are there."""
        headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
        body = json.dumps({"text": PRICES}).encode()
        assert self.function().web(http_api("/api/prices/import", body, headers))["statusCode"] == 200

    def sold(self, session: str, user: str = "ada") -> None:
        """A user pays in a session."""
        self.box.sold(session, [sold_line()], user=user, customer_id=f"cus_{user}")

    def webhook(self, session: str, event: str = "evt_1") -> Event:
        """Stripe's word that a session was completed, signed now."""
        thing = {
            "id": session,
            "object": "checkout.session",
            "mode": "payment",
            "status": "complete",
            "payment_status": "paid",
            "created": self.now() // 1000 - 60,
            "livemode": False,
        }
        body = stripe_event("checkout.session.completed", thing, event)
        return http_api("/stripe/webhook", body, signed("stripe", body, self.now()))

    def night(self) -> dict[str, Any]:
        """The answer of the nightly function, as it goes over the wire; a minute later than what was before it."""
        self.wait(60.0)
        answer = NightDoor(Function(self).sandbox).handle({}, self.invocation(300.0))
        body: dict[str, Any] = json.loads(json.dumps(answer))["body"]
        return body

    def kept(self, session: str) -> Session:
        """A session as it is kept."""
        held = self.run(SESSIONS.get(self.store, f"stripe/default/test/{session}"))
        assert held is not None
        found: Session = held.record
        return found

    def orders(self) -> list[str]:
        """The numbers of all orders."""
        return [each.number for each in self.run(ORDERS.query(self.store, "all", "", limit=100)).items]

    def completed(self) -> list[BillingEvent]:
        """What others learnt of sessions, repeats dropped."""
        known = {event.id: event for event in self.outside.published}
        return [event for event in known.values() if event.news.type == "checkout.completed"]


def test_a_user_gets_a_session_that_the_work_opens() -> None:
    cloud = Selling()
    cloud.imported()
    first = cloud.function().web(cloud.wish())
    assert first["statusCode"] == 503, "nobody works while the request waits"
    assert "same Idempotency-Key" in told(first)["detail"]
    cloud.play(cloud.function(), None, 30)
    again = cloud.function().web(cloud.wish())
    assert again["statusCode"] == 200, again
    assert told(again)["checkoutUrl"] == "https://checkout.example/cs_1"
    assert (len(cloud.box.sessions), len(cloud.box.customers_made)) == (1, 1)


def test_a_paid_session_becomes_an_order_and_others_learn_of_it() -> None:
    cloud = Selling()
    cloud.sold("cs_1")
    said = cloud.function().web(cloud.webhook("cs_1"))
    assert (said["statusCode"], told(said)["verdict"]) == (200, "routed")
    cloud.play(cloud.function(), None, 30)
    kept = cloud.kept("cs_1")
    assert (kept.state, kept.origin) == ("paid", "webhook")
    assert cloud.orders() == [kept.order_number]
    (event,) = cloud.completed()
    assert (event.news.user, event.sequence) == ("ada", 1)
    assert event.news.data["orderNumber"] == kept.order_number
    assert not cloud.tickets()


def test_the_night_brings_in_what_no_webhook_told_and_only_that() -> None:
    cloud = Selling()
    for nth in range(4):
        cloud.sold(f"cs_{nth}", user=f"user{nth}")
    cloud.function().web(cloud.webhook("cs_0"))
    cloud.play(cloud.function(), None, 30)
    night = cloud.night()
    assert (night["status"], night["created"], night["skipped"], night["errors"]) == ("success", 3, 1, 0)
    cloud.play(cloud.function(), None, 30)
    assert sorted(night["createdOrders"]) == sorted(cloud.kept(f"cs_{nth}").order_number for nth in (1, 2, 3))
    assert [cloud.kept(f"cs_{nth}").origin for nth in range(4)] == ["webhook", *["nightly_sync"] * 3]
    assert len(cloud.completed()) == len(cloud.orders()) == 4
    late = cloud.function().web(cloud.webhook("cs_2", "evt_late"))
    assert late["statusCode"] == 200
    cloud.play(cloud.function(), None, 30)
    assert cloud.night()["created"] == 0
    cloud.play(cloud.function(), None, 30)
    assert len(cloud.completed()) == len(cloud.orders()) == 4
    assert not cloud.tickets()


def test_two_sandboxes_that_publish_leave_no_gap_and_no_double() -> None:
    """Ten sessions of one customer are told at once, and two functions take their messages turn by turn."""
    cloud = Selling()
    for nth in range(10):
        cloud.sold(f"cs_{nth}")
        cloud.function().web(cloud.webhook(f"cs_{nth}", f"evt_{nth}"))
    one, other = cloud.function(), cloud.function()
    for _ in range(12):
        cloud.play(one, None, 2)
        cloud.play(other, None, 2)
    cloud.play(one, None, 600)
    events = sorted(cloud.completed(), key=lambda event: event.sequence)
    assert [event.sequence for event in events] == list(range(1, 11))
    assert len({event.id for event in events}) == 10
    order = list(dict.fromkeys(event.sequence for event in cloud.outside.published))
    assert order == sorted(order), "published in order"


def test_the_doctor_asks_for_no_accounts_and_names_what_tokens_lack() -> None:
    said = Selling(PRICES_TABLE="prices").function().web({"test": True})
    says = [each["says"] for each in said["findings"]]
    assert not [each for each in says if "FIKEN" in each or "KONVERZKY" in each]
    assert [each for each in says if each.startswith("JWT_AUDIENCE is not set")]
    assert [each for each in says if each.startswith("PRICES_TABLE is set, and nothing is written")]
