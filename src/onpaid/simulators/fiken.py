"""Fiken's REST API over the books: one call at a time, bearer token, JSON only, lists in pages.

A second call that is open at the same time is answered 429 and counted. A call whose client has gone is not open
any more, even where its effect is still to land.
"""

import itertools
import json
from asyncio import Transport, sleep
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators import fiken_drafts as drafts
from onpaid.simulators.door import Door, render, transport_of
from onpaid.simulators.fiken_books import FikenBooks, Refused
from onpaid.simulators.fiken_lists import contacts_in, drafts_in, invoices_in, page_of
from onpaid.simulators.fiken_shapes import bank_accounts, company, shown_credit, shown_invoice
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.plan import Trouble
from onpaid.simulators.world import Simulators

COMPANY: Final = "/companies/{slug}"
BUSY: Final = "Only one concurrent request is allowed"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked for its form."""

    operation: str
    query: dict[str, str]
    body: Any = None
    ident: int = 0
    url: str = ""
    key: str = ""
    location: Callable[[str, int], dict[str, str]] = field(default=lambda _what, _ident: {})


Act = Callable[[Call], Answer]


class FikenApi:
    """The routes under `/fiken/api/v2`, and under `/fiken` as well."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings, self._clock = simulators.settings, simulators.clock
        self._books: FikenBooks = simulators.fiken
        self._door = Door(
            "fiken", simulators.plan, simulators.clock, self._settings.times, simulators.landing
        )
        self._open: dict[int, Transport | None] = {}
        self._numbers = itertools.count()
        self._recent: deque[float] = deque()

    def routes(self) -> list[Route]:
        invoices, draft = f"{COMPANY}/invoices", f"{COMPANY}/invoices/drafts"
        table: list[tuple[str, str, str, Act]] = [
            ("GET", "/companies", "list companies", self._companies),
            ("GET", COMPANY, "get company", lambda _call: Answer(200, company(self._settings))),
            ("GET", f"{COMPANY}/bankAccounts", "list bank accounts", self._bank_accounts),
            (
                "GET",
                f"{COMPANY}/contacts",
                "list contacts",
                lambda call: contacts_in(self._books, call.query),
            ),
            ("POST", f"{COMPANY}/contacts", "create contact", self._create_contact),
            ("GET", COMPANY + "/contacts/{id:int}", "get contact", self._get_contact),
            ("PUT", COMPANY + "/contacts/{id:int}", "change contact", self._change_contact),
            ("DELETE", COMPANY + "/contacts/{id:int}", "delete contact", self._delete_contact),
            ("POST", f"{invoices}/send", "send invoice", self._send),
            ("GET", f"{invoices}/counter", "get counter", self._get_counter),
            ("POST", f"{invoices}/counter", "create counter", self._create_counter),
            ("GET", draft, "list drafts", lambda call: drafts_in(self._books, call.query)),
            ("POST", draft, "create draft", self._create_draft),
            ("GET", draft + "/{id:int}", "get draft", self._get_draft),
            ("DELETE", draft + "/{id:int}", "delete draft", self._delete_draft),
            ("POST", draft + "/{id:int}/createInvoice", "create invoice from draft", self._issue_draft),
            ("GET", invoices, "list invoices", lambda call: invoices_in(self._books, call.query)),
            ("POST", invoices, "create invoice", self._create_invoice),
            ("GET", invoices + "/{id:int}", "get invoice", self._get_invoice),
            ("GET", COMPANY + "/creditNotes/{id:int}", "get credit note", self._get_credit),
        ]
        return [
            Route(f"{prefix}{path}", self._endpoint(operation, act), methods=[method])
            for prefix in ("/fiken/api/v2", "/fiken")
            for method, path, operation, act in table
        ]

    def _endpoint(self, operation: str, act: Act) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            self._count(operation)
            if await self._others_open():
                self._books.concurrent_calls += 1
                return render(_objection(429, BUSY))
            number = next(self._numbers)
            self._open[number] = transport_of(request.scope)
            try:
                return await self._handle(request, operation, act)
            finally:
                del self._open[number]

        return endpoint

    def _count(self, operation: str) -> None:
        self._books.calls[operation] += 1
        now = self._clock.now()
        self._recent.append(now)
        while self._recent[0] <= now - 1:
            self._recent.popleft()
        self._books.busiest_second = max(self._books.busiest_second, len(self._recent))

    async def _others_open(self) -> bool:
        if self._open:
            await sleep(0)  # a client that has just hung up is seen to have gone
        return any(transport is None or not transport.is_closing() for transport in self._open.values())

    async def _handle(self, request: Request, operation: str, act: Act) -> Response:
        refused = self._unwelcome(request)
        if refused is not None:
            return render(refused)
        body: Any = None
        if request.method in ("POST", "PUT"):
            raw = await request.body()
            if raw and not request.headers.get("content-type", "").startswith("application/json"):
                return render(_objection(415, "Content-Type must be application/json"))
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                return render(_objection(400, "The body is not JSON"))
        call = self._call(request, operation, body)

        def effect(_trouble: Trouble | None) -> Answer:
            try:
                return act(call)
            except Refused as refusal:
                return Answer(refusal.status, [{"message": text} for text in refusal.found])
            except KeyError:
                return _objection(404, "Not found")

        writes = request.method != "GET"
        return await self._door.answer(
            request, operation, call.key, effect, writes=writes, refusal=self._broken
        )

    def _unwelcome(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {self._settings.fiken_token}":
            return Answer(401, {"error": "unauthorized", "error_description": "Missing or unknown token"})
        slug = request.path_params.get("slug", self._settings.company_slug)
        if slug != self._settings.company_slug:
            return _objection(404, f"No company {slug}")
        if not self._settings.api_access and "slug" in request.path_params:
            return _objection(403, "The company has no access to the API")
        return None

    def _call(self, request: Request, operation: str, body: Any) -> Call:
        ident = int(request.path_params.get("id", 0))
        base = f"{request.url.scheme}://{request.url.netloc}{request.url.path}".partition("/companies")[0]

        def location(what: str, made: int) -> dict[str, str]:
            return {"Location": f"{base}/companies/{self._settings.company_slug}/{what}/{made}"}

        key = self._key(body, ident) or request.url.query or operation
        return Call(operation, dict(request.query_params), body, ident, str(request.url), key, location)

    def _key(self, body: Any, ident: int) -> str:
        """A name for the call that the next run with the same seed gives it too: no numbers of ours, if possible."""
        told = body if isinstance(body, dict) else {}
        about = ident or told.get("invoiceId")
        invoice = self._books.invoices.get(about) if isinstance(about, int) else None
        if invoice is not None:
            return invoice.uuid
        known = self._books.contacts.get(ident) or self._books.drafts.get(ident) or told
        for name in ("uuid", "memberNumberString", "orderReference", "email", "name"):
            if known.get(name):
                return str(known[name])
        return str(ident) if ident else ""

    def _broken(self, trouble: Trouble) -> Answer:
        if trouble.fault == "429":
            limited = _objection(429, "Too many requests")
            return Answer(429, limited.body, {"Retry-After": str(self._settings.times.retry_after)})
        if trouble.status == 429:
            return _objection(429, BUSY)
        return Answer(503, {"error": "service_unavailable", "error_description": "Prøv igjen senere"})

    def _companies(self, call: Call) -> Answer:
        return page_of([company(self._settings)], call.query)

    def _bank_accounts(self, call: Call) -> Answer:
        return page_of(bank_accounts(self._settings), call.query, allowed=("inactive",))

    def _create_contact(self, call: Call) -> Answer:
        return Answer(201, None, call.location("contacts", self._books.add_contact(call.body)))

    def _get_contact(self, call: Call) -> Answer:
        return Answer(200, self._books.shown_contact(call.ident))

    def _change_contact(self, call: Call) -> Answer:
        self._books.change_contact(call.ident, call.body)
        return Answer(200, None, call.location("contacts", call.ident))

    def _delete_contact(self, call: Call) -> Answer:
        if self._books.remove_contact(call.ident):
            return Answer(204)
        return Answer(200, self._books.shown_contact(call.ident))

    def _create_invoice(self, call: Call) -> Answer:
        return Answer(201, None, call.location("invoices", self._books.add_invoice(call.body).ident))

    def _get_invoice(self, call: Call) -> Answer:
        return Answer(200, shown_invoice(self._books, self._books.invoices[call.ident]))

    def _get_credit(self, call: Call) -> Answer:
        return Answer(200, shown_credit(self._books, self._books.credits[call.ident]))

    def _send(self, call: Call) -> Answer:
        self._books.send(call.body)
        return Answer(200)

    def _get_counter(self, _call: Call) -> Answer:
        if self._books.counter is None:
            raise KeyError("counter")
        return Answer(200, {"value": self._books.counter})

    def _create_counter(self, call: Call) -> Answer:
        self._books.start_counter(call.body)
        return Answer(201)

    def _create_draft(self, call: Call) -> Answer:
        return Answer(201, None, call.location("invoices/drafts", drafts.add_draft(self._books, call.body)))

    def _get_draft(self, call: Call) -> Answer:
        return Answer(200, drafts.shown_draft(self._books, call.ident))

    def _delete_draft(self, call: Call) -> Answer:
        del self._books.drafts[call.ident]
        return Answer(204)

    def _issue_draft(self, call: Call) -> Answer:
        return Answer(201, None, call.location("invoices", drafts.issue_draft(self._books, call.ident).ident))


def _objection(status: int, message: str) -> Answer:
    body: Json = {"message": message}
    return Answer(status, [body] if status == 400 else body)
