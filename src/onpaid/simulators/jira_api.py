"""Jira's REST API, version 3, over the issues: who calls is checked, bodies are read strictly.

Who shows no credentials is a stranger: some paths then answer as though there were nothing. The old search is
gone.
"""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators.door import Door, render
from onpaid.simulators.jira import ISSUE_TYPES, Jira, Refused, transitions
from onpaid.simulators.jira_bodies import creation_of, object_of, page_of, search_of
from onpaid.simulators.jira_search import token_at
from onpaid.simulators.jira_shapes import Shapes, paged
from onpaid.simulators.kit import Answer
from onpaid.simulators.plan import Trouble
from onpaid.simulators.switches import Endpoint, switch_routes, unless_down
from onpaid.simulators.world import Simulators

API: Final = "/jira/rest/api/3"
GONE: Final = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
Act = Callable[[Request, Any], Callable[[], Answer]]


class JiraApi:
    """The routes under `/jira`. Each act reads the call at once, and returns what it will do."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings = simulators.settings
        self._times = simulators.settings.times
        self._jira: Jira = simulators.jira
        plan, clock, landing = simulators.plan, simulators.clock, simulators.landing
        self._door = Door("jira", plan, clock, self._times, landing)
        login = f"{self._settings.jira_email}:{self._settings.jira_token}"
        self._login = "Basic " + base64.b64encode(login.encode()).decode()

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Act]] = [
            ("GET", "/myself", self._myself),
            ("POST", "/issue", self._create),
            ("GET", "/issue/createmeta/{project}/issuetypes", self._types),
            ("GET", "/issue/createmeta/{project}/issuetypes/{kind}", self._screen),
            ("GET", "/issue/{issue}", self._issue),
            ("DELETE", "/issue/{issue}", self._delete),
            ("GET", "/issue/{issue}/comment", self._comments),
            ("POST", "/issue/{issue}/comment", self._comment),
            ("GET", "/issue/{issue}/transitions", self._transitions),
            ("POST", "/issue/{issue}/transitions", self._move),
            ("GET", "/issue/{issue}/properties/{property}", self._property),
            ("POST", "/search/jql", self._search),
        ]
        known = [
            Route(f"{API}{path}", self._open(f"{method} {path}", act), methods=[method])
            for method, path, act in table
        ]
        old = [
            Route(f"/jira/rest/api/{version}/search", _gone, methods=["GET", "POST"]) for version in (2, 3)
        ]
        return [*switch_routes("jira", self._jira), *known, *old]

    def _open(self, operation: str, act: Act) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            shown = request.headers.get("authorization")
            stranger = shown is None and (operation == "POST /search/jql" or "/issue/{issue}" in operation)
            if shown != self._login and not stranger:
                told = {"message": "Client must be authenticated to access this resource."}
                return render(Answer(401, {**told, "status-code": 401}))
            raw = await request.body()
            try:
                if stranger:
                    return render(self._unknown(operation))
                effect = act(request, json.loads(raw) if request.method == "POST" else None)
            except Refused as refused:
                return render(Answer(refused.status, refused.body))
            except ValueError:
                return render(Answer(400, Refused(None, "There was an error parsing JSON.").body))

            def landing(_trouble: Trouble | None) -> Answer:
                try:
                    return effect()
                except Refused as refused:
                    return Answer(refused.status, refused.body)

            key = f"{request.url.path}?{request.url.query} {raw.decode(errors='replace')}"
            writes = request.method != "GET" and "search" not in operation
            return await self._door.answer(
                request, operation, key, landing, writes=writes, refusal=self._broken
            )

        return unless_down(self._jira, endpoint)

    def _unknown(self, operation: str) -> Answer:
        if operation == "POST /search/jql":
            return Answer(200, {"issues": [], "isLast": True})
        raise Refused(None, "Issue does not exist or you do not have permission to see it.", status=404)

    def _broken(self, trouble: Trouble) -> Answer:
        retry = {"Retry-After": str(self._times.retry_after)}
        if trouble.status == 429:
            limits = {"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "0"}
            headers = {**retry, **limits, "RateLimit-Reason": "jira-burst-based"}
            return Answer(429, Refused(None, "Rate limit exceeded.").body, headers)
        return Answer(trouble.status, Refused(None, "Service Unavailable").body, retry)

    def _shapes(self, request: Request) -> Shapes:
        site = f"{request.url.scheme}://{request.url.netloc}/jira"
        return Shapes(site, self._settings.jira_project)

    def _myself(self, request: Request, _body: Any) -> Callable[[], Answer]:
        return lambda: Answer(200, self._shapes(request).myself(self._settings.jira_email))

    def _create(self, request: Request, body: Any) -> Callable[[], Answer]:
        fields, properties = creation_of(body)
        return lambda: Answer(201, self._shapes(request).created(self._jira.create(fields, properties)))

    def _issue(self, request: Request, _body: Any) -> Callable[[], Answer]:
        asked = request.query_params.get("fields", "*all").split(",")

        def effect() -> Answer:
            issue = self._jira.find(request.path_params["issue"])
            return Answer(200, self._shapes(request).issue(issue, issue.status, asked))

        return effect

    def _delete(self, request: Request, _body: Any) -> Callable[[], Answer]:
        def effect() -> Answer:
            self._jira.delete(request.path_params["issue"])
            return Answer(204)

        return effect

    def _comments(self, request: Request, _body: Any) -> Callable[[], Answer]:
        start, most = page_of(request, 100)
        newest = request.query_params.get("orderBy", "created")
        if newest not in ("created", "+created", "-created"):
            raise Refused(None, f"Invalid orderBy: {newest}")

        def effect() -> Answer:
            issue, shapes = self._jira.find(request.path_params["issue"]), self._shapes(request)
            found = [shapes.comment(issue, comment) for comment in issue.comments]
            return Answer(200, paged("comments", found[::-1] if newest[0] == "-" else found, start, most))

        return effect

    def _comment(self, request: Request, body: Any) -> Callable[[], Answer]:
        given = object_of(body, {"body", "visibility", "properties"})

        def effect() -> Answer:
            made = self._jira.comment(request.path_params["issue"], given.get("body"))
            issue = self._jira.find(request.path_params["issue"])
            return Answer(201, self._shapes(request).comment(issue, made))

        return effect

    def _transitions(self, request: Request, _body: Any) -> Callable[[], Answer]:
        find, shapes = self._jira.find, self._shapes(request)
        return lambda: Answer(200, shapes.transitions(find(request.path_params["issue"])))

    def _move(self, request: Request, body: Any) -> Callable[[], Answer]:
        given = object_of(body, {"transition", "fields", "update", "historyMetadata", "properties"})
        wanted = object_of(given.get("transition"), {"id", "name"}).get("id")

        def effect() -> Answer:
            issue = self._jira.find(request.path_params["issue"])
            status = transitions(issue.status).get(str(wanted))
            if status is None:
                raise Refused(None, f"Transition id '{wanted}' is not valid for this issue.")
            self._jira.move(issue.key, status)
            return Answer(204)

        return effect

    def _property(self, request: Request, _body: Any) -> Callable[[], Answer]:
        def effect() -> Answer:
            issue, name = self._jira.find(request.path_params["issue"]), request.path_params["property"]
            if name not in issue.properties:
                raise Refused(None, f"The property {name} does not exist.", status=404)
            return Answer(200, {"key": name, "value": issue.properties[name]})

        return effect

    def _types(self, request: Request, _body: Any) -> Callable[[], Answer]:
        self._check_project(request)
        start, most = page_of(request, 50)
        return lambda: Answer(200, paged("issueTypes", self._shapes(request).issue_types(), start, most))

    def _screen(self, request: Request, _body: Any) -> Callable[[], Answer]:
        self._check_project(request)
        start, most = page_of(request, 50)
        if request.path_params["kind"] not in ISSUE_TYPES:
            raise Refused(None, "The issue type could not be found.", status=404)

        def effect() -> Answer:
            fields = [self._shapes(request).field(name) for name in self._jira.screen()]
            return Answer(200, paged("fields", fields, start, most))

        return effect

    def _check_project(self, request: Request) -> None:
        if request.path_params["project"] not in (self._settings.jira_project, "10000"):
            raise Refused(None, "No project could be found with that key or id.", status=404)

    def _search(self, request: Request, body: Any) -> Callable[[], Answer]:
        wanted = search_of(body)

        def effect() -> Answer:
            found, shapes = self._jira.search(wanted.query, wanted.reconciled), self._shapes(request)
            asked, end = wanted.fields, wanted.start + wanted.most
            shown = [
                shapes.issue(issue, status, asked) if asked else {"id": issue.ident}
                for issue, status in found[wanted.start : end]
            ]
            last = end >= len(found)
            further = {} if last else {"nextPageToken": token_at(end)}
            return Answer(200, {"issues": shown, "isLast": last, **further})

        return effect


async def _gone(_request: Request) -> Response:
    return render(Answer(410, Refused(None, GONE).body))
