"""The catalogue over HTTP: files are kept whole or not at all, Stripe is compared page by page, viewers only look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema
import pytest
from starlette.applications import Starlette

from onpaid.app.catalogue_sync import MOST_AT_ONCE, CatalogueSync
from onpaid.app.entitlements import Entitlements
from onpaid.app.sales import Sales
from onpaid.domain.money import Money
from onpaid.domain.sessions import Session
from onpaid.engine.testing import START, run_virtually
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.user_customers import UserCustomers
from onpaid.web.access import Access
from onpaid.web.api_catalogue import DOORS
from onpaid.web.app import tell_problem
from onpaid.web.framing import Budget
from onpaid.web.openapi import document
from onpaid.web.settings import WebSettings
from onpaid.web.table import Parts, route_of
from tests.app.test_catalogue_sync import Shop
from tests.app.test_entitlements import LINE, Subscriptions
from tests.flows.sales_box import SalesBox, sales_guests
from tests.web.client import Answer, Client
from tests.web.world import OPERATOR, VIEWER

HEAD = "id,product,product_name,amount,currency,interval,tax_percent,active"
FILE = f"{HEAD}\ncourse-1,course,A course,499,NOK,,25,yes\nclub,club,The club,99,NOK,month,25,yes\n"


class Site:
    """The doors of the catalogue, in the frame of every door."""

    def __init__(self, *, selling: bool = True) -> None:
        self.shop = Shop(SalesBox())
        settings = WebSettings(admin_token=OPERATOR, viewer_token=VIEWER)
        engine, nothing = self.shop.process.engine, None
        any_: Any = nothing
        sessions = sales_guests(self.shop.box, self.shop.store)["sessions"]
        rights = Entitlements(sessions, Subscriptions(), UserCustomers(self.shop.store), engine.clock)
        catalogue: CatalogueSync = self.shop.sync
        sales = Sales(any_, any_, self.shop.prices, catalogue, sessions, any_, any_, any_, rights)
        access, budget = Access(settings, engine.clock), Budget(settings.bodies_limit)
        parts = Parts(
            any_, engine, any_, any_, settings, any_, access, budget, sales=sales if selling else None
        )
        app = Starlette(routes=[route_of(door, parts, tell_problem) for door in DOORS])
        self.operator, self.viewer, self.nobody = (Client(app, token) for token in (OPERATOR, VIEWER, None))

    async def load(self, text: str = FILE) -> Answer:
        return await self.operator.post("/api/prices/import", data={"text": text})

    async def sync(self, **more: Any) -> Answer:
        return await self.operator.post("/api/catalogue/sync", data=more)


def served(story: Callable[[Site], Awaitable[None]], **more: Any) -> None:
    async def main() -> None:
        site = Site(**more)
        await site.shop.process.engine.open()
        await story(site)

    run_virtually(main)


def test_a_file_is_kept_compared_and_filed() -> None:
    async def story(site: Site) -> None:
        answer = await site.load()
        assert (answer.status, answer.json) == (200, {"prices": 2, "new": 2, "changed": 0, "unchanged": 0})
        listed = (await site.viewer.get("/api/prices")).json
        assert [(row["id"], row["every"], row["stripe"]) for row in listed["items"]] == [
            ("club", "month", None),
            ("course-1", "", None),
        ]
        plan = (await site.sync(dry_run=True)).json
        assert ([line["action"] for line in plan["items"]], plan["done"]) == (["create", "create"], False)
        assert site.shop.box.prices == []
        plan = (await site.sync()).json
        assert [line["runs"] for line in plan["items"]] == [["file_price:club#1"], ["file_price:course-1#1"]]
        await site.shop.process.live()
        (row, _) = (await site.viewer.get("/api/prices")).json["items"]
        assert row["stripe"] == {
            "product": "club",
            "price": next(each.price_id for each in site.shop.box.prices if each.lookup_key == "club"),
            "version": 1,
            "fits": True,
            "archived": [],
        }

    served(story)


def test_a_wrong_row_keeps_all_others_out() -> None:
    async def story(site: Site) -> None:
        answer = await site.load(f"{FILE}bad,course,A course,1.005,NOK,,,\nworse,course,Other,1,NOK,,,\n")
        assert answer.status == 400
        detail = answer.problem["detail"]
        assert "Line 4: " in detail
        assert "line 5: " in detail
        assert (await site.viewer.get("/api/prices")).json["items"] == []

    served(story)


def test_more_prices_than_one_commit_holds_are_refused_whole() -> None:
    async def story(site: Site) -> None:
        rows = "".join(f"c-{nth},course,A course,1,NOK,,,\n" for nth in range(MOST_AT_ONCE + 1))
        assert (await site.load(f"{HEAD}\n{rows}")).status == 400
        assert (await site.viewer.get("/api/prices")).json["items"] == []

    served(story)


@pytest.mark.parametrize(
    "body", [{"limit": 0}, {"limit": 51}, {"limit": "many"}, {"dry_run": "yes"}, {"dryrun": True}]
)
def test_what_does_not_fit_is_refused(body: dict[str, Any]) -> None:
    async def story(site: Site) -> None:
        assert (await site.sync(**body)).status == 400

    served(story)


def test_viewers_look_and_strangers_do_not() -> None:
    async def story(site: Site) -> None:
        for path in ("/api/prices", "/api/customers/u-1/entitlements"):
            assert (await site.nobody.get(path)).status == 401
        for path, data in (("/api/prices/import", {"text": FILE}), ("/api/catalogue/sync", {})):
            assert (await site.nobody.post(path, data=data)).status == 401
            assert (await site.viewer.post(path, data=data)).status == 403
        assert (await site.shop.prices.listed()).items == []

    served(story)


def test_where_nothing_is_sold_that_is_said() -> None:
    async def story(site: Site) -> None:
        answer = await site.operator.get("/api/prices")
        assert answer.status == 404
        assert "BILLING_EVENTS" in answer.problem["detail"]

    served(story, selling=False)


def test_what_somebody_is_entitled_to_is_told_by_their_id() -> None:
    async def story(site: Site) -> None:
        paid = Session(
            "stripe/default/test/cs_1",
            "cs_1",
            "paid",
            START,
            START,
            user="auth0|u/1",
            mode="payment",
            order="stripe/BC-1",
            order_number="BC-1",
            total=Money(100, "NOK"),
            lines=(LINE,),
        )
        await site.shop.store.commit([SESSIONS.insert(paid)])
        answer = await site.viewer.get("/api/customers/auth0%7Cu%2F1/entitlements")
        assert answer.status == 200
        assert answer.json["items"] == [
            {
                "product": "course",
                "price": "course-1",
                "active": True,
                "until": None,
                "why": "paid in order BC-1",
                "source": "session",
                "reference": "cs_1",
            }
        ]
        assert (await site.viewer.get("/api/customers/u-2/entitlements")).status == 404

    served(story)


def test_answers_are_as_the_document_says() -> None:
    async def story(site: Site) -> None:
        told = document(DOORS, [], WebSettings())
        await site.load()
        for path, method, answer in (
            ("/api/prices", "get", await site.viewer.get("/api/prices")),
            ("/api/catalogue/sync", "post", await site.sync(dry_run=True)),
            ("/api/prices/import", "post", await site.load()),
        ):
            schema = told["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json, {**schema, "components": told["components"]})

    served(story)
