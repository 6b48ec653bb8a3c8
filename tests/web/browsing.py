"""What tests with a real browser share: who is logged in, what is measured, and what keeps somebody out."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, Page

from onpaid.web.access import make_login_link
from tests.web.serving import Served

OPEN_SOME = "document.querySelectorAll('details').forEach((each, nth) => each.open = nth < 3)"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def log_in(served: Served, context: BrowserContext) -> Page:
    """A page of the operator's."""
    page = context.new_page()
    page.goto(make_login_link(served.world.settings, "operator", served.world.clock.now()))
    return page


def violations(page: Page, url: str) -> list[str]:
    """What of a page keeps somebody out, light and dark. The context must bypass the content security policy."""
    found: list[str] = []
    page.goto(url)
    page.evaluate(OPEN_SOME)
    schemes: tuple[Any, ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for wrong in Axe().run(page).response["violations"]:
            nodes = [node["target"] for node in wrong["nodes"]][:3]
            found.append(f"{url}, {scheme}: {wrong['id']}: {wrong['help']} {nodes}")
    return found
