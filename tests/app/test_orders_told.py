"""An order's page names the billing events about it, and leads to each of them and to all of its customer's."""

from __future__ import annotations

import msgspec
import pytest

from onpaid.domain.billing import BillingEvent, BillingNews
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.payments import PAYMENTS
from tests.app.test_session_orders_shown import FREE, ORDER
from tests.web.client import logged_in
from tests.web.world import make_world


def told(kind: str, subject: str, **more: object) -> BillingEvent:
    """A billing event as it is kept."""
    news = BillingNews("stripe/default/test", kind, subject, 5, False, customer_id="cus_1")  # type: ignore[arg-type]
    return BillingEvent(news.id, news, 5, **{"published_at": 6, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sold", "kind"), [({}, "checkout.completed"), ({"session": "", "bill": "in_1"}, "invoice.paid")]
)
async def test_an_order_leads_to_the_events_of_its_payment_and_of_what_it_came_from(
    sold: dict[str, str], kind: str
) -> None:
    order: Order = msgspec.structs.replace(ORDER, **sold)
    paid = told("payment.successful", "pi_1")
    late = told(kind, order.session or order.bill, published_at=0)
    others = told("payment.successful", "pi_2")
    world = make_world()
    await world.store.commit(
        [
            ORDERS.insert(order),
            PAYMENTS.insert(Payment(FREE, 0)),
            *(BILLING_EVENTS.insert(each) for each in (paid, late, others)),
        ]
    )
    shown = await world.views.order(order.key)
    assert shown is not None
    assert {(each.type, each.state) for each in shown.told} == {
        ("payment.successful", "published"),
        (kind, "unpublished"),
    }
    page = (await (await logged_in(world)).get(f"/console/orders/{order.key}")).text
    for event in (paid, late):
        assert f'href="/console/billing/events/{event.id}"' in page
    assert others.id not in page
    assert 'href="/console/billing?customer=cus_1"' in page


async def test_where_nothing_is_told_the_page_says_nothing_of_it() -> None:
    world = make_world()
    await world.store.commit([ORDERS.insert(ORDER), PAYMENTS.insert(Payment(FREE, 0))])
    page = (await (await logged_in(world)).get(f"/console/orders/{ORDER.key}")).text
    assert 'id="told"' not in page
