"""The catalogue of prices through the API, its comparison with Stripe, and what a customer is entitled to."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.catalogue_sync import Plan, PricesImported
from onpaid.app.entitlements import EntitlementsShown
from onpaid.app.prices_file import read_prices
from onpaid.app.prices_shown import PriceList, price_list
from onpaid.errors import InvalidInput
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import NO_SUCH, NOT_NOW, body_of
from onpaid.web.parameters import CURSOR, limit
from onpaid.web.table import Ask, Door, NotThere

MOST_COMPARED = 50


class PricesText(msgspec.Struct, forbid_unknown_fields=True):
    """A file of prices, as text: CSV with a header, or a JSON list."""

    text: str


class SyncAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of the catalogue to compare with Stripe, and whether only to tell what would be done."""

    dry_run: bool = False
    cursor: str | None = None
    limit: int = 20


async def prices(ask: Ask) -> Response:
    given = ask.given
    return json_answer(await price_list(ask.parts.selling.prices, given["cursor"] or None, given["limit"]))


async def import_prices(ask: Ask) -> Response:
    catalogue = ask.parts.selling.catalogue
    told = read_prices(body_of(ask, PricesText).text)
    return json_answer(await catalogue.import_prices(told))


async def sync(ask: Ask) -> Response:
    catalogue, asked = ask.parts.selling.catalogue, body_of(ask, SyncAsked)
    if not 1 <= asked.limit <= MOST_COMPARED:
        raise InvalidInput(f"limit must be a whole number from 1 to {MOST_COMPARED}")
    return json_answer(
        await catalogue.sync(dry_run=asked.dry_run, after=asked.cursor or None, limit=asked.limit)
    )


async def entitlements(ask: Ask) -> Response:
    found = await ask.parts.selling.entitlements.of(ask.named("id"))
    if found is None:
        raise NotThere(
            "nobody of this id has bought anything: give our id of the user, or Stripe's of the customer"
        )
    return json_answer(found)


DOORS = (
    Door(
        "GET",
        "/api/prices",
        prices,
        "viewer",
        "Prices by id, with what they are called at Stripe, and those that are off sale too.",
        takes=(CURSOR, limit(50)),
        answers=PriceList,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/prices/import",
        import_prices,
        "operator",
        "Keep the prices of a file, all or none. Those that are there are replaced.",
        body=PricesText,
        answers=PricesImported,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/catalogue/sync",
        sync,
        "operator",
        "Compare a page of prices with Stripe, and start what brings Stripe to what they say.",
        body=SyncAsked,
        answers=Plan,
        statuses=NOT_NOW,
    ),
    Door(
        "GET",
        "/api/customers/{id:path}/entitlements",
        entitlements,
        "viewer",
        "What a customer is entitled to: active or not, until when, and why.",
        answers=EntitlementsShown,
        statuses=NO_SUCH,
    ),
)
