"""Pages from templates: one environment, the words for times and durations, and answers that a browser need not load
twice.

A page carries an ETag of its content, so that the live refresh of an idle page costs no bytes. Links are built from
the configured public address, never from what a request says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from onpaid.app.tracked import INDIA
from onpaid.web.access import CSRF_FIELD
from onpaid.web.assets import address_of
from onpaid.web.table import Ask

SAID = {
    "retried": "The run goes on: steps that already have an effect are skipped.",
    "settled": "The doubt is settled, and the run goes on.",
    "cancelled": "The run is cancelled. What it did stays done.",
    "closed": "The ticket is closed.",
    "replayed": "The event was judged anew.",
    "paused": "The lane is paused. Calls under way finish.",
    "resumed": "The lane is open again, and the runs that waited for it go on.",
    "silenced": "The subscriber is paused. What comes meanwhile is held back.",
    "delivering": "The subscriber gets events again, what was held back first.",
    "decided": "It is decided, and the work goes on.",
    "booked": "A parcel is being booked.",
    "stopped": "The parcel is being cancelled.",
    "stocked": "The stock is set.",
    "reconciling": "The reconciliation is at work: this page shows how far it has come.",
    "imported": "The products are kept, and orders that waited for one go on.",
}
SERVICES = {"whatsapp": "WhatsApp", "msg91": "MSG91", "wati": "WATI", "tracking": "Shiprocket"}
_TICKED = re.compile(r"`([^`]+)`")
_TOKEN = re.compile(r"(&#34;(?:(?!&#34;).)*&#34;)(\s*:)?|\b(true|false|null|-?\d[\d.eE+-]*)\b")


def _highlight(found: re.Match[str]) -> str:
    text, colon, bare = found.groups()
    if bare is not None:
        return f'<span class="lit">{bare}</span>'
    return f'<span class="key">{text}</span>{colon}' if colon else f'<span class="str">{text}</span>'


def as_json(value: Any) -> Markup:
    """A tree as indented, coloured JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    # A backslash before a quote would end a string early for the eye; entities are made of every quote anyway.
    return Markup(_TOKEN.sub(_highlight, str(escape(text.replace('\\"', "”")))))  # noqa: S704 - escaped before


def ticked(text: str) -> Markup:
    """A sentence whose `commands` are set as code."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def service(name: str) -> str:
    """A source of events as its makers write it."""
    return SERVICES.get(name, name.capitalize())


def took(ms: int | None) -> str:
    """A duration, as precise as it is of interest."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms} ms"
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


class Pages:
    """Renders templates for one service."""

    def __init__(self, time_zone: str, root: str, version: str) -> None:
        self.root = root
        self._environment = _environment(time_zone, root, version)

    def render(self, template: str, **context: Any) -> bytes:
        """The template as UTF-8."""
        return self._environment.get_template(template).render(context).encode()

    async def page(self, ask: Ask, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page of the console for whoever is logged in."""
        session = ask.caller.session
        content = self.render(
            template,
            me=ask.caller,
            csrf=ask.parts.access.csrf(session) if session is not None else "",
            problems=await ask.parts.views.problems(),
            said=SAID.get(ask.request.query_params.get("said", ""), ""),
            here=_here(ask),
            delivers=ask.parts.delivery is not None,
            sells=ask.parts.sales is not None,
            reconciles=ask.parts.reconciler is not None,
            proves=ask.parts.prover is not None,
            **context,
        )
        return tagged(ask, content, status)

    def to(self, path: str, status: int = 303) -> Response:
        """On to another page of ours."""
        return RedirectResponse(f"{self.root}{path}", status)


def tagged(ask: Ask, content: bytes, status: int) -> Response:
    """The content, or 304 if the browser has it already."""
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    if status == 200 and tag in ask.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag})
    return Response(content, status, {"etag": tag}, media_type="text/html; charset=utf-8")


def safe_next(path: str) -> str:
    """Where to go after an act: a page of the console, never another site."""
    fits = path.startswith("/console") and "\\" not in path and path.isprintable() and len(path) < 1500
    return path if fits else "/console"


def _here(ask: Ask) -> str:
    """The path of this page with its query, without what was said."""
    query = "&".join(
        f"{quote(name)}={quote(value)}"
        for name, value in ask.request.query_params.multi_items()
        if name not in ("said", "key")
    )
    path = quote(ask.request.url.path, safe="/:@~,")
    key = ask.request.query_params.get("key")
    query = "&".join(part for part in (f"key={quote(key, safe='')}" if key else "", query) if part)
    return f"{path}?{query}" if query else path


def address(root: str, kind: str, key: str) -> str:
    """The page of one order, run or event, whatever its key is made of."""
    parts = key.split("/")
    if "" in parts or "." in parts or ".." in parts:
        return f"{root}/console/{kind}/?key={quote(key, safe='')}"
    return f"{root}/console/{kind}/{quote(key, safe='/:@~,')}"


@cache
def _environment(time_zone: str, root: str, version: str) -> Environment:
    zone = ZoneInfo(time_zone)

    def at(form: str) -> Callable[[datetime], str]:
        return lambda moment: moment.astimezone(zone).strftime(form)

    def full(moment: datetime) -> str:
        here = moment.astimezone(zone)
        return f"{here:%A %-d %B %Y, %H:%M:%S}.{here.microsecond // 1000:03} {here:%Z}"

    environment = Environment(
        loader=FileSystemLoader(str(files("onpaid.web").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=at("%H:%M:%S"),
        minute=at("%H:%M"),
        day=at("%-d %b"),
        when=at("%-d %b %H:%M:%S"),
        date_value=at("%Y-%m-%d"),
        full=full,
        tojsontext=as_json,
        took=took,
        ticked=ticked,
        service=service,
        india=lambda moment, form: moment.astimezone(INDIA).strftime(form),
        india_date=lambda moment: moment.astimezone(INDIA).date(),
    )
    environment.globals.update(
        root=root,
        version=version,
        zone=time_zone,
        csrf_field=CSRF_FIELD,
        asset=lambda name: f"{root}/assets/{address_of(name)}",
        link=lambda kind, key: address(root, kind, key),
    )
    return environment
