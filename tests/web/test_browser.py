"""The console in a real browser: without JavaScript, with the keyboard alone, asked before an act, and open to all.

Things are found by role and name, as people find them.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import OPEN_SOME, TOO_WIDE, log_in, violations
from tests.web.serving import Served

pytestmark = pytest.mark.needs_chromium

ORDER = "/console/orders/konverzky/10044"
FAILED = "/console/orders/konverzky/10040"
PAGES = (
    "/console",
    "/console?q=nobody",
    "/console/problems",
    "/console/events",
    "/console/lanes",
    ORDER,
    FAILED,
    "/console/orders/konverzky/10041",
    "/console/orders/konverzky/10048",
    "/console/orders/konverzky/10049",
    "/console/events/stripe/default/test/evt_1Q100441",
    "/console/runs/invoice_payment:stripe/default/test/pi_3Q10041bK",
)


def test_without_javascript_a_person_searches_opens_and_retries(browser: Browser, fresh: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(fresh, context)
    page.get_by_role("searchbox", name="Search orders").fill("10040")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="10040").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("10040")
    page.get_by_text("Fetched the customer from Stripe").click()
    expect(page.locator("details[open]").get_by_text("J*** L***").first).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("already have an effect are skipped")
    assert fresh.run(fresh.world.views.order("10040")).state == "ready"
    context.close()


def test_the_keyboard_alone_leads_everywhere(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = log_in(served, context)
    page.keyboard.press("/")
    page.keyboard.type("ola.hansen@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="10041")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("10041")
    for key, name in (("p", "Problems"), ("e", "Events"), ("l", "Lanes"), ("o", "Orders")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("10049")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.keyboard.press("t")
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    context.close()


def test_a_person_is_asked_before_an_act(browser: Browser, fresh: Served) -> None:
    context = browser.new_context()
    page = log_in(fresh, context)
    page.goto(f"{fresh.base}{FAILED}")
    page.get_by_role("button", name="Cancel the run").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("without finishing it")
    dialog.get_by_role("button", name="Not now").click()
    expect(dialog).to_be_hidden()
    assert fresh.run(fresh.world.views.order("10040")).state == "failed"
    page.get_by_role("button", name="Cancel the run").click()
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("status")).to_contain_text("is cancelled")
    assert "said=" not in page.url
    assert fresh.run(fresh.world.views.order("10040")).state == "cancelled"
    context.close()


def test_a_form_without_its_token_does_nothing(browser: Browser, fresh: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(fresh, context)
    page.goto(f"{fresh.base}{FAILED}")
    other = browser.new_context(java_script_enabled=False)
    stranger = log_in(fresh, other)
    stranger.goto(f"{fresh.base}{FAILED}")
    # The stranger's cookies with this page's token, as a forged form would send it.
    context.clear_cookies()
    cookies: Any = other.cookies()
    context.add_cookies(cookies)
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("alert")).to_contain_text("did not come from a page of this session")
    assert fresh.run(fresh.world.views.order("10040")).state == "failed"
    context.close()
    other.close()


def test_a_page_stays_fresh_and_what_was_opened_stays_open(browser: Browser, fresh: Served) -> None:
    context = browser.new_context()
    page = log_in(fresh, context)
    page.clock.install()
    page.goto(f"{fresh.base}/console/orders/konverzky/10040")
    step = page.locator("summary", has_text="Fetched the customer from Stripe")
    step.click()
    fresh.run(
        fresh.world.operations.retry("invoice_payment:stripe/default/test/pi_3Q10040bK", by="a colleague")
    )
    with page.expect_response(
        lambda answer: answer.status == 200 and answer.request.resource_type == "fetch"
    ):
        page.clock.run_for(4000)
    expect(page.locator("#headline")).to_contain_text("goes on any moment now")
    expect(page.locator("details[open]")).to_have_count(1)
    with page.expect_response(lambda answer: answer.status == 304):
        page.clock.run_for(4000)
    context.close()


@pytest.mark.parametrize("paths", [PAGES[:7], (*PAGES[7:], "/login", "/console/orders/konverzky/0")])
def test_nothing_keeps_anybody_out(browser: Browser, served: Served, paths: tuple[str, ...]) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = log_in(served, context)
    assert [wrong for path in paths for wrong in violations(page, f"{served.base}{path}")] == []
    context.close()


def test_nothing_is_wider_than_the_screen(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = log_in(served, context)
    for path in PAGES:
        page.goto(f"{served.base}{path}")
        page.evaluate(OPEN_SOME)
        for width in (320, 390, 720, 1020):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(TOO_WIDE) <= 0, f"{path} at {width}"
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
    for path in PAGES:
        page.goto(f"{served.base}{path}")
        page.keyboard.press("t")
        page.keyboard.press("?")
    assert said == []
    assert all(url.startswith(served.base) for url in asked)
    context.close()
