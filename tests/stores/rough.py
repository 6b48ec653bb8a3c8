"""A DynamoDB client that fails by plan: before the request has left, or after it was taken and the answer is lost."""

from __future__ import annotations

import threading
from collections import Counter
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

WRITES = frozenset({"put_item", "delete_item", "transact_write_items"})
BEFORE = ("throttled", "conflict", "500 before", "unreachable")
AFTER = ("500 after", "no answer", "cut")


def refused(code: str, status: int = 400, reasons: tuple[str, ...] = ()) -> ClientError:
    """An error as the client raises it."""
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": "as planned"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    if reasons:
        response["CancellationReasons"] = [{"Code": each} for each in reasons]
    return ClientError(response, "Planned")  # type: ignore[arg-type]


class Rough:
    """Passes calls on to a real client, but for those that fail. `plan` names the fates of the next writes."""

    def __init__(self, client: Any, *, share: float = 0.0, seed: int = 0, plan: tuple[str, ...] = ()) -> None:
        self._client = client
        self._share = share
        self._dice = Random(seed)
        self._lock = threading.Lock()
        self.plan = list(plan)
        self.met: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._client, operation)
        if operation.startswith("_") or operation in ("exceptions", "meta", "get_waiter"):
            return method

        def call(**given: Any) -> Any:
            fate = self._fate(operation)
            _fail_before(fate, given)
            answer = method(**given)
            _fail_after(fate)
            return answer

        return call

    def _fate(self, operation: str) -> str:
        with self._lock:
            self.calls[operation] += 1
            fate = ""
            if operation in WRITES and self.plan:
                fate = self.plan.pop(0)
            elif self._dice.random() < self._share:
                fate = self._dice.choice(BEFORE + AFTER)
            if fate:
                self.met[fate] += 1
            return fate


def _fail_before(fate: str, given: dict[str, Any]) -> None:
    if fate == "throttled":
        raise refused("ProvisionedThroughputExceededException")
    if fate == "conflict":
        if "TransactItems" in given:
            raise refused("TransactionCanceledException", reasons=("None", "TransactionConflict"))
        raise refused("TransactionConflictException")
    if fate == "500 before":
        raise refused("InternalServerError", 500)
    if fate == "unreachable":
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")


def _fail_after(fate: str) -> None:
    if fate == "500 after":
        raise refused("InternalServerError", 500)
    if fate == "no answer":
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
    if fate == "cut":
        raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
