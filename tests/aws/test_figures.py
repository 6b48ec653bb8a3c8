"""What the proxy counted, shared out over orders and shown."""

from __future__ import annotations

import io

from rich.console import Console

from onpaid.cli.demo.aws_proxy import Figures
from onpaid.cli.demo.aws_show import aws_tables


def counted() -> Figures:
    figures = Figures()
    figures.calls["work", "dynamodb.TransactWriteItems"] = 30
    figures.calls["work", "sqs.SendMessageBatch"] = 5
    figures.calls["tick", "dynamodb.Query"] = 10
    figures.units["work", "write"] = 2400
    figures.units["tick", "read"] = 50
    return figures


def test_shared_out_by_caller() -> None:
    shared = counted().shared(10)
    assert list(shared) == ["all", "tick", "work"]
    assert shared["all"] == {"dynamodb_calls": 4.0, "sqs_calls": 0.5, "write_units": 24.0, "read_units": 0.5}
    assert shared["tick"] == {"dynamodb_calls": 1.0, "sqs_calls": 0.0, "write_units": 0.0, "read_units": 0.5}


def test_shown_as_a_table() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    told = {"per_order": counted().shared(10), "faults_injected": {"throttle": 3}, "requests": 17}
    console.print(aws_tables(told))
    text = console.export_text()
    assert "24.0" in text
    assert "throttle 3" in text
    assert "17" in text
    console.print(aws_tables(told | {"faults_injected": {}}))
    assert "nothing" in console.export_text()
