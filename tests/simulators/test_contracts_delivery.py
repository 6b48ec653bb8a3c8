"""Answers and webhooks of the message services and of Jira, held against the published documents at hand."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from tests.simulators import test_meta, test_twilio
from tests.simulators.jira_kit import JQL, document, fields, jira, login
from tests.simulators.kit import Receiver, Said, Start

SPECS: Final = Path(__file__).parents[2].parent / "shared" / "specs"
META: Final = "/{Version}/{Phone-Number-ID}/messages"
MESSAGES: Final = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MESSAGE: Final = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
ISSUE: Final = "/rest/api/3/issue"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the providers' interface documents are not at {SPECS}"),
]


class Document:
    """One OpenAPI document. What it lets be null is let be null in JSON Schema's words."""

    def __init__(self, name: str) -> None:
        self.spec: Any = _nullable(json.loads((SPECS / f"{name}.mock.json").read_text(encoding="utf-8")))

    def validate(self, body: Any, schema: Any) -> None:
        whole = {**schema, "components": self.spec["components"]}
        checker = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
        checker.validate(body)

    def check(self, method: str, path: str, said: Said) -> Any:
        """The answer, if the document knows its status and has it look like that."""
        responses = self.spec["paths"][path][method.lower()]["responses"]
        assert str(said.status) in responses, f"{method} {path} answers {said.status}"
        content = responses[str(said.status)].get("content", {}).get("application/json")
        body = said.json if said.text else None
        if content is not None and body is not None:
            self.validate(body, content["schema"])
        return body

    def check_request(self, method: str, path: str, body: Any) -> None:
        content = self.spec["paths"][path][method.lower()]["requestBody"]["content"]
        [(_media, shape)] = content.items()
        self.validate(body, shape["schema"])

    def of(self, name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}


