"""What Meta and Twilio are sent, held against their own documents, and what these show of their answers.

The documents lie beside the project and not in it: without them these tests are skipped, and say so.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
from msgspec.structs import replace

from onpaid.acts import Unsure
from onpaid.domain.messages import OutMessage
from onpaid.errors import Problem
from onpaid.providers.meta_webhook import MetaWebhooks
from onpaid.providers.meta_webhook import Settings as MetaSettings
from onpaid.providers.twilio_wire import Page, Resource
from tests.providers.message_samples import MESSAGE, TWILIO_MESSAGE, make_meta, make_twilio
from tests.providers.samples import NOW
from tests.providers.scripted import Request, reply, scripted
from tests.providers.test_contracts import FORMATS, SPECS

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the interface documents are not at {SPECS}"),
]
COMPONENTS = {"body": "BodyComponent", "button": "ButtonComponent"}
PARAMETERS = {"body": "TextParameter", "button": "ButtonTextParameter"}


def _read(name: str) -> Any:
    return json.loads((SPECS / f"{name}.mock.json").read_text(encoding="utf-8"))


class MetaDocument:
    """Meta's document, closed to unknown fields; each part is held against the schema that its type names."""

    def __init__(self) -> None:
        self.spec = _read("meta_whatsapp_messages")

    def check(self, request: Request) -> None:
        """An AssertionError or ValidationError unless it is a proper template message."""
        path, parameters = "/{Version}/{Phone-Number-ID}/messages", self.spec["components"]["parameters"]
        assert path in self.spec["paths"]
        assert re.fullmatch(r"/v\d+\.\d/\d+/messages", request.target)
        for name in ("Authorization", "ContentType"):
            header = parameters[name]
            jsonschema.validate(request.headers[header["name"].lower()], header["schema"])
        body = request.json()
        self._fits(body, "TemplateMessage")
        for component in body["template"].get("components", []):
            self._fits(component, COMPONENTS[component["type"]])
            for parameter in component["parameters"]:
                self._fits(parameter, PARAMETERS[component["type"]])

    def _fits(self, value: Any, schema: str) -> None:
        wanted = {"$ref": f"#/components/schemas/{schema}", "unevaluatedProperties": False}
        validator = jsonschema.Draft202012Validator({**wanted, "components": self.spec["components"]})
        validator.validate(value)
        objects = {
            "TemplateMessage": ("template", "TemplateObject"),
            "TemplateObject": ("language", "LanguageObject"),
        }
        if schema in objects:
            name, inner = objects[schema]
            self._fits(value[name], inner)


class TwilioDocument:
    """Twilio's document, closed to unknown fields."""

    def __init__(self) -> None:
        self.spec = _read("twilio_messages")

    def check(self, request: Request) -> str:
        """The request's method; an AssertionError or ValidationError if it is no proper request."""
        target = urlsplit(request.target)
        path = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
        operation = self.spec["paths"][path][request.method.lower()]
        account = re.fullmatch(r"/2010-04-01/Accounts/([^/]+)/Messages\.json", target.path)
        assert account is not None
        query = dict(parse_qsl(target.query, keep_blank_values=True, strict_parsing=bool(target.query)))
        known = {one["name"]: one["schema"] for one in operation["parameters"]}
        self._fits(account[1], known["AccountSid"])
        for name, value in query.items():
            self._fits(int(value) if known[name]["type"] == "integer" else value, known[name])
        if request.method == "POST":
            kind = "application/x-www-form-urlencoded"
            assert request.headers["content-type"] == kind
            form = dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
            self._fits(form, operation["requestBody"]["content"][kind]["schema"])
            assert all(isinstance(value, str) for value in json.loads(form["ContentVariables"]).values())
        assert request.headers["authorization"].startswith("Basic ")
        return request.method

    def _fits(self, value: Any, schema: Any) -> None:
        schema = {**schema, "components": self.spec["components"]}
        if schema.get("format") == "date-time":  # days are documented beside moments
            schema["pattern"] = r"^\d{4}-\d\d-\d\d$"
            del schema["format"]
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
        jsonschema.validate(value, schema, format_checker=FORMATS)


