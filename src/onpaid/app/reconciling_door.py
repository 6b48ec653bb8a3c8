"""The reconciliation as a function that is invoked with an event: by a scheduler, or by hand with overrides.

It ends before its time limit and says what it left. A run that could look at nothing at all is raised, so that whoever
counts failed invocations sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_answer import answer_of
from onpaid.app.reconciling_night import Remaining
from onpaid.app.reconciling_request import read_event
from onpaid.errors import InvalidInput, NotPossible, Unavailable


async def answer_event(
    reconciler: Reconciler, event: Mapping[str, Any], remaining: Remaining
) -> dict[str, Any]:
    """The documented answer; 400 for an override that does not fit, 409 while another run is at work.

    Raises Unavailable if nothing could be looked at, StoreError.
    """
    try:
        trigger, overrides = read_event(event)
        run = await reconciler.run(trigger, overrides, remaining=remaining, by=trigger)
    except InvalidInput as error:
        return _refused(400, error)
    except NotPossible as error:
        return _refused(409, error)
    if run.state == "error":
        why = run.failures[0].why if run.failures else run.why
        raise Unavailable(f"Error: the reconciliation {run.id} could look at nothing: {why}")
    return answer_of(run)


def _refused(status: int, error: Exception) -> dict[str, Any]:
    return {"statusCode": status, "body": {"status": "error", "error": str(error)}}