def _nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [_nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(value) for name, value in node.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


async def test_metas_messages_answers_and_webhooks(start: Start, receiver: Receiver) -> None:
    meta = Document("meta_whatsapp_messages")
    client = await start(target=receiver.base, pair_interval=0.0)
    suffix = {"type": "button", "sub_type": "url", "index": "0"}
    texts = test_meta.message()["template"]["components"]
    button = {**suffix, "parameters": [{"type": "text", "text": "x"}]}
    for body in (
        test_meta.message(),
        test_meta.message(components=[*texts, button]),
        test_meta.message(to="919000000000"),
    ):
        meta.check_request("POST", META, body)
        said = await test_meta.send(client, body)
        assert meta.check("POST", META, said)["messages"]
    refused = await test_meta.send(client, test_meta.message(components=[]))
    assert meta.check("POST", META, refused)["error"]["code"] == 132000
    assert meta.check("POST", META, await test_meta.send(client, token="x"))["error"]["code"] == 190
    for nth in range(20):
        await test_meta.send(client, test_meta.message(ref=f"m{nth}"))
    await client.simulators.settled()
    kinds = set()
    for _path, _headers, raw in receiver.got:
        told = json.loads(raw)
        for entry in told["entry"]:
            # What customers write is left out: the document has it in the form of what is sent to them.
            entry["changes"] = [each for each in entry["changes"] if "statuses" in each["value"]]
            for change in entry["changes"]:
                meta.validate(change["value"], meta.of("StatusMessageValue"))
                kinds |= {status["status"] for status in change["value"]["statuses"]}
        meta.validate(told, meta.of("WebhookPayload"))
    assert kinds == {"sent", "delivered", "read", "failed"}


async def test_twilios_messages_and_lists(start: Start) -> None:
    twilio = Document("twilio_messages")
    client = await start()
    made = await test_twilio.send(client)
    twilio.check_request("POST", MESSAGES, test_twilio.form())
    told = twilio.check("POST", MESSAGES, made)
    published = twilio.spec["components"]["schemas"]["api.v2010.account.message"]["properties"]
    assert set(told) == set(published)
    await test_twilio.send(client, To="whatsapp:+919000000000")
    await client.simulators.settled()
    base = test_twilio.BASE
    one = await client.call("GET", f"{base}/Messages/{told['sid']}.json", headers=test_twilio.LOGIN)
    assert set(twilio.check("GET", MESSAGE, one)) == set(published)
    listed = await client.call("GET", f"{base}/Messages.json?PageSize=1", headers=test_twilio.LOGIN)
    shape = twilio.spec["paths"][MESSAGES]["get"]["responses"]["200"]["content"]["application/json"]
    assert set(twilio.check("GET", MESSAGES, listed)) == set(shape["schema"]["properties"])
    missing = await client.call("GET", f"{base}/Messages/SM{'0' * 32}.json", headers=test_twilio.LOGIN)
    assert twilio.check("GET", MESSAGE, missing)["code"] == 20404
    assert twilio.check("POST", MESSAGES, await test_twilio.send(client, To=""))["code"] == 21604


async def test_jiras_issues_comments_and_searches(start: Start) -> None:
    spec = Document("jira_issues")
    client = await start()

    async def checked(
        method: str, path: str, template: str, body: Any = None, **more: Any
    ) -> tuple[int, Any]:
        if body is not None:
            spec.check_request(method, template, body)
        said = await jira(client, method, path, body, **more)
        return said.status, spec.check(method, template, said)

    one = f"{ISSUE}/{{issueIdOrKey}}"
    status, made = await checked("POST", "/issue", ISSUE, {"fields": fields()})
    assert (status, made["key"]) == (201, "OPS-1")
    said = await jira(client, "POST", "/issue", {"fields": fields(colour="red")})
    spec.validate(spec.check("POST", ISSUE, said), spec.of("ErrorCollection"))
    assert (await checked("GET", "/issue/OPS-1", one))[0] == 200
    assert (await checked("GET", "/issue/OPS-9", one))[0] == 404
    assert (await checked("GET", "/myself", "/rest/api/3/myself"))[0] == 200
    assert (await checked("GET", "/myself", "/rest/api/3/myself", headers=login("x")))[0] == 401
    comments = f"{one}/comment"
    assert (await checked("POST", "/issue/OPS-1/comment", comments, {"body": document("x")}))[0] == 201
    assert (await checked("GET", "/issue/OPS-1/comment", comments))[1]["total"] == 1
    moves = f"{one}/transitions"
    ways = (await checked("GET", "/issue/OPS-1/transitions", moves))[1]["transitions"]
    moved = {"transition": {"id": ways[0]["id"]}}
    assert (await checked("POST", "/issue/OPS-1/transitions", moves, moved))[0] == 204
    for asked in ({"fields": ["*all"], "reconcileIssues": [10000]}, {"reconcileIssues": [10000]}):
        searched = await checked("POST", "/search/jql", "/rest/api/3/search/jql", {"jql": JQL, **asked})
        assert len(searched[1]["issues"]) == 1
    types = f"{ISSUE}/createmeta/{{projectIdOrKey}}/issuetypes"
    kinds = (await checked("GET", "/issue/createmeta/OPS/issuetypes", types))[1]["issueTypes"]
    screen = f"/issue/createmeta/OPS/issuetypes/{kinds[0]['id']}"
    assert (await checked("GET", screen, f"{types}/{{issueTypeId}}"))[1]["fields"]
    kept = [{"key": "onpaid", "value": 1}]
    await jira(client, "POST", "/issue", {"fields": fields(), "properties": kept})
    value = await checked("GET", "/issue/OPS-2/properties/onpaid", f"{one}/properties/{{propertyKey}}")
    assert value[1]["value"] == 1
    assert (await checked("DELETE", "/issue/OPS-2", one))[0] == 204


def test_the_check_sees_what_it_is_for() -> None:
    spec = Document("jira_issues")
    with pytest.raises(jsonschema.ValidationError):
        spec.check_request("POST", ISSUE, {"fields": fields(description="text")})
    with pytest.raises(jsonschema.ValidationError):
        spec.validate({"issues": [], "total": 0}, spec.of("SearchAndReconcileResults"))
    meta = Document("meta_whatsapp_messages")
    with pytest.raises(jsonschema.ValidationError):
        meta.validate({"id": "wamid.x", "status": "seen"}, meta.of("Statuses"))
