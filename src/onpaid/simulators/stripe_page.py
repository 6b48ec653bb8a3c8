"""The page that a session's `url` leads to, where a person pays, fails, goes away, or pays by a debit that takes days.

Plain forms, no script. Where Stripe would send the browser on, the page offers a link: whoever tests wants to see
what happened first.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from onpaid.simulators.checkout_page import SECURITY, templates
from onpaid.simulators.checkout_shop import money
from onpaid.simulators.kit import Json
from onpaid.simulators.world import Simulators

LONGEST: Final = {"email": 254, "name": 100, "country": 2}
NOWHERE: Final[Json] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
SAID: Final = {
    "failed": "The bank declined the payment. Nothing was taken, and the page stays open.",
    "action": "The bank wants to know who pays. Press Card again: that is as good as an answer.",
    "cancel": "You went back. The page stays open for a day.",
}
TRIES: Final = ("paid", "delayed", "failed", "action")


class StripePage:
    """The pages under `/stripe/checkout`."""

    def __init__(self, simulators: Simulators) -> None:
        self._sales = simulators.sales
        self._templates = templates()

    def routes(self) -> list[Route]:
        path = "/stripe/checkout/{id}"
        return [
            Route(path, self._guarded(self._show), methods=["GET"]),
            Route(path, self._guarded(self._act), methods=["POST"]),
        ]

    def _guarded(
        self, endpoint: Callable[[Request, Json], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A page for whatever goes wrong, and the session for what goes right."""

        async def guarded(request: Request) -> Response:
            self._sales.tick()
            session = self._sales.sessions.all.get(request.path_params["id"])
            if session is None:
                return self._page("checkout_problem.html", 404, problem="Stripe knows no such session")
            try:
                return await endpoint(request, session)
            except ValueError as bad:
                return self._page("checkout_problem.html", 409, problem=f"That cannot be done: {bad}")

        return guarded

    def _page(self, template: str, status: int = 200, **context: object) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(context), status, headers=SECURITY)

    async def _show(self, request: Request, session: Json) -> Response:
        said = request.query_params.get("said", "")
        lines = [self._shown(line) for line in self._sales.sessions.lines[session["id"]]]
        currency = str(session["currency"] or "").upper()
        return self._page(
            "stripe_session.html",
            session=session,
            lines=lines,
            said=SAID.get(said, ""),
            total=money(session["amount_total"], currency) if currency else "Nothing to pay",
            waits=self._sales.sessions.waits(session["id"]),
            onward=self._onward(session, left=said == "cancel"),
        )

    def _shown(self, line: Json) -> Json:
        recurring = line["price"]["recurring"]
        interval = ""
        if recurring is not None:
            count, word = recurring["interval_count"], recurring["interval"]
            interval = f"every {word}" if count == 1 else f"every {count} {word}s"
        amount = money(line["amount_total"], str(line["currency"]).upper())
        return {**line, "amount": amount, "interval": interval}

    def _onward(self, session: Json, *, left: bool) -> str:
        """Where Stripe would send the browser now."""
        if session["status"] == "complete":
            return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
        return str(session["cancel_url"] or "") if left else ""

    async def _act(self, request: Request, session: Json) -> Response:
        try:
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise ValueError("this form cannot be read") from None
        act, ident = form.get("act", ""), session["id"]
        if act in ("arrived", "bounced"):
            self._sales.settle_delayed(ident, act == "arrived")
        elif act in TRIES:
            self._sales.complete_session(ident, act, _typed(form))  # type: ignore[arg-type]
        elif act != "cancel":
            raise ValueError("there is no such way to pay")
        said = f"?said={act}" if act in SAID else ""
        return RedirectResponse(f"/stripe/checkout/{ident}{said}", 303, headers=SECURITY)


def _typed(form: Mapping[str, str]) -> Json:
    """Who pays, as the form says: Stripe asks for the name on the card and its country, and for more only if told to."""
    who: Json = {}
    for name, longest in LONGEST.items():
        text = form.get(name, "").strip()[:longest]
        if text:
            who[name] = text
    country = who.pop("country", None)
    if country is not None:
        who["address"] = {**NOWHERE, "country": country.upper()}
    return who
