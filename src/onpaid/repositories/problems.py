"""Problems: how many tickets each has had, which were the first, and which issue people work on.

A ticket is counted in the same commit that records its filing, so a count is never off, whoever dies when; the fact
that it is worth telling of is part of that commit too. The record is the first guard against a second issue: a search
at the tracker trails behind, this does not.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.problems import MOST_IDS, ProblemSeen, worth_telling
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store
from onpaid.store.records import Kind, Records


class Problem(msgspec.Struct, omit_defaults=True):
    """What is known of one problem. `issue` is that of the present generation, empty until it is there."""

    fingerprint: str
    environment: str
    category: str
    severity: str
    title: str
    tickets: int
    first: list[str]
    first_at: Instant
    last_at: Instant
    generation: int = 1
    issue: str = ""


class Counted(msgspec.Struct, frozen=True):
    """Which ticket of its problem this one is, and whether people are told of it."""

    count: int
    telling: bool


class Standing(msgspec.Struct, frozen=True):
    """A problem as a report finds it: which generation of issue is meant, the first tickets, and how many there are."""

    generation: int
    tickets: list[str]
    count: int


PROBLEMS = Kind(
    "problem",
    Problem,
    key=lambda problem: problem.fingerprint,
    entries=lambda problem: [Entry("all", "", problem.last_at)],
)


class Problems:
    """The problems of a store. `environment` tells production's problems from staging's."""

    def __init__(self, store: Store, *, environment: str = "production") -> None:
        self._store = store
        self.environment = environment

    @act(local=True)
    async def count(self, seen: ProblemSeen, at: Instant, report: bool) -> Local[Counted]:
        """Count a ticket under its problem; where it is worth telling of and `report` says so, a report starts."""
        held = await PROBLEMS.get(self._store, seen.fingerprint)
        if held is None:
            silent = timedelta()
            problem = Problem(
                fingerprint=seen.fingerprint,
                environment=seen.environment,
                category=seen.category,
                severity=seen.severity,
                title=seen.title,
                tickets=1,
                first=[seen.ticket],
                first_at=at,
                last_at=at,
            )
        else:
            problem = held.record
            silent = timedelta(milliseconds=max(0, at - problem.last_at))
            problem.tickets, problem.last_at = problem.tickets + 1, max(problem.last_at, at)
            if len(problem.first) < MOST_IDS:
                problem.first.append(seen.ticket)
        telling = worth_telling(problem.tickets, silent)
        told = msgspec.structs.replace(seen, count=problem.tickets)
        return Done(
            Counted(problem.tickets, telling),
            (PROBLEMS.insert(problem) if held is None else PROBLEMS.update(problem, held.version),),
            facts=(told,) if telling and report else (),
        )

    @act(local=True)
    async def standing(self, fingerprint: str) -> Local[Standing]:
        """How a problem stands now."""
        problem = await self.get(fingerprint)
        if problem is None:  # a restored database may have forgotten it
            return Done(Standing(1, [], 0))
        return Done(Standing(problem.generation, problem.first, problem.tickets))

    @act(local=True)
    async def next_generation(self, fingerprint: str, closed: int) -> Local[int]:
        """The generation after the one whose issue was closed: the same for everybody who finds it closed."""
        held = await PROBLEMS.get(self._store, fingerprint)
        if held is None or held.record.generation > closed:
            return Done(closed + 1 if held is None else held.record.generation)
        held.record.generation, held.record.issue = closed + 1, ""
        return Done(closed + 1, (PROBLEMS.update(held.record, held.version),))

    @act(local=True)
    async def note_issue(self, fingerprint: str, generation: int, issue: str) -> Local[bool]:
        """Note the issue of a generation. Answers whether that generation is still the present one."""
        held = await PROBLEMS.get(self._store, fingerprint)
        if held is None or held.record.generation != generation:
            return Done(False)
        held.record.issue = issue
        return Done(True, (PROBLEMS.update(held.record, held.version),))

    async def get(self, fingerprint: str) -> Problem | None:
        """One problem, or None."""
        held = await PROBLEMS.get(self._store, fingerprint)
        return None if held is None else held.record

    async def newest(self, *, after: str | None = None, limit: int = 50) -> Records[Problem]:
        """Problems, the one with the latest ticket first."""
        return await PROBLEMS.query(self._store, "all", "", after=after, limit=limit)
