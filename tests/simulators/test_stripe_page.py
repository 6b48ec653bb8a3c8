"""The page under a session's address: whoever clicks, the API and the webhooks tell the same."""

import pytest

from tests.simulators.kit import Start
from tests.simulators.sales_kit import DAY, Till, get, till


async def click(there: Till, path: str, **form: str) -> str:
    """What the page says after a click."""
    said = await there.client.call("POST", path, data=form)
    assert said.status == 200, said.text
    return said.text


async def opened(start: Start, **more: object) -> tuple[Till, str, str]:
    there = await till(start)
    session = await there.open(**more)  # type: ignore[arg-type]
    return there, session["id"], session["url"].removeprefix(there.client.served.base)


async def test_a_card_pays(start: Start) -> None:
    there, ident, path = await opened(start)
    shown = await there.client.call("GET", path)
    assert "NOK 1,290.00" in shown.text
    assert "1 × Course" in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    said = await click(there, path, act="paid")
    assert "Paid. Thank you." in said
    assert f'href="https://shop.example/done?s={ident}"' in said
    assert (await get(there.client, f"/checkout/sessions/{ident}"))["payment_status"] == "paid"
    again = await there.client.call("POST", path, data={"act": "paid"})
    assert (again.status, "the session is complete" in again.text) == (409, True)


async def test_a_failure_leaves_it_open_and_going_back_too(start: Start) -> None:
    there, ident, path = await opened(start)
    assert "declined" in await click(there, path, act="failed")
    assert "who pays" in await click(there, path, act="action")
    left = await click(there, path, act="cancel")
    assert 'href="https://shop.example/"' in left
    assert (await get(there.client, f"/checkout/sessions/{ident}"))["status"] == "open"
    there.clock.at += DAY
    assert "no longer open" in (await there.client.call("GET", path)).text


@pytest.mark.parametrize(
    ("act", "sentence"), [("arrived", "Paid. Thank you."), ("bounced", "Nothing was paid.")]
)
async def test_a_debit_takes_its_time(start: Start, act: str, sentence: str) -> None:
    there, ident, path = await opened(start)
    assert "on its way" in await click(there, path, act="delayed")
    assert sentence in await click(there, path, act=act)
    status = (await get(there.client, f"/checkout/sessions/{ident}"))["payment_status"]
    assert status == ("paid" if act == "arrived" else "unpaid")


async def test_a_subscription_says_how_often_and_a_guest_says_who(start: Start) -> None:
    there, ident, path = await opened(start, mode="subscription", customer_email="a&b@example.org")
    shown = (await there.client.call("GET", path)).text
    assert "every month" in shown
    assert 'value="a&amp;b@example.org"' in shown
    await click(there, path, act="paid", email="kari@example.org")
    session = await get(there.client, f"/checkout/sessions/{ident}")
    assert session["customer_details"]["email"] == "kari@example.org"


async def test_the_card_has_a_name_and_a_country(start: Start) -> None:
    there, ident, path = await opened(start)
    assert 'name="country"' in (await there.client.call("GET", path)).text
    await click(there, path, act="paid", name="Ola Nordmann", country="se")
    told = (await get(there.client, f"/checkout/sessions/{ident}"))["customer_details"]
    assert (told["name"], told["address"]["country"]) == ("Ola Nordmann", "SE")


async def test_what_makes_no_sense_gets_a_page_too(start: Start) -> None:
    there, _ident, path = await opened(start)
    assert (await there.client.call("GET", "/stripe/checkout/cs_none")).status == 404
    for act in ("dance", "arrived"):
        assert (await there.client.call("POST", path, data={"act": act})).status == 409
