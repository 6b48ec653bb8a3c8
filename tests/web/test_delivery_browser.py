"""Deliveries in a real browser: the customer's page and the operator's, without JavaScript, fresh, and open to all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from onpaid.domain.shipments import ParcelTold, Scan
from tests.web.browsing import OPEN_SOME, TOO_WIDE, log_in, violations
from tests.web.deliveries import key_of, link_to
from tests.web.serving import Served

pytestmark = pytest.mark.needs_chromium

CUSTOMERS = ("on its way", "delivered", "came back", "checked out")
OPERATORS = ("on its way", "held", "unheard", "try failed", "unreachable")


def paths() -> list[str]:
    """Every page that deliveries add."""
    customers = [f"/track/{link_to(name)}" for name in CUSTOMERS]
    return [
        *customers,
        "/track/none",
        "/console/products",
        *(f"/console/orders/{key_of(name)}" for name in OPERATORS),
    ]


async def arrive(served: Served) -> None:
    """The courier tells that a parcel is delivered."""
    delivery = served.world.delivery
    order = await delivery.orders.find(key_of("out"))
    assert order is not None
    assert order.record.fulfilment is not None
    assert order.record.fulfilment.parcel is not None
    scan = Scan("2026-11-21T17:20:00", "Delivered", "Chennai_Mylapore_D (Tamil Nadu)", 7)
    told = ParcelTold(order.record.fulfilment.parcel.awb, 7, "DELIVERED", scans=(scan,))
    writes, _ = await delivery.shipments.receive(told, served.world.clock.now())
    await served.world.store.commit(writes)


def test_without_javascript_a_customer_sees_it_all(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.base}/track/{link_to('on its way')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("On its way to you")
    expect(
        page.get_by_role("list", name="How far your order has come").get_by_role("listitem")
    ).to_have_count(4)
    expect(page.get_by_text("Arrived at hub")).to_be_visible()
    expect(page.get_by_text("Match balls, three stars, 12")).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_hidden()
    context.close()


def test_the_customers_page_turns_by_itself_when_the_parcel_arrives(browser: Browser, fresh: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(f"{fresh.base}/track/{link_to('out')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Out for delivery")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    fresh.run(arrive(fresh))
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
        page.clock.run_for(16_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivered")
    expect(page.locator("main")).to_have_class("good")
    page.keyboard.press("/")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivered")
    context.close()


def test_without_javascript_a_person_decides_about_a_held_order(browser: Browser, fresh: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(fresh, context)
    page.goto(f"{fresh.base}/console/orders/{key_of('held')}")
    page.get_by_role("button", name="Ship anyway").click()
    expect(page.get_by_role("status")).to_contain_text("It is decided")
    decision = fresh.run(fresh.world.delivery.fulfilments.decision(key_of("held")))
    assert decision.choice == "ship"
    context.close()


def test_a_person_is_asked_before_money_goes_back(browser: Browser, fresh: Served) -> None:
    context = browser.new_context()
    page = log_in(fresh, context)
    page.goto(f"{fresh.base}/console/orders/{key_of('held')}")
    page.get_by_role("button", name="Give the money back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Gives INR 9,898.00 back to the customer, wholly and once")
    dialog.get_by_role("button", name="Not now").click()
    assert fresh.run(fresh.world.delivery.fulfilments.decision(key_of("held"))) is None
    page.get_by_role("button", name="Give the money back").click()
    dialog.get_by_role("button", name="Give the money back").click()
    expect(page.get_by_role("status")).to_contain_text("It is decided")
    assert fresh.run(fresh.world.delivery.fulfilments.decision(key_of("held"))).choice == "refund"
    context.close()


def test_the_keyboard_leads_to_products_and_sets_stock(browser: Browser, fresh: Served) -> None:
    context = browser.new_context()
    page = log_in(fresh, context)
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1, name="Products")).to_be_visible()
    field = page.get_by_label("Units of Racket case, grey that are left")
    field.fill("44")
    field.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The stock is set")
    assert fresh.run(fresh.world.delivery.catalogue.left("case")) == 44
    context.close()


@pytest.mark.parametrize("half", [0, 1])
def test_nothing_keeps_anybody_out(browser: Browser, served: Served, half: int) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = log_in(served, context)
    assert [wrong for path in paths()[half::2] for wrong in violations(page, f"{served.base}{path}")] == []
    context.close()


def test_nothing_is_wider_than_the_screen(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = log_in(served, context)
    for path in paths():
        page.goto(f"{served.base}{path}")
        page.evaluate(OPEN_SOME)
        for width in (320, 390, 720, 1020):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(TOO_WIDE) <= 0, f"{path} at {width}"
    context.close()


def test_no_column_runs_into_the_next(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = log_in(served, context)
    cut_off = """() => [...document.querySelectorAll("td .badge, td .money")].filter(
      each => each.getBoundingClientRect().right > each.closest("td").getBoundingClientRect().right + 1).length"""
    for path in ("/console", "/console/products", "/console/events"):
        page.goto(f"{served.base}{path}")
        for width in (390, 768, 970, 1024, 1180, 1360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(cut_off) == 0, f"{path} at {width}"
    context.close()


def test_the_policy_is_never_broken_and_nothing_comes_from_elsewhere(
    browser: Browser, served: Served
) -> None:
    context = browser.new_context()
    page = log_in(served, context)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in paths():
        page.goto(f"{served.base}{path}")
        page.keyboard.press("t")
    assert [each for each in said if "404" not in each] == []
    assert all(url.startswith(served.base) for url in asked)
    context.close()
