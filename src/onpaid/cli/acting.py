"""The commands that act: each through the API, so that it counts the same with a running server or without."""

from __future__ import annotations

from typing import Any

import msgspec

from onpaid.cli.output import print_json, say
from onpaid.cli.reach import Json, api
from onpaid.errors import InvalidInput


def retry(run: str, *, as_json: bool) -> None:
    """Try a run again."""
    _run_act(run, "retry", {}, "is tried again", as_json=as_json)


def settle(run: str, *, step: str, attempt: int, done: bool, result: str | None, as_json: bool) -> None:
    """Settle a doubt. Raises InvalidInput for a result that is no JSON."""
    body: Json = {"step": step, "attempt": attempt, "done": done}
    if done and result is None:
        raise InvalidInput(
            'say what the step\'s result is: --result \'{"invoice_id": 42, "count": 1}\', for example'
        )
    if result is not None:
        body["result"] = _json(result)
    _run_act(run, "settle", body, f"goes on: “{step}” was {'done' if done else 'not done'}", as_json=as_json)


def cancel(run: str, *, why: str, as_json: bool) -> None:
    """End a run without finishing it."""
    _run_act(run, "cancel", {"why": why}, "is cancelled", as_json=as_json)


def _run_act(run: str, verb: str, body: Json, said: str, *, as_json: bool) -> None:
    with api() as ask:
        told = ask.post("runs", run, verb, body=body)
    if as_json:
        print_json(told)
    else:
        say(f"{run} {said} ({told['state']}).")


def replay(key: str, *, as_json: bool) -> None:
    """Judge an event again."""
    with api(whole=True) as ask:
        told = ask.post("events", key, "replay")
    if as_json:
        print_json(told)
    else:
        why = f": {told['reason']}" if told.get("reason") else ""
        say(f"{key} is {told['verdict']}{why}.")


def close_ticket(ticket: str, *, as_json: bool) -> None:
    """Put a ticket away."""
    with api() as ask:
        told = ask.post("tickets", ticket, "close")
    if as_json:
        print_json(told)
    else:
        say(f"{ticket} is closed.")


def pause(lane: str, *, why: str, as_json: bool) -> None:
    """Pause a lane."""
    with api() as ask:
        told = ask.post("lanes", lane, "pause", body={"why": why})
    _lane_told(
        told,
        f"{lane} is paused: no call leaves on it. `onpaid lanes resume {lane}` opens it.",
        as_json=as_json,
    )


def resume(lane: str, *, as_json: bool) -> None:
    """Open a lane again."""
    with api() as ask:
        told = ask.post("lanes", lane, "resume")
    runs = "1 run goes on" if told["woken"] == 1 else f"{told['woken']} runs go on"
    _lane_told(told, f"{lane} is open; {runs}.", as_json=as_json)


def _lane_told(told: Json, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        say(said)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as bad:
        raise InvalidInput(
            f"--result is not JSON ({bad}): quote it, such as '{{\"invoice_id\": 42}}'"
        ) from None
