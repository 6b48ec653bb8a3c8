"""What our client sends Jira, held against Jira's own interface document.

The document lies beside the project and not in it: without it these tests are skipped, and say so.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import pytest
from msgspec.structs import replace

from onpaid.errors import Unavailable
from tests.providers.scripted import Request, reply
from tests.providers.test_jira import MARKER, ME, TICKET, comments, created, hits, jira, refusal, status

SPEC = Path(__file__).parents[2].parent / "shared" / "specs" / "jira_issues.mock.json"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPEC.is_file(), reason=f"the interface document is not at {SPEC}"),
]


class JiraDocument:
    """The document, read strictly: unknown paths and parameters are refused, and unknown fields where it closes."""

    def __init__(self) -> None:
        self.spec: Any = json.loads(SPEC.read_text(encoding="utf-8"))

    def check(self, request: Request) -> str:
        """The operation that a request is for; an AssertionError or ValidationError if it is no proper one."""
        target = urlsplit(request.target)
        path = next(path for path in self.spec["paths"] if self._fits(path, target.path))
        operation = self.spec["paths"][path][request.method.lower()]
        known = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
        for name, value in parse_qsl(target.query, strict_parsing=bool(target.query)):
            schema = known[name]["schema"]
            read: Any = json.loads(value) if schema["type"] in ("integer", "boolean") else value
            jsonschema.validate(read.split(",") if schema["type"] == "array" else read, schema)
        if "requestBody" in operation:
            assert request.headers["content-type"] == "application/json"
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(request.json(), {**schema, "components": self.spec["components"]})
        else:
            assert request.body == b""
        assert re.fullmatch(r"Basic [A-Za-z0-9+/=]+", request.headers["authorization"])
        return f"{request.method} {path}"

    def _fits(self, path: str, target: str) -> bool:
        return re.fullmatch(re.sub(r"\{\w+\}", r"[A-Z]+-\\d+", path), unquote(target)) is not None


@pytest.fixture(scope="module")
def document() -> JiraDocument:
    return JiraDocument()


async def test_what_jira_is_sent(document: JiraDocument) -> None:
    odd = replace(
        TICKET, title="two\nlines \x00" * 40, facts={}, order=None, run=None, environment="", times=64
    )
    async with jira(
        created(),
        refusal(priority="not on the screen"),
        created(),
        hits("OPS-24"),
        status("done"),
        ME,
        status("new"),
        reply(201, {"id": "1"}),
        comments(total=1),
        ME,
        priorities={"high": "High"},
    ) as (tracker, server):
        await tracker.create_issue(TICKET)
        with pytest.raises(Unavailable):
            await tracker.create_issue(odd)
        await tracker.create_issue(odd)
        await tracker.find_issue(TICKET)
        await tracker.issue_is_open("OPS-24")
        await tracker.comment("OPS-24", MARKER, "2 tickets so far\n\nand a line")
        await tracker.find_comment("OPS-24", MARKER, "")
        await tracker.doctor()
        operations = {document.check(request) for request in server.requests}
        assert not server.replies
    issue = "/rest/api/3/issue/{issueIdOrKey}"
    assert operations == {
        "POST /rest/api/3/issue",
        "POST /rest/api/3/search/jql",
        f"GET {issue}",
        f"POST {issue}/comment",
        f"GET {issue}/comment",
        "GET /rest/api/3/myself",
    }


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/rest/api/3/issue", {"fields": {"project": {"key": "OPS"}, "summary": "no type"}}),
        (
            "POST",
            "/rest/api/3/issue",
            {
                "fields": {
                    "project": {"key": "OPS"},
                    "issuetype": {"name": "Bug"},
                    "summary": "x",
                    "description": "plain text",
                }
            },
        ),
        ("POST", "/rest/api/3/search/jql", {"jql": "project = OPS", "startAt": 0}),
        ("POST", "/rest/api/3/search", {"jql": "project = OPS"}),
        ("POST", "/rest/api/3/issue/OPS-1/comment", {"body": "plain text"}),
        ("GET", "/rest/api/3/issue/OPS-1/comment?orderBy=newest", None),
        ("GET", "/rest/api/3/issue/OPS-1?unknown=1", None),
    ],
)
def test_the_check_would_notice(document: JiraDocument, method: str, target: str, body: Any) -> None:
    """The control: what the document does not allow is found."""
    headers = {"content-type": "application/json", "authorization": "Basic eA=="}
    request = Request(method, target, headers, b"" if body is None else json.dumps(body).encode())
    with pytest.raises((jsonschema.ValidationError, KeyError, StopIteration)):
        document.check(request)
