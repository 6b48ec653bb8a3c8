"""The query protocol of Amazon SNS under `/sns`: forms in, XML out. Publish and GetTopicAttributes, nothing else.

Credentials are looked for, and not checked: a call that is not signed for SNS is refused, whoever signed it.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators.door import Door, NoReply
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.sns import Refused, uuid
from onpaid.simulators.switches import switch_routes
from onpaid.simulators.world import Simulators

NAMESPACE: Final = "http://sns.amazonaws.com/doc/2010-03-31/"
ATTRIBUTE: Final = re.compile(r"^MessageAttributes\.entry\.(\d+)\.(Name|Value\.DataType|Value\.StringValue)$")
KNOWN: Final = frozenset(
    {"Action", "Version", "TopicArn", "Message", "Subject", "MessageGroupId", "MessageDeduplicationId"}
)


class SnsApi:
    """The route `/sns`."""

    def __init__(self, simulators: Simulators) -> None:
        self._sns = simulators.sns
        self._door = Door(
            "sns", simulators.plan, simulators.clock, simulators.settings.times, simulators.landing
        )
        self._requests = 0

    def routes(self) -> list[Route]:
        own = [Route(path, self._call, methods=["POST"]) for path in ("/sns", "/sns/")]
        return [*switch_routes("sns", self._sns), Route("/sns/_topics", self._topics, methods=["PUT"]), *own]

    async def _topics(self, request: Request) -> Response:
        """`PUT` a list of ARNs: the topics that there are from now on."""
        try:
            named = json.loads(await request.body())
        except ValueError:
            named = None
        if not isinstance(named, list) or not all(
            isinstance(arn, str) and arn.startswith("arn:aws") for arn in named
        ):
            return JSONResponse({"error": "the body must be a list of ARNs"}, 400)
        self._sns.topics = tuple(named)
        return JSONResponse({"topics": named})

    async def _call(self, request: Request) -> Response:
        if self._sns.down:
            return NoReply()
        raw = await request.body()
        self._requests += 1
        try:
            act, name = self._act(request, raw)
        except Refused as refused:
            return self._xml(_error(refused))

        def effect(_trouble: object) -> Answer:
            try:
                return Answer(200, act())
            except Refused as refused:
                return _error(refused)

        return await self._door.answer(
            request,
            name.partition(" ")[0],
            name,
            effect,
            writes=name.startswith("Publish"),
            refusal=lambda trouble: _error(_broken(trouble.status)),
            written=self._xml,
        )

    def _act(self, request: Request, raw: bytes) -> tuple[Callable[[], str], str]:
        """What the call does, and a name of its own for the fault plan."""
        scope = request.headers.get("authorization", "")
        if not scope.startswith("AWS4-HMAC-SHA256 ") or "/sns/aws4_request" not in scope:
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        try:
            pairs = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        except ValueError:
            raise Refused("MalformedQueryString", "The query string contains a syntax error") from None
        action = pairs.get("Action")
        if action == "GetTopicAttributes":
            return lambda: self._attributes(self._sns.topic(pairs.get("TopicArn", ""))), f"{action} {raw!r}"
        if action != "Publish":
            raise Refused("InvalidAction", f"The action {action} is not valid for this endpoint.")
        attributes = _named(pairs)
        named = pairs.get("MessageDeduplicationId") or hashlib.sha256(raw).hexdigest()
        return lambda: _published(self._sns.publish(pairs, attributes)), f"{action} {named}"

    def _attributes(self, arn: str) -> str:
        told = {"TopicArn": arn, "Owner": arn.split(":")[4], "DisplayName": "", "SubscriptionsConfirmed": "1"}
        if arn.endswith(".fifo"):
            told |= {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
        entries = "".join(
            f"<entry><key>{name}</key><value>{escape(value)}</value></entry>" for name, value in told.items()
        )
        return _result("GetTopicAttributes", f"<Attributes>{entries}</Attributes>")

    def _xml(self, answer: Answer) -> Response:
        request_id = uuid(f"request {self._requests}")
        body = answer.body.replace("{request}", request_id)
        headers = {"x-amzn-RequestId": request_id}
        return Response(body, answer.status, headers=headers, media_type="text/xml")


def _named(pairs: dict[str, str]) -> dict[str, str]:
    """Message attributes by name; only texts are simulated."""
    found: dict[str, dict[str, str]] = {}
    for name, value in pairs.items():
        match = ATTRIBUTE.match(name)
        if match is not None:
            found.setdefault(match.group(1), {})[match.group(2)] = value
        elif name not in KNOWN:
            raise Refused("InvalidParameter", f"Invalid parameter: {name}")
    for each in found.values():
        if not each.get("Name") or each.get("Value.DataType") not in ("String", "Number"):
            raise Refused("InvalidParameterValue", "The message attribute must have a name and a type")
        if not each.get("Value.StringValue"):
            message = f"The message attribute '{each['Name']}' must contain non-empty message attribute value"
            raise Refused("InvalidParameterValue", message)
    return {each["Name"]: each["Value.StringValue"] for each in found.values()}


def _published(made: Json) -> str:
    sequence = made["sequence_number"]
    more = "" if sequence is None else f"<SequenceNumber>{sequence}</SequenceNumber>"
    return _result("Publish", f"<MessageId>{made['message_id']}</MessageId>{more}")


def _result(action: str, inner: str) -> str:
    meta = "<ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>"
    return f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{inner}</{action}Result>{meta}</{action}Response>'


def _broken(status: int) -> Refused:
    if status == 429:
        return Refused("Throttled", "Rate exceeded", 429)
    return Refused("InternalError", "An internal error occurred", 500)


def _error(refused: Refused) -> Answer:
    kind = "Sender" if refused.status < 500 else "Receiver"
    told = f"<Type>{kind}</Type><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message>"
    body = f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{told}</Error><RequestId>{{request}}</RequestId></ErrorResponse>'
    return Answer(refused.status, body)
