"""The figures of ours in docs/aws-scaling.md are those of the code and the template: a limit that moves there moves
here too. AWS's own are facts of AWS, and are not checked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from onpaid.providers import fiken, jira, message_parts, razorpay, shiprocket, stripe
from onpaid.runtime import aws, aws_tick
from onpaid.store import dynamodb_batch, dynamodb_items, dynamodb_keys, port
from tests.house.reading import named_rows, page, section
from tests.requirements.template import FUNCTIONS, template

PAGE = page("aws-scaling.md")
WORDS = re.sub(r"\s+", " ", PAGE)
WHOLE = template()
LANES = {
    lane.name: lane
    for lanes in (
        fiken.Fiken.lanes,
        jira.Jira.lanes,
        message_parts.LANES,
        razorpay.Razorpay.lanes,
        shiprocket.Shiprocket.lanes,
        stripe.Stripe.lanes,
    )
    for lane in lanes
}


def spaced(number: int) -> str:
    """A number as the page writes it: 10 000."""
    return f"{number:,}".replace(",", " ")


@pytest.mark.parametrize("name", sorted(LANES))
def test_a_lanes_line_tells_its_limits(name: str) -> None:
    told = named_rows(section(PAGE, "Rates of the other providers"))[name][1]
    lane = LANES[name]
    strict = ", strict" if lane.strict else ""
    assert told == f"{lane.at_once}, {lane.per_second}/s{strict}"


def test_every_lane_has_its_line() -> None:
    assert set(named_rows(section(PAGE, "Rates of the other providers"))) == set(LANES)


def test_the_shards_are_those_of_the_store() -> None:
    assert dynamodb_keys.SHARDS == 8
    assert "lies over 8 shards" in WORDS
    assert {"state", "flow-state", "status", "verdict"} == dynamodb_keys.BROAD
    assert "8 x 500 | 4 000 item writes/s" in WORDS


def test_sizes_are_those_of_the_store() -> None:
    assert f"bodies from {dynamodb_items.PACK_FROM} bytes are compressed" in WORDS
    assert f"from {dynamodb_items.INLINE // 1000} KB they lie in pieces" in WORDS
    assert f"| a transaction | {dynamodb_batch.MOST_ACTIONS} items" in WORDS
    assert port.MOST_WRITES <= dynamodb_batch.MOST_ACTIONS


def test_times_are_those_of_the_template() -> None:
    web, work, tick, night = (WHOLE.function(name)["Timeout"] for name in FUNCTIONS)
    assert f"`WebFunction` {web} s, `WorkFunction` {work} s, `TickFunction` {tick} s" in WORDS
    assert f"`ReconcileFunction` {night} s" in WORDS
    visible = WHOLE.properties("WorkQueue")["VisibilityTimeout"]
    assert f"{visible} s, six times the function's {work} s" in WORDS
    memory = WHOLE.function("WebFunction")["MemorySize"]
    assert (
        f"| {memory} MB; `ReconcileFunction` {WHOLE.function('ReconcileFunction')['MemorySize']} MB |"
        in WORDS
    )


def test_what_the_queue_and_the_tick_take_is_theirs() -> None:
    (mapping,) = WHOLE.of_kind("AWS::Lambda::EventSourceMapping").values()
    assert f"| {mapping['BatchSize']}, no window |" in WORDS
    assert aws.BATCH == 10
    assert "rings are sent in tens" in WORDS
    assert f"| delay | {aws.LONGEST_DELAY} s |" in WORDS
    assert f"in pages of {aws_tick.PAGE}" in WORDS
    assert f"until {spaced(aws_tick.DEEPEST)} messages wait" in WORDS
    assert f"no further than {spaced(aws_tick.MOST_COUNTED)}" in WORDS


def test_what_may_be_turned_is_as_the_template_has_it() -> None:
    concurrency = WHOLE.parameters["WorkConcurrency"]
    assert f"({concurrency['Default']} by default" in WORDS
    (stage,) = WHOLE.of_kind("AWS::ApiGatewayV2::Stage").values()
    limits = stage["DefaultRouteSettings"]
    told = f"stops at {limits['ThrottlingRateLimit']}/s, bursts of {limits['ThrottlingBurstLimit']}"
    assert told in WORDS


def test_the_arithmetic_of_fiken_adds_up() -> None:
    lane = LANES["fiken"]
    assert lane.per_second is not None
    orders = round(lane.per_second / 6.5, 1)
    assert f"4 : 6.5 | {orders} |" in WORDS
    a_day = orders * timedelta(days=1).total_seconds()
    assert f"about {spaced(int(round(a_day, -3)))}" in WORDS
    assert f"in {round(1000 / orders / 60)} minutes" in WORDS
