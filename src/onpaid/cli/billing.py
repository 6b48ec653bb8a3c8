"""The commands of billing events: follow what is published, and look after those who get it.

As everywhere, each goes through the API. Without a running server what was started goes on at the next `onpaid serve`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import typer

from onpaid.cli.output import facts, fail, more, print_json, say, table, when
from onpaid.cli.reach import Api, Json, Unreachable, api
from onpaid.errors import InvalidInput, NotPossible

Reach = Callable[[], AbstractContextManager[Api]]
LOOK_AGAIN = 2.0
OVERLAP = timedelta(minutes=1)
"""How far back each look reaches: an event may be stored a little after one that is dated later."""
TRIES = 15
PAGE = 100


def tail(*, follow: bool, only: str | None, limit: int, as_json: bool, reach: Reach = api) -> None:
    """Print the latest published events, and with `follow` those to come, until Ctrl-C."""
    with reach() as ask:
        latest = ask.get("billing-events", state="published", type=only, limit=limit)["items"]
        for event in reversed(latest):
            _line(event, as_json=as_json)
        if not follow:
            return
        if not ask.served:
            raise NotPossible("no server runs, so nothing will come: start `onpaid serve`, then follow")
        try:
            for event in following(ask, only, latest, time.sleep):
                _line(event, as_json=as_json)
        except KeyboardInterrupt:
            return


def following(
    ask: Api, only: str | None, latest: list[Json], pause: Callable[[float], None]
) -> Iterator[Json]:
    """Events as they are published, each once. It begins behind `latest`, the newest of them first.

    A server that is not there for a while, since it restarts, is waited for; what was published meanwhile follows.
    """
    seen = {event["id"] for event in latest}
    since = latest[0]["published"] if latest else None
    if since is not None:
        seen.update(event["id"] for event in _lately(ask, only, since))
    away = False
    while True:
        pause(LOOK_AGAIN)
        fresh: set[str] = set()
        try:
            for event in _lately(ask, only, since):
                fresh.add(event["id"])
                since = event["published"]
                if event["id"] not in seen:
                    yield event
        except Unreachable as lost:
            if not away:
                fail(lost)
            away = True
            seen |= fresh
        else:
            seen, away = fresh or seen, False


def _lately(ask: Api, only: str | None, since: str | None) -> Iterator[Json]:
    """The published events from shortly before `since` on, oldest first, however many pages."""
    begins = None if since is None else (datetime.fromisoformat(since) - OVERLAP).isoformat()
    cursor: str | None = None
    while True:
        page = ask.get(
            "billing-events",
            state="published",
            type=only,
            since=begins,
            order="oldest",
            limit=PAGE,
            cursor=cursor,
        )
        yield from page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return


def add(url: str, types: list[str], secret_file: Path | None, *, as_json: bool, reach: Reach = api) -> None:
    """Add a subscriber, and show its secret once."""
    body: dict[str, Any] = {"url": url, "types": types, "secret": _secret(secret_file)}
    with reach() as ask:
        told = ask.post("subscribers", body=body)
    if as_json:
        print_json(told)
        return
    say(f"{told['subscriber']['id']} gets billing events at {told['subscriber']['url']}.", "bold")
    say("Its secret, which is shown this once and checks our signatures:")
    say(told["secret"])


def subscribers(*, as_json: bool, reach: Reach = api) -> None:
    """Every subscriber."""
    with reach() as ask:
        told = ask.get("subscribers")
    if as_json:
        print_json(told)
        return
    table(
        ("subscriber", "address", "wants", "state", "why"),
        (
            (
                row["id"],
                row["url"],
                ", ".join(row["types"]) or "all types",
                (row["state"], row["mood"]),
                row["why"] or (f"{row['failures']} failed tries" if row["failures"] else ""),
            )
            for row in told["items"]
        ),
        empty="No subscribers. `onpaid subscribers add URL` adds one.",
    )


def show(ident: str, *, limit: int, after: str | None, as_json: bool, reach: Reach = api) -> None:
    """One subscriber and its deliveries."""
    with reach() as ask:
        told = ask.get("subscribers", ident)
        page = ask.get("subscribers", ident, "deliveries", limit=limit, cursor=after)
    if as_json:
        print_json({"subscriber": told, "deliveries": page})
        return
    say(f"{told['id']}: {told['state']}", "bold")
    facts(
        {
            "address": told["url"],
            "wants": told["types"] or "all types",
            "why": told["why"],
            "failing since": when(told["failing_since"]),
            "added": when(told["created"]),
        }
    )
    table(
        ("event", "wanted", "state", "tries", "last try", "last answer"),
        (
            (
                row["event"],
                when(row["wanted"]),
                (row["state"], row["mood"]),
                row["tries"] or "",
                when(row["last_try"]),
                row["why"],
            )
            for row in page["items"]
        ),
        empty="Nothing was delivered there yet.",
    )
    more(page["cursor"])


def act(ident: str, what: str, *, as_json: bool, reach: Reach = api) -> None:
    """Pause or resume a subscriber."""
    with reach() as ask:
        told = ask.post("subscribers", ident, what)
    _told(told, f"{ident} is {told['state']}.", as_json=as_json)


def remove(ident: str, *, yes: bool, as_json: bool, reach: Reach = api) -> None:
    """Remove a subscriber, after a question."""
    if not yes:
        if not sys.stdin.isatty():
            raise NotPossible(f"this would remove {ident} for good: say --yes if that is meant")
        typer.confirm(f"Remove {ident}? What is held back for it is never delivered", abort=True, err=True)
    with reach() as ask:
        told = ask.post("subscribers", ident, "remove")
    _told(told, f"{ident} is removed.", as_json=as_json)


def try_out(ident: str, *, as_json: bool, reach: Reach = api) -> None:
    """Deliver an event once more, and wait a little for what comes of it."""
    with reach() as ask:
        told = ask.post("subscribers", ident, "test")
        way = _outcome(ask, ident, told["event"])
    if as_json:
        print_json({**told, "delivery": way})
        return
    if way is not None and way["state"] == "held":
        say(
            f"{told['event']} is held back, since {ident} failed so often: once it is mended, "
            f"`onpaid subscribers resume {ident}` delivers at once.",
            "yellow",
        )
    elif way is None or not way["tries"]:
        say(f"{told['event']} is on its way: `onpaid subscribers show {ident}` tells what comes of it.")
    else:
        answer = "took it" if way["state"] == "delivered" else f"did not take it: {way['why']}"
        say(f"{ident} {answer} ({told['event']}).", "green" if way["state"] == "delivered" else "yellow")


def replay(
    ident: str, *, since: str, until: str | None, only: str | None, as_json: bool, reach: Reach = api
) -> None:
    """Deliver the events of a time once more."""
    body = {"since": since, "until": until or "", "type": only or ""}
    with reach() as ask:
        told = ask.post("subscribers", ident, "replay", body=body)
    _told(told, f"The replay began: `onpaid subscribers show {ident}` shows how it goes on.", as_json=as_json)


def _outcome(ask: Api, ident: str, event: str) -> Json | None:
    """The newest delivery of the event, once it was tried; or as it is after a few looks."""
    found: Json | None = None
    for _ in range(TRIES):
        rows = ask.get("subscribers", ident, "deliveries", limit=20)["items"]
        found = next((row for row in rows if row["event"] == event), None)
        if not ask.served or (found is not None and (found["tries"] or found["state"] == "held")):
            break
        time.sleep(1.0)
    return found


def _line(event: Json, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(event["body"]).decode() + "\n")
        sys.stdout.flush()
        return
    whose = event["customer"] or event["subject"]
    say(f"{when(event['published'])}  {event['type']:<28} {whose} #{event['sequence']}  {event['subject']}")


def _told(told: Json, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        say(sentence)


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeError) as wrong:
        raise InvalidInput(f"the secret cannot be read from {file}: {type(wrong).__name__}") from None
