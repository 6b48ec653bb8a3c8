"""The console's buttons: plain forms that post, act, and lead back to the page they came from.

Each carries the session's token against forged requests, and names what its operator saw, so that a page that grew
old cannot decide about something newer.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from onpaid.errors import InvalidInput
from onpaid.web.pages import Pages, safe_next
from onpaid.web.table import Ask, Door, Handler, page_door


class ConsoleActs:
    """What the buttons do."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def retry(self, ask: Ask) -> Response:
        await ask.parts.operations.retry(field_of(ask, "run"), by=ask.caller.by)
        return back_to(self._pages, ask, "retried")

    async def settle(self, ask: Ask) -> Response:
        outcome, attempt = field_of(ask, "outcome"), field_of(ask, "attempt")
        if outcome not in ("done", "not-done"):
            raise InvalidInput("say whether it was done or not done")
        if not (attempt.isascii() and attempt.isdigit() and len(attempt) < 9):
            raise InvalidInput("the attempt must be a number: load the page again")
        await ask.parts.operations.settle(
            field_of(ask, "run"),
            step=field_of(ask, "step"),
            attempt=int(attempt),
            done=outcome == "done",
            result=_result(ask.form.get("result", "")) if outcome == "done" else None,
            by=ask.caller.by,
        )
        return back_to(self._pages, ask, "settled")

    async def cancel(self, ask: Ask) -> Response:
        why = ask.form.get("why", "")[:200]
        await ask.parts.operations.cancel(field_of(ask, "run"), by=ask.caller.by, why=why)
        return back_to(self._pages, ask, "cancelled")

    async def close(self, ask: Ask) -> Response:
        await ask.parts.operations.close_ticket(field_of(ask, "ticket"), by=ask.caller.by)
        return back_to(self._pages, ask, "closed")

    async def replay(self, ask: Ask) -> Response:
        await ask.parts.inbox.judge_again(field_of(ask, "event"))
        return back_to(self._pages, ask, "replayed")

    async def pause(self, ask: Ask) -> Response:
        why = ask.form.get("why", "").strip()[:200]
        await ask.parts.operations.pause(field_of(ask, "lane"), why or f"paused by {ask.caller.by}")
        return back_to(self._pages, ask, "paused")

    async def resume(self, ask: Ask) -> Response:
        await ask.parts.operations.resume(field_of(ask, "lane"), by=ask.caller.by)
        return back_to(self._pages, ask, "resumed")

    def doors(self) -> tuple[Door, ...]:
        """The buttons as routes."""
        return (
            _act("/console/runs/retry", self.retry, "Try a stopped or waiting run again now."),
            _act("/console/runs/settle", self.settle, "Settle a doubt."),
            _act("/console/runs/cancel", self.cancel, "End a run without finishing it."),
            _act("/console/tickets/close", self.close, "Put a ticket away."),
            _act("/console/events/replay", self.replay, "Judge a kept event anew."),
            _act("/console/lanes/pause", self.pause, "Let no call onto a lane."),
            _act("/console/lanes/resume", self.resume, "Open a lane again."),
        )


def _act(path: str, handler: Handler, says: str) -> Door:
    return page_door("POST", path, handler, "operator", says, statuses=(303, 400, 409))


def back_to(pages: Pages, ask: Ask, said: str) -> Response:
    """Back to the page whose button was pressed, which then says what was done."""
    path = safe_next(ask.form.get("back", ""))
    return pages.to(f"{path}{'&' if '?' in path else '?'}said={said}")


def field_of(ask: Ask, name: str) -> str:
    """A field that the form must have. Raises InvalidInput."""
    value = ask.form.get(name, "")
    if not value or len(value) > 1000:
        raise InvalidInput(f"the form has no {name}: load the page again")
    return value


def _result(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InvalidInput('the result must be JSON, such as {"invoice_id": 42}') from None
