"""The page of proofs in a real browser: without JavaScript, on a phone, and open to all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import TOO_WIDE, log_in, violations
from tests.web.proofs import on_show
from tests.web.serving import Served, serving

pytestmark = pytest.mark.needs_chromium


@pytest.fixture(scope="module")
def proven() -> Iterator[Served]:
    """A service with proofs."""
    with serving(on_show) as found:
        yield found


def _pages(proven: Served) -> list[str]:
    newest = proven.run(proven.world.prover.proofs.newest(limit=2)).items
    ids = [proof.id for proof in newest]
    return ["/console/proof", f"/console/proof/{ids[0]}?show=all", f"/console/proof/{ids[1]}"]


def test_nothing_of_it_keeps_anybody_out(browser: Browser, proven: Served) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = log_in(proven, context)
    found = [wrong for path in _pages(proven) for wrong in violations(page, f"{proven.base}{path}")]
    assert found == []
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_screen(browser: Browser, proven: Served, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = log_in(proven, context)
    for path in _pages(proven):
        page.goto(f"{proven.base}{path}")
        assert page.evaluate(TOO_WIDE) <= 0, path
    context.close()


def test_without_javascript_a_period_is_proven_and_followed(browser: Browser) -> None:
    with serving(on_show) as served:
        context = browser.new_context(java_script_enabled=False)
        page = log_in(served, context)
        page.goto(f"{served.base}/console/proof")
        expect(page.get_by_role("heading", name="Missing")).to_be_visible()
        page.get_by_label("From").fill("2026-11-20")
        page.get_by_role("button", name="Prove it").click()
        expect(page.get_by_text("Under way: Stripe’s charges.")).to_be_visible()
        served.run(served.world.prover.work())
        expect(page.get_by_role("heading", name="orders of")).to_be_visible(
            timeout=15_000
        )  # it looks by itself
        page.get_by_role("link", name="Every order").click()
        page.get_by_role("link", name="1002").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("1002")
        context.close()
