"""A problem gets its issue, one for each generation: a run of its own, so that there is never a second one."""

from __future__ import annotations

from onpaid.domain.problems import IssueWanted, ProblemSeen
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.trackers import IssueTracker
from onpaid.repositories.problems import Problems


@flow(
    on=IssueWanted,
    key=lambda wanted: f"{wanted.seen.fingerprint}/{wanted.generation}",
    about=lambda wanted: [f"problem:{wanted.seen.fingerprint}"],
    same=lambda one, other: True,
)
async def open_issue(
    ctx: Context, wanted: IssueWanted, *, problems: Problems, tracker: IssueTracker
) -> TicketRef:
    seen = wanted.seen
    ticket = _ticket(seen)
    issue = await ctx.step("create issue", tracker.create_issue, ticket, find=tracker.find_issue)
    await ctx.step("note issue", problems.note_issue, seen.fingerprint, wanted.generation, issue.reference)
    return issue


def _ticket(seen: ProblemSeen) -> FiledTicket:
    return FiledTicket(
        id=seen.ticket,
        category=seen.category,
        severity=seen.severity,
        title=seen.title,
        facts=seen.facts,
        opened_at=seen.opened_at,
        run=seen.run,
        order=seen.order,
        environment=seen.environment,
        fingerprint=seen.fingerprint,
        times=seen.count,
    )
