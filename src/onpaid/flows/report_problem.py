"""An issue tracker hears of a problem: its first ticket opens an issue, further ones are comments with the count.

The issue is opened by a run of its own, for which every report waits: one open issue for a problem, however many
reports meet and however long the tracker was away. An issue that people closed is not opened again: the next one is.
"""

from __future__ import annotations

from onpaid.domain.problems import IssueWanted, ProblemSeen
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles import TicketRef
from onpaid.providers.trackers import IssueTracker
from onpaid.repositories.problems import Problems, Standing


@flow(
    on=ProblemSeen,
    key=lambda seen: f"{seen.fingerprint}/{seen.count}",
    about=lambda seen: [f"problem:{seen.fingerprint}"],
    same=lambda one, other: True,
)
async def report_problem(
    ctx: Context, seen: ProblemSeen, *, problems: Problems, tracker: IssueTracker
) -> TicketRef:
    standing = await ctx.step("read problem", problems.standing, seen.fingerprint)
    issue = await ctx.call("open issue", IssueWanted(standing.generation, seen), TicketRef)
    if seen.count == 1:
        return issue
    if not await ctx.step("see issue", tracker.issue_is_open, issue.reference):
        generation = await ctx.step(
            "next issue", problems.next_generation, seen.fingerprint, standing.generation
        )
        issue = await ctx.call("open next issue", IssueWanted(generation, seen), TicketRef)
    return await ctx.step(
        "comment",
        tracker.comment,
        issue.reference,
        f"[onpaid {seen.fingerprint}/{seen.count}]",
        _comment(seen, standing),
        find=tracker.find_comment,
    )


def _comment(seen: ProblemSeen, standing: Standing) -> str:
    """How often by now, and which tickets."""
    known = standing.tickets[: seen.count]
    more = seen.count - len(known)
    ids = ", ".join(known) + (f" and {more} more, in the ticket log" if more else "")
    return f"{seen.count} tickets of this problem so far, the latest at {seen.opened_at}.\nTickets: {ids}"
