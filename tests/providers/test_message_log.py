"""No message service: a note in the log, and nothing of the customer in it."""

from typing import Any

from structlog.testing import capture_logs

from onpaid.acts import Absent, act_of
from onpaid.domain.messages import Sent
from onpaid.providers.message_log import MessageLog, Settings
from tests.providers.message_samples import MESSAGE, NUMBER, VALUES


async def test_what_would_have_been_sent_is_noted_without_the_customer() -> None:
    client = MessageLog(Settings())
    client.warm()
    with capture_logs() as lines:
        sent = await client.send_message(MESSAGE)
    assert sent == Sent("log", MESSAGE.ref, "logged")
    (line,) = lines
    assert (line["template"], line["ref"]) == (MESSAGE.template, MESSAGE.ref)
    without = str({name: value for name, value in line.items() if name != "ref"})
    assert not any(private in without for private in (NUMBER[3:], *VALUES))
    await client.close()


async def test_after_a_crash_it_is_noted_again() -> None:
    client = MessageLog()
    assert await client.find_message(MESSAGE) == Absent()
    act: Any = act_of(MessageLog.send_message)
    assert act.settles.total_seconds() == 0
    assert client.lanes == ()
    assert await client.doctor() == []
