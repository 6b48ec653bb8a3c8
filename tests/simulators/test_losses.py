"""Losses that are planted by hand: each does what it says, to the one thing that was counted to."""

from __future__ import annotations

import pytest

from tests.simulators.kit import Start
from tests.simulators.test_fiken import invoice

LOSSES = ("invoice-deleted", "invoice-doubled", "invoice-changed", "invoice-strange")


async def test_an_invoice_is_deleted_doubled_changed_and_made_up(start: Start) -> None:
    client = await start()
    made = [await invoice(client, orderReference=f"10{nth}") for nth in range(3)]
    before = {each["invoiceId"]: each for each in (await client.fiken("GET", "/invoices")).json}
    told = [
        (await client.call("POST", "/_lose", json={"what": what, "nth": min(nth, 2)})).json
        for nth, what in enumerate(LOSSES)
    ]
    after = {each["invoiceId"]: each for each in (await client.fiken("GET", "/invoices")).json}
    assert told[0]["invoice"] == made[0]
    assert made[0] not in after
    assert (await client.fiken("GET", "/invoices?orderReference=100")).json == []
    assert (await client.fiken("GET", f"/invoices/{made[0]}")).status == 404
    # After the first is gone, the second place is the third invoice's.
    assert (told[1]["order"], told[1]["invoice"] in after, told[1]["invoice"] in before) == (
        "102",
        True,
        False,
    )
    changed = after[told[2]["invoice"]]
    assert changed["gross"] == after[made[1]]["gross"] + 100
    assert (told[3]["order"], told[3]["payment"]) == ("NEVER-1", "pi_never_paid")
    assert len(after) == 4


@pytest.mark.parametrize(
    "body", [{"what": "everything"}, {}, {"what": "invoice-deleted"}, {"what": "parcel-strange", "nth": 5}]
)
async def test_what_cannot_be_lost_is_refused(start: Start, body: dict[str, object]) -> None:
    client = await start()
    assert (await client.call("POST", "/_lose", json=body)).status == 400
