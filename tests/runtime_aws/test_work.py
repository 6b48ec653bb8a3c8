"""A batch of messages: runs go on, poison is dropped, trouble comes again, and a time limit hands back."""

from __future__ import annotations

import pytest

from onpaid.errors import StoreUnavailable
from onpaid.runtime.aws import body_of, run_of
from onpaid.store.port import Page, Stored
from tests.runtime_aws.cloud import Cloud
from tests.runtime_aws.events import messages
from tests.runtime_aws.line import Table


def taken_in(cloud: Cloud, *payments: str) -> None:
    """Orders and their payments are kept, and nobody has answered the bell yet."""
    web = cloud.function()
    for nth, payment in enumerate(payments, 1):
        assert web.web(cloud.ordered(f"10{nth}"))["statusCode"] == 200
        assert web.web(cloud.paid(f"10{nth}", payment, f"evt_{payment}"))["statusCode"] == 200


def all_done(cloud: Cloud, *payments: str) -> None:
    """Each payment has its one invoice, mailed once, and nobody outside saw anything forbidden."""
    assert {payment: len(cloud.world.invoices_of(payment)) for payment in payments} == dict.fromkeys(
        payments, 1
    )
    assert cloud.world.mails == len(payments)
    told = [run for run in cloud.runs().values() if run.flow == "invoice_payment"]
    assert {run.state for run in told} == {"done"}
    assert len(told) == len(payments)
    assert not cloud.world.faults
    assert not cloud.tickets()


def test_one_core_answers_webhooks_and_messages() -> None:
    """What API Gateway hands over is taken in, what SQS hands over is taken further: together one invoice."""
    cloud = Cloud()
    taken_in(cloud, "pi_1")
    cloud.play(cloud.function(), None, 60)
    all_done(cloud, "pi_1")


def test_one_poisoned_message_among_ten_harms_none_of_the_others() -> None:
    cloud = Cloud()
    payments = [f"pi_{nth}" for nth in range(1, 10)]
    taken_in(cloud, *payments)
    work = cloud.function()
    rung = [body for body in cloud.line.take(100) if "invoice_payment:" in body]
    assert len(rung) == 9
    assert work.work(messages(*rung[:4], "\ud800 {", *rung[4:])) == {"batchItemFailures": []}
    cloud.play(work, None, 600)
    all_done(cloud, *payments)


@pytest.mark.parametrize(
    "body",
    [
        *(
            "",
            "{",
            "[]",
            "null",
            '"run"',
            "{}",
            '{"run": 7}',
            '{"run": ""}',
            '{"run": null}',
            None,
            7,
            "\ud800",
        ),
        '{"run": "' + "x" * 1001 + '"}',
        '{"event": {"id": "evt_1"}, "orderNumber": "1001"}',
    ],
)
def test_what_names_no_run_is_seen(body: object) -> None:
    assert run_of(body) is None


def test_a_message_names_a_run_and_nothing_else() -> None:
    assert body_of("invoice_payment:pi_1") == '{"run":"invoice_payment:pi_1"}'
    assert run_of('{"run": "a:b", "more": 1}') == "a:b"


def test_a_run_that_is_not_there_is_no_trouble() -> None:
    cloud = Cloud()
    assert cloud.function().work(messages(body_of("invoice_payment:nobody"))) == {"batchItemFailures": []}
    assert cloud.function().work({"Records": []}) == {"batchItemFailures": []}


def test_a_message_that_comes_twice_at_once_and_later_does_everything_once() -> None:
    cloud = Cloud()
    taken_in(cloud, "pi_1")
    bodies = cloud.line.take(100)
    for _ in range(3):
        assert cloud.function().work(messages(*bodies, *reversed(bodies))) == {"batchItemFailures": []}
    cloud.play(cloud.function(), None, 600)
    all_done(cloud, "pi_1")


class Moody(Table):
    """A store that cannot be asked for some documents while it is out of sorts."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[str] = set()

    async def get(self, kind: str, key: str) -> Stored | None:
        if self.bad & {kind, key}:
            raise StoreUnavailable("throttled")
        return await super().get(kind, key)

    async def query(self, kind: str, *rest: object, **more: object) -> Page:
        if kind in self.bad:
            raise StoreUnavailable("throttled")
        return await super().query(kind, *rest, **more)  # type: ignore[arg-type]


def test_only_the_messages_that_the_store_could_not_be_asked_about_come_again() -> None:
    store = Moody()
    cloud = Cloud(store=store)
    taken_in(cloud, "pi_1", "pi_2")
    work = cloud.function()
    one, two = (run for run in cloud.runs() if run.startswith("invoice_payment:"))
    cloud.line.take(100)
    store.bad = {one}
    batch = messages(body_of(one), "no run", body_of(two), body_of(one))
    assert work.work(batch) == {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-4"}]}
    store.bad = set()
    assert work.work(batch) == {"batchItemFailures": []}
    cloud.play(work, None, 600)
    all_done(cloud, "pi_1", "pi_2")


def test_if_nothing_can_be_read_every_message_comes_again_but_the_poisoned_one() -> None:
    store = Moody()
    cloud = Cloud(store=store)
    work = cloud.function()
    work.work(messages())
    cloud.wait(60)
    store.bad = {"lane"}
    said = work.work(messages(body_of("a:1"), "poison", body_of("b:2")))
    assert said == {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-3"}]}


def test_every_message_may_meet_a_cold_start() -> None:
    cloud = Cloud()
    taken_in(cloud, "pi_1", "pi_2")
    for _ in range(600):
        for body in cloud.line.take(1):
            assert cloud.function().work(messages(body)) == {"batchItemFailures": []}
        cloud.wait(1)
    all_done(cloud, "pi_1", "pi_2")
    assert len(cloud.houses) > 6


def test_a_lane_that_is_paused_elsewhere_is_paused_here_within_half_a_minute_and_opens_again() -> None:
    cloud = Cloud()
    taken_in(cloud, "pi_1")
    web, work = cloud.houses[0], cloud.function()
    work.work(messages())
    cloud.run(web.service.operations.pause("accounts", "the books are closed"))
    cloud.wait(31)
    cloud.play(work, cloud.function(), 300)
    assert not cloud.world.invoices
    cloud.run(web.service.operations.resume("accounts", by="Kari"))
    cloud.run(web.bell.flush())
    cloud.wait(31)
    cloud.play(work, cloud.function(), 600)
    all_done(cloud, "pi_1")
