"""Pictures of every page, light and dark, wide and narrow: `python -m tests.web.pictures OUT [LOGIN_LINK [ORDER]]`.

Without a link the seeded shop is served for the purpose; with one (as `onpaid demo` prints it) the pictures are of
that service, and of that order or its newest. They are named `console-orders.png`, `console-orders-dark.png`,
`console-orders-phone.png` and so on; a customer's pages `tracking.png` and so on. Needs Debian's chromium.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from onpaid.web.access import make_login_link
from tests.web.deliveries import key_of, link_to
from tests.web.serving import CHROMIUM, seeded, serving

WIDE, PHONE = (1360, 900), (390, 844)
CUSTOMER = (680, 1350)
"""A customer's page is one column, as people hold their phones."""


def pages_of(page: Page, base: str, number: str | None) -> dict[str, str]:
    """Name and path of what is worth a picture."""
    if number is None:
        orders = {"order": "10044", "doubt": "10041", "failed": "10040", "quiet": "10048", "upsell": "10043"}
        orders |= {"lost": "10049", "unpaid": "9871"}
        found = {name: f"/console/orders/konverzky/{number}" for name, number in orders.items()}
        found["run"] = "/console/runs/invoice_payment:stripe/default/test/pi_3Q10041bK"
        found["event"] = "/console/events/stripe/default/test/evt_1Q100441"
        found["nothing"] = "/console?q=nobody"
        found["search"] = "/console?q=kari.nordmann@example.org"
        found["missing"] = "/console/orders/konverzky/0"
        deliveries = {"delivery": "on its way", "held": "held", "dry-run": "dry run", "unheard": "unheard"}
        found |= {name: f"/console/orders/{key_of(example)}" for name, example in deliveries.items()}
        found["products"] = "/console/products"
        found["tracking"] = f"/track/{link_to('on its way')}"
        found["tracking-back"] = f"/track/{link_to('came back')}"
        found["tracking-closed"] = "/track/nothing"
    else:
        page.goto(f"{base}/console?q={number}")
        found = {"order": str(page.locator("td.c-number a").first.get_attribute("href"))}
    plain = {"orders": "/console", "problems": "/console/problems", "events": "/console/events"}
    for name in ("billing", "proof", "reconciliation"):
        if page.goto(f"{base}/console/{name}").ok:  # type: ignore[union-attr]
            plain[name] = f"/console/{name}"
    return {**plain, "lanes": "/console/lanes", **found}


def take(link: str, out: Path, *, number: str | None = None) -> None:
    """All of them. `number` is an order of a service that is not the seeded one."""
    out.mkdir(parents=True, exist_ok=True)
    base = link.partition("/login")[0]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context: Any = browser.new_context(viewport=_size(WIDE), device_scale_factor=1.5)
        page = context.new_page()
        page.goto(f"{base}/login")
        page.screenshot(path=out / "console-login.png")
        page.goto(link)
        for name, path in pages_of(page, base, number).items():
            for kind, scheme, size in (
                ("", "light", WIDE),
                ("-dark", "dark", WIDE),
                ("-phone", "light", PHONE),
            ):
                page.emulate_media(color_scheme=scheme)
                customers = path.startswith("/track/")
                page.set_viewport_size(_size(CUSTOMER if customers and size == WIDE else size))
                page.goto(f"{base}{path}")
                page.screenshot(path=out / f"{'' if customers else 'console-'}{name}{kind}.png")
        browser.close()


def _size(size: tuple[int, int]) -> Any:
    return {"width": size[0], "height": size[1]}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        take(sys.argv[2], folder, number=sys.argv[3] if len(sys.argv) > 3 else "")
    else:
        with serving(seeded) as served:
            world = served.world
            take(make_login_link(world.settings, "operator", world.clock.now()), folder)
