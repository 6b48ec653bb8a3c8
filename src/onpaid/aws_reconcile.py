"""The nightly reconciliation as a function of Lambda of its own: the handler, event and answer that were agreed.

    lambda_function.lambda_handler    a module of that name imports `lambda_handler` from here

What it starts is worked on by the other functions: it only records, and rings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from onpaid.app.reconciling_door import answer_event
from onpaid.app.reconciling_shown import Reconciling
from onpaid.aws_sandbox import Context, Remaining, Sandbox
from onpaid.cli import logs
from onpaid.cli.reach import secrets_of
from onpaid.compose_aws import build_aws
from onpaid.errors import SettingsError
from onpaid.settings import Settings

Event = Mapping[str, Any]


class NightDoor:
    """The handler of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handle(self, event: Event | None, context: Context) -> dict[str, Any]:
        """Reconcile, and answer. Raises SettingsError, StoreError, Unavailable: the invocation has then failed."""
        return self._sandbox.run(lambda remaining: self._handle(event or {}, remaining), context)

    async def _handle(self, event: Event, remaining: Remaining) -> dict[str, Any]:
        house = await self._sandbox.house()
        await house.look_around()
        reconciling = house.service.reconciling
        if not isinstance(reconciling, Reconciling):
            raise SettingsError("nothing can be reconciled: set STRIPE_API_KEY or STRIPE_SECRET_PARAMETER")
        async with house.bell.ringing():
            return await answer_event(reconciling.reconciler, event, remaining)


def _logging(settings: Settings) -> None:
    logs.configure(settings["ONPAID_LOG_LEVEL"], settings["ONPAID_LOG_FORMAT"], secrets=secrets_of(settings))


@cache
def _own() -> NightDoor:
    """The door of this sandbox: Lambda keeps a module between invocations, and nothing else."""
    return NightDoor(
        Sandbox(os.environ, lambda settings: build_aws(settings, write=logs.raw), heard=_logging)
    )


def lambda_handler(event: Event | None, context: Context) -> dict[str, Any]:
    """The function that EventBridge invokes at night, and anybody by hand."""
    return _own().handle(event, context)
