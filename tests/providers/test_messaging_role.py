"""One suite over all message services, against their simulators. A new one is added here, and has to pass.

Where a status is told by webhook, that goes the whole way: sent by the simulator, verified, read, judged.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from msgspec.structs import replace as with_

from onpaid.acts import Found, Unsure
from onpaid.domain.messages import MessageTold, OutMessage, Sent
from onpaid.errors import BadSignature, Doubtful, Unauthorised, Unavailable
from onpaid.providers.meta_webhook import MetaWebhooks
from onpaid.providers.meta_webhook import Settings as MetaSettings
from onpaid.providers.msg91_webhook import Msg91Webhooks
from onpaid.providers.msg91_webhook import Settings as Msg91Settings
from onpaid.providers.twilio_webhook import Settings as TwilioSettings
from onpaid.providers.twilio_webhook import TwilioWebhooks
from onpaid.providers.wati_webhook import Settings as WatiSettings
from onpaid.providers.wati_webhook import WatiWebhooks
from onpaid.simulators import Served
from onpaid.simulators.settings import Target
from tests.providers.conftest import QUICK
from tests.providers.message_samples import (
    CALLBACK,
    CONTENT,
    MESSAGE,
    PATH_TOKENS,
    VALUES,
    Heard,
    make_meta,
    make_msg91,
    make_twilio,
    make_wati,
)
from tests.providers.samples import NOW
from tests.providers.scripted import Request, Scripted, reply, scripted

STRANGER = "+919000000000"
TIMES = replace(QUICK, status_after=0.002)


@dataclass(frozen=True)
class Service:
    """A client, its webhook source, and what only this service is like."""

    make: Callable[..., Any]
    source: Any
    template: str = "order_confirmation"
    wrong: str = "no_such_template"
    key: str = ""
    tells_ref: bool = True
    lists: bool = False
    tells_stranger: str = "accepted"


SERVICES = {
    "meta": Service(
        make_meta,
        MetaWebhooks(MetaSettings(("meta_app_simulated",), ("v",), "106540352242922")),
        key="access_token",
    ),
    "twilio": Service(
        make_twilio,
        TwilioWebhooks(TwilioSettings(("twilio_simulated",), (), CALLBACK, "AC" + "0" * 32)),
        template=CONTENT,
        wrong="HX" + "9" * 32,
        key="auth_token",
        lists=True,
    ),
    "msg91": Service(make_msg91, Msg91Webhooks(Msg91Settings((PATH_TOKENS["msg91"],))), key="auth_key"),
    "wati": Service(
        make_wati,
        WatiWebhooks(WatiSettings((PATH_TOKENS["wati"],))),
        key="token",
        tells_ref=False,
        lists=True,
        tells_stranger="undeliverable",
    ),
}


class Stage:
    """A simulator, and somebody who takes its webhooks."""

    def __init__(self, name: str, served: Served, taker: Scripted, lossy: Any) -> None:
        self.name, self.service = name, SERVICES[name]
        self.served, self.taker, self.lossy = served, taker, lossy
        self.heard = Heard()
        self.client = self.made()
        self.message = with_(MESSAGE, template=self.service.template)

    def made(self, **settings: Any) -> Any:
        if self.service.lists:
            settings["at"] = round(self.served.simulators.clock.now() * 1000)
        return self.service.make(f"{self.served.base}/{self.name}", self.heard, **settings)

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = getattr(self.served.simulators, self.name).rows()
        return rows

    async def told(self) -> list[MessageTold]:
        """What all webhooks so far come to."""
        await self.served.simulators.settled()
        facts = [fact for request in self.taker.requests for fact in self.judged(request)]
        return [fact for fact in facts if isinstance(fact, MessageTold)]

    def judged(self, request: Request) -> Any:
        source, token = self.service.source, request.target.rpartition("/")[2]
        source.verify(request.headers, request.body, NOW, token=token)
        envelope = source.read(request.body, NOW, token=token)
        return source.judge(envelope, request.body, NOW).facts


@pytest.fixture(params=SERVICES)
async def stage(request: pytest.FixtureRequest, simulate: Any) -> AsyncIterator[Stage]:
    async with scripted([reply(200, {})] * 20) as taker:
        served = await simulate(target=Target(base=taker.base), times=TIMES, pair_interval=0.0)
        made = Stage(request.param, served, taker, simulate.losing[served.base])
        yield made
        await made.client.close()


async def test_a_message_is_sent_once_and_bears_our_reference(stage: Stage) -> None:
    sent = await stage.client.send_message(stage.message)
    (row,) = stage.rows
    assert (sent.provider, sent.state, sent.provider_id) == (stage.name, "accepted", row["provider_id"])
    assert (row["to"], row["template"]) == ("919876543210", "order_confirmation")
    assert list(row["params"].values()) == VALUES
    told = await stage.told()
    assert {"sent"} <= {fact.state for fact in told} <= {"sent", "delivered", "read"}
    ours = [fact for fact in told if fact.provider_id == sent.provider_id]
    assert ours
    for fact in ours:
        assert fact.provider == stage.name
        assert fact.ref == (stage.message.ref if stage.service.tells_ref else "")


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_a_lost_answer_is_a_doubt_and_is_settled_without_sending_again(stage: Stage, how: str) -> None:
    assert isinstance(await stage.client.find_message(stage.message), Unsure)
    stage.lossy.lose = how
    with pytest.raises(Doubtful):
        await stage.client.send_message(stage.message)
    stage.lossy.lose = None
    if stage.service.tells_ref:
        for fact in await stage.told():
            if fact.ref:
                stage.heard.told[fact.ref] = Sent(fact.provider, fact.provider_id, fact.state)
    found = await stage.client.find_message(stage.message)
    assert isinstance(found, Found)
    (row,) = stage.rows
    assert (found.value.provider, found.value.provider_id) == (stage.name, row["provider_id"])


async def test_silence_is_no_proof(stage: Stage) -> None:
    other = with_(stage.message, ref="onpaid:shop/2:order_confirmation")
    other = with_(other, parameters=(with_(MESSAGE.parameters[0], value="2"), *MESSAGE.parameters[1:]))
    await stage.client.send_message(other)
    found = await stage.client.find_message(stage.message)
    assert isinstance(found, Unsure)
    assert not found.final


async def test_a_number_that_is_not_on_whatsapp_is_an_answer_now_or_later(stage: Stage) -> None:
    sent = await stage.client.send_message(with_(stage.message, to=STRANGER))
    assert sent.state == stage.service.tells_stranger
    if sent.state == "accepted":
        (fact,) = [fact for fact in await stage.told() if fact.provider_id == sent.provider_id]
        assert fact.state == "undeliverable"
        assert fact.reason


async def _pauses(client: Any, message: OutMessage) -> str:
    with pytest.raises(Unauthorised) as caught:
        await client.send_message(message)
    await client.close()
    return str(caught.value)


async def test_wrong_credentials_pause_the_lane(stage: Stage) -> None:
    await _pauses(stage.made(**{stage.service.key: "revoked"}), stage.message)
    assert stage.rows == []


async def test_a_template_that_is_not_there_pauses_the_lane(stage: Stage) -> None:
    said = await _pauses(stage.made(), with_(stage.message, template=stage.service.wrong))
    assert "To do:" in said
    assert stage.rows == []


async def test_a_webhook_of_somebody_else_is_refused(stage: Stage) -> None:
    await stage.client.send_message(stage.message)
    await stage.told()
    request = stage.taker.requests[0]
    source, token = stage.service.source, request.target.rpartition("/")[2]
    changed = request.body.replace(b"sent", b"read")
    for headers, body, end in (({}, request.body, token[:-1]), (request.headers, changed, token[:-1])):
        with pytest.raises(BadSignature):
            source.verify(headers, body, NOW, token=end)


async def test_two_at_once_to_one_person_wait_where_that_is_a_rule(simulate: Any) -> None:
    served = await simulate(pair_interval=60.0)
    client = make_meta(f"{served.base}/meta")
    await client.send_message(MESSAGE)
    with pytest.raises(Unavailable) as caught:
        await client.send_message(with_(MESSAGE, ref="onpaid:shop/1:shipment_created"))
    assert caught.value.retry_after == 6
    assert len(served.simulators.meta.rows()) == 1
    await client.close()
