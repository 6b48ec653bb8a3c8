"""Jira Cloud: the issues that people work on, over its REST API, version 3.

What it is: an issue tracker; one open issue for each problem, comments with the count, never one issue for each ticket.
How a thing is found again: an issue by the label of its problem's fingerprint, among those that are not done; Jira's
search trails behind its own writes by up to minutes, so an absence counts after three. A hit is looked at once more,
since the search may show as open what is closed by now. A comment by a marker in its text, in the issue's own list.
Its limits: bursts (429 with Retry-After, honoured). No idempotency key. A field that the project's create screen lacks
is refused: one that an issue can do without is left out from then on, by the next attempt and not by this one.
How it signs: we sign in with a user's address and API token, which expires after a year at most. With a wrong token
some paths answer as though nothing were there; so wherever nothing is found, Jira is asked who we are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act
from onpaid.domain.problems import SEVERITIES
from onpaid.errors import ProviderError, SettingsError, Unavailable
from onpaid.providers import jira_wire as wire
from onpaid.providers.answers import failure
from onpaid.providers.http import Http
from onpaid.providers.jira_adf import LONGEST, cut, document
from onpaid.providers.roles import FiledTicket, TicketRef

LANE = "jira"
TIMEOUT = timedelta(seconds=20)
SETTLES = timedelta(minutes=3)
API = ("rest", "api", "3")
MOST_COMMENTS = 500
PAGE = 100


@dataclass(frozen=True)
class Settings:
    """`base_url` is the site (https://shop.atlassian.net), or https://api.atlassian.com/ex/jira/<cloud id> for a scoped
    token. `priorities` maps our severities to the site's names; a severity without a name goes without a priority."""

    base_url: str
    email: str
    api_token: str = field(repr=False)
    project: str
    issue_type: str = "Bug"
    priorities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,254}", self.project):
            raise SettingsError("JIRA_PROJECT is the project's key, in capitals, such as OPS")
        login = f"{self.email}{self.api_token}"
        plain = login.isascii() and login.isprintable() and " " not in login
        if not plain or not self.api_token or "@" not in self.email or ":" in self.email:
            raise SettingsError("JIRA_EMAIL and JIRA_API_TOKEN are a user's address and a token of theirs")
        if not self.issue_type.strip():
            raise SettingsError("JIRA_ISSUE_TYPE is the name of an issue type, such as Bug")
        unknown = sorted(set(self.priorities) - set(SEVERITIES))
        if unknown:
            raise SettingsError(
                f"JIRA_PRIORITIES names {', '.join(unknown)}; ours are {', '.join(SEVERITIES)}"
            )


class Jira:
    """An IssueTracker."""

    lanes = (LaneLimit(LANE, at_once=2, per_second=5),)
    lane = LANE
    present = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        login = f"{settings.email}:{settings.api_token}".encode()
        self._private = (settings.api_token, settings.email)
        self._http = Http(
            "Jira",
            settings.base_url,
            headers={"Authorization": f"Basic {base64.b64encode(login).decode()}"},
            explain=wire.explain,
        )
        self._without: set[str] = set()

    @act(lane=LANE, timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_issue(self, ticket: FiledTicket) -> TicketRef:
        """Open an issue. Unavailable where a field was refused that it can do without: the next attempt omits it."""
        body = wire.issue(
            ticket,
            project=self.settings.project,
            issue_type=self.settings.issue_type,
            priorities=self.settings.priorities,
            without=self._without,
        )
        answer = await self._http.post(*API, "issue", json=body, accept=(400,), private=self._private)
        if answer.status == 400:
            refused = wire.refused_fields(answer) & set(body["fields"])
            if not refused:
                raise wire.explain(answer) or failure(answer)
            self._without |= refused
            raise Unavailable(
                f"Jira's project {self.settings.project} takes no {', '.join(sorted(refused))}: asked again without"
            )
        return TicketRef(answer.read(wire.Created).key)

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_issue(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """The oldest issue with the label of the ticket's problem that is open now."""
        body = wire.search(ticket, self.settings.project)
        answer = await self._http.post(*API, "search", "jql", json=body, private=self._private)
        wanted = wire.label("fp", ticket.fingerprint)
        for hit in answer.read(wire.Hits).issues:
            labelled = wanted in [each.lower() for each in hit.fields.labels]
            if labelled and await self._open(hit.key):
                return Found(TicketRef(hit.key))
        await self._must_know_us()
        return Absent()

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def issue_is_open(self, reference: str) -> bool:
        """Whether the issue is there and its status is none of those that mean done."""
        return await self._open(reference)

    @act(lane=LANE, timeout=TIMEOUT)
    async def comment(self, reference: str, marker: str, text: str) -> TicketRef:
        """Add a comment that ends with the marker."""
        body = {"body": document(f"{cut(text, LONGEST - len(marker) - 1)}\n{marker}")}
        answer = await self._http.post(*API, "issue", reference, "comment", json=body, private=self._private)
        return TicketRef(f"{reference}#{answer.read(wire.Comment).id}")

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_comment(self, reference: str, marker: str, text: str) -> Finding[TicketRef]:
        """The comment with the marker, among the newest."""
        seen = 0
        while seen < MOST_COMMENTS:
            answer = await self._http.get(
                *API,
                "issue",
                reference,
                "comment",
                params={"startAt": seen, "maxResults": PAGE, "orderBy": "-created"},
                private=self._private,
            )
            page = answer.read(wire.Comments)
            for comment in page.comments:
                if marker in comment.text:
                    return Found(TicketRef(f"{reference}#{comment.id}"))
            seen += len(page.comments)
            if not page.comments or seen >= page.total:
                return Absent()
        return Unsure(f"{reference} has more than {MOST_COMMENTS} comments that are newer")

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._must_know_us()
        except ProviderError as error:
            return [f"Jira: {error}"]
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def _open(self, key: str) -> bool:
        answer = await self._http.get(
            *API, "issue", key, params={"fields": "status"}, accept=(404,), private=self._private
        )
        if answer.status == 404:
            await self._must_know_us()
            return False
        status = answer.read(wire.Issue).fields.status
        return status is None or status.status_category.key != "done"

    async def _must_know_us(self) -> None:
        """Raise Unauthorised if Jira takes us for a stranger: to strangers, everything is absent."""
        await self._http.get(*API, "myself", private=self._private)