async def _sent(make: Any, message: OutMessage, answer: Any) -> list[Request]:
    async with scripted([reply(200, answer)] * 4) as server:
        client = make(server.base)
        await client.send_message(message)
        await client.send_message(replace(message, url_suffix="AbC-123", parameters=message.parameters[:1]))
        if make is make_twilio:
            assert isinstance(await client.find_message(message), Unsure)
            assert await client.doctor() == []
        await client.close()
        return server.requests


async def test_what_meta_is_sent() -> None:
    document = MetaDocument()
    for request in await _sent(make_meta, MESSAGE, {"messages": [{"id": "wamid.1"}]}):
        document.check(request)
        assert len(request.json()["biz_opaque_callback_data"]) <= 512


async def test_what_twilio_is_sent() -> None:
    document = TwilioDocument()
    requests = await _sent(make_twilio, TWILIO_MESSAGE, {"sid": "SM1", "messages": []})
    assert [document.check(request) for request in requests] == ["POST", "POST", "GET", "GET"]


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"to": 919876543210},
        {"messaging_product": None},
        {"recipient_type": "everybody"},
        {"template": {"name": "x"}},
        {"template": {"name": "x", "language": {"code": "en"}, "namespace": "y"}},
        {"template": {"name": "x", "language": {"code": "en", "policy": "loose"}}},
        {"biz_opaque_callback_data": "x" * 513},
        *(
            {"template": {"name": "x", "language": {"code": "en"}, "components": [component]}}
            for component in (
                {"type": "footer", "parameters": []},
                {"type": "body", "parameters": [{"type": "text"}]},
                {"type": "body", "parameters": [{"type": "text", "text": "x", "name": "y"}]},
                {"type": "button", "sub_type": "url", "parameters": [{"type": "text", "text": "x"}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": []},
            )
        ),
    ],
)
async def test_the_check_of_meta_would_notice(change: dict[str, Any]) -> None:
    """The control: what the document does not allow is found."""
    request = (await _sent(make_meta, MESSAGE, {"messages": [{"id": "wamid.1"}]}))[0]
    request.body = json.dumps({**request.json(), **change}).encode()
    with pytest.raises((jsonschema.ValidationError, KeyError)):
        MetaDocument().check(request)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/2010-04-01/Accounts/AC1/Messages.json", b"To=x"),
        (
            "POST",
            f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json",
            b"To=x&Unknown=1&ContentVariables=%7B%7D",
        ),
        (
            "POST",
            f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json",
            b"To=x&ContentSid=HX1&ContentVariables=%7B%7D",
        ),
        ("POST", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json", b"From=x&ContentVariables=%7B%7D"),
        ("GET", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json?Since=2026-11-23", b""),
        ("GET", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json?DateSent%3E=yesterday", b""),
        ("GET", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json?PageSize=1001", b""),
    ],
)
def test_the_check_of_twilio_would_notice(method: str, target: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "authorization": "Basic x"}
    with pytest.raises((jsonschema.ValidationError, KeyError)):
        TwilioDocument().check(Request(method, target, headers, body))


def test_twilios_own_samples_can_be_read() -> None:
    import msgspec

    operations = TwilioDocument().spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]
    made = operations["post"]["responses"]["201"]["content"]["application/json"]["examples"]
    assert all(msgspec.convert(one["value"], Resource).sid.startswith(("SM", "MM")) for one in made.values())
    lists = operations["get"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert any(msgspec.convert(one["value"], Page).messages for one in lists.values())


def test_metas_own_samples_of_what_customers_send_are_kept_and_mean_nothing() -> None:
    content = MetaDocument().spec["paths"]["/whatsapp/webhooks"]["post"]["requestBody"]["content"]
    source = MetaWebhooks(MetaSettings())
    seen = set()
    for one in content["application/json"]["examples"].values():
        body = json.dumps(one["value"]).encode()
        envelope = source.read(body, NOW)
        try:
            judged = source.judge(envelope, body, NOW)
        except Problem as problem:
            raise AssertionError(one) from problem
        assert judged.facts == ()
        assert judged.ignored
        seen.add(envelope.type)
    assert seen == {"message", "account"}
