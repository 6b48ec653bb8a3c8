"""Warm sandboxes of a database that is moved away: none of them works on it for longer than half a minute."""

from __future__ import annotations

from onpaid.store.moved import DEPARTURES, Departure
from tests.runtime_aws.cloud import Cloud
from tests.runtime_aws.events import messages


def test_a_warm_sandbox_stops_once_its_database_was_moved_away() -> None:
    cloud = Cloud()
    web, work, tick = cloud.function(), cloud.function(), cloud.function()
    assert web.web(cloud.paid())["statusCode"] == 200
    assert work.work(messages(cloud.line.take()[0])) == {"batchItemFailures": []}
    tick.tick()
    kept = set(cloud.runs())
    cloud.run(cloud.store.commit([DEPARTURES.insert(Departure("m1", "dynamodb://other", cloud.now()))]))
    cloud.wait(31)
    refused = web.web(cloud.paid("1002", "pi_2", "evt_2"))
    assert refused["statusCode"] == 503, "the provider sends it again, to the new place"
    ring = '{"run": "invoice_payment:nobody"}'
    assert work.work(messages(ring)) != {"batchItemFailures": []}
    assert set(cloud.runs()) == kept
