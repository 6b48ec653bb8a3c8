"""Proofs over the API: begin one, work on it for some seconds at a time, read its verdict and its orders.

A proof of many orders takes minutes, and no request does: whoever waits for it asks `go-on` again and again, which
works on it for a few seconds. Where nobody asks, the service's own chore works on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from onpaid.app.proofs_shown import LineList, ProofList, ProofShown, lines_shown, proof_shown
from onpaid.app.proving import A_WHILE, Prover
from onpaid.domain.periods import period
from onpaid.errors import InvalidInput
from onpaid.repositories.proofs import Proof
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import body_of
from onpaid.web.parameters import CURSOR, Parameter, limit
from onpaid.web.table import Ask, Door, NotThere

SHOWN = ("off", "all")
MOST_SECONDS: Final = round(A_WHILE.total_seconds())


class ProofWanted(msgspec.Struct, forbid_unknown_fields=True):
    """The period to prove: a day, a moment, or how long ago (`7d`); by default the last week until now."""

    since: str = ""
    until: str = ""


class GoOn(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds to work on it, at most twelve."""

    seconds: int = MOST_SECONDS


def prover_of(ask: Ask) -> Prover:
    """The prover. Raises NotThere where none is set up."""
    if ask.parts.prover is None:
        raise NotThere("nothing can be proven here: no provider is set up")
    return ask.parts.prover


async def proof_of(ask: Ask, ident: str) -> Proof:
    """A proof by its id. Raises NotThere."""
    held = await prover_of(ask).proofs.get(ident)
    if held is None:
        raise NotThere("there is no proof of this id")
    return held.record


async def begun(ask: Ask, since: str, until: str) -> Proof:
    """A new proof of the period that these texts mean. Raises InvalidInput."""
    prover = prover_of(ask)
    first, last = period(since.strip()[:40], until.strip()[:40], ask.parts.clock.now(), prover.zone)
    return await prover.begin(first, last, by=ask.caller.by)


async def begin(ask: Ask) -> Response:
    wanted = body_of(ask, ProofWanted)
    return json_answer(proof_shown(await begun(ask, wanted.since, wanted.until)), 202)


async def go_on(ask: Ask) -> Response:
    seconds = body_of(ask, GoOn).seconds
    if not 1 <= seconds <= MOST_SECONDS:
        raise InvalidInput(f"seconds must be from 1 to {MOST_SECONDS}")
    moved = await prover_of(ask).advance(ask.named("id"), timedelta(seconds=seconds))
    if moved is None:
        raise NotThere("there is no proof of this id")
    return json_answer(proof_shown(moved))


async def newest(ask: Ask) -> Response:
    ended = await prover_of(ask).proofs.in_state("ended", 1)
    if not ended:
        raise NotThere("no proof has ended yet: begin one with POST /api/proofs")
    return json_answer(proof_shown(ended[0]))


async def proofs(ask: Ask) -> Response:
    page = await prover_of(ask).proofs.newest(after=ask.given["cursor"] or None, limit=ask.given["limit"])
    return json_answer(ProofList([proof_shown(each) for each in page.items], page.cursor))


async def proof(ask: Ask) -> Response:
    return json_answer(proof_shown(await proof_of(ask, ask.named("id"))))


async def lines(ask: Ask) -> Response:
    found = await proof_of(ask, ask.named("id"))
    off_only = ask.given["show"] == "off"
    return json_answer(
        await lines_shown(prover_of(ask).proofs, found, ask.given["cursor"], off_only=off_only)
    )


DOORS = (
    Door(
        "GET",
        "/api/proof",
        newest,
        "viewer",
        "The newest proof that has ended.",
        answers=ProofShown,
        statuses=(404,),
    ),
    Door(
        "GET",
        "/api/proofs",
        proofs,
        "viewer",
        "Proofs, newest first.",
        takes=(CURSOR, limit(20, 100)),
        answers=ProofList,
        statuses=(404,),
    ),
    Door(
        "POST",
        "/api/proofs",
        begin,
        "operator",
        "Begin to prove a period: what was paid against what exists at the providers.",
        body=ProofWanted,
        answers=ProofShown,
        statuses=(400, 404),
        status=202,
    ),
    Door(
        "GET",
        "/api/proofs/{id}",
        proof,
        "viewer",
        "One proof: verdict, totals, and how far it is.",
        answers=ProofShown,
        statuses=(404,),
    ),
    Door(
        "POST",
        "/api/proofs/{id}/go-on",
        go_on,
        "operator",
        "Work on a proof for some seconds; one that somebody else works at is answered as it is.",
        body=GoOn,
        answers=ProofShown,
        statuses=(400, 404),
    ),
    Door(
        "GET",
        "/api/proofs/{id}/orders",
        lines,
        "viewer",
        "The orders of a proof, with findings: those that are off first.",
        takes=(Parameter("show", "Only orders that are off, or all.", SHOWN, default="all"), CURSOR),
        answers=LineList,
        statuses=(404,),
    ),
)
