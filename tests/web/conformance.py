"""Schemathesis over every documented operation: nothing that is sent may break the service or its own document.

`check` is what the tests and the scorecard call: so many examples for each operation, from a seed, and the failures.
Webhooks are signed first, or nothing but the refusal of a signature would be tested; a user's doors are asked with a
user's own token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from onpaid.web.sessions import PATHS
from tests.web.selling import token_of
from tests.web.world import SECRET

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@dataclass
class Outcome:
    """How many examples were sent to how many operations, and what failed."""

    operations: int = 0
    examples: int = 0
    failures: list[str] = field(default_factory=list)


def check(base: str, token: str, *, count: int, start: int = 1) -> Outcome:
    """Send `count` examples to each operation of the service at `base`."""
    document = requests.get(f"{base}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=base)
    outcome = Outcome()
    with requests.Session() as session:
        operations: list[Any] = list(schema.get_all_operations())
        for operation in (found.ok() for found in operations):
            outcome.operations += 1
            _exercise(operation, session, token, count, start, outcome)
    return outcome


def _exercise(
    operation: Any, session: requests.Session, token: str, count: int, start: int, outcome: Outcome
) -> None:
    webhook = operation.path.startswith("/webhooks/")
    bearer = token_of("u-1") if PATHS.fullmatch(operation.path) else token
    headers = {"X-Secret": SECRET} if webhook else {"Authorization": f"Bearer {bearer}"}

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        outcome.examples += 1
        try:
            response = case.call(session=session, headers=headers, allow_redirects=False, timeout=10)
            case.validate_response(response, checks=CHECKS)
        except (Exception, FailureGroup) as failure:
            if len(outcome.failures) < 20:
                outcome.failures.append(f"{operation.method.upper()} {operation.path}: {failure}"[:2000])

    send()
