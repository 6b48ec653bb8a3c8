"""docs/aws-statements.md can be believed: every line is of a requirement, has a verdict with its reason, and names a
test that exists or the story that it waits for; and nothing that the requirements name is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.house.reading import ROOT, complaints, functions, page, rows, section, tree
from tests.requirements.test_aws_statements_settings import HONOURED, TAKEN

PAGE = page("aws-statements.md")
HEADS = re.findall(r"^## (Requirement (\d): .+)$", PAGE, re.MULTILINE)
STORIES = ("usage billing",)
VERDICTS = re.compile(r"same|changed: .{15,}|later: (?:" + "|".join(STORIES) + ")", re.DOTALL)
NOTHING = "-"

NAMED = (
    *HONOURED,
    *TAKEN,
    "ORDER_TTL_DAYS",
    "PROJECT_NAME",
    "charge.succeeded",
    "payment.captured",
    "KonverzkyOrders",
    "StripeRetryQueue",
    "processStripeEvent",
    "event.Records",
    "create-order",
    "verify-payment",
    "CreateOrderFunction",
    "PaymentWebhookFunction",
    "lambda_function.lambda_handler",
    "stripe-service",
    "POST /payment/create-order",
    "POST /payment/webhook",
    "POST /stripe/payment-intent",
    "POST /stripe/webhook",
    "/webhook/invoice/finalized",
    "/sync",
    "orderId",
    "createdAt",
    "paymentId",
    "addressId",
    "ownerId",
    "shipmentId",
    "OrderIdIndex",
    "userId",
    "stripeCustomerId-index",
    "eventId",
    "PK",
    "SK",
    "USER#",
    "ORDER#",
    "SYSTEM",
    "STRIPE_ORDER_SYNC",
    "nightly_sync",
    "cron(0 2 * * ? *)",
    "lookbackHours",
    "maxSessions",
    "dryRun",
    "statusCode",
    "createdOrders",
    "Sync completed",
    "Created order snapshot",
    '{"test": true}',
    "shipRocket-delivery-credentials",
    "stripe-secret-key",
    "stripe-webhook-secret",
    "jwt-access-token-secret",
    "eislett-education",
    "stripe-webhook-idempotency",
    "/aws/lambda/stripe-service",
    "delivery_jira_log.jsonl",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:Query",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "us-east-1",
    "256 MB",
    "300 s",
    "30 seconds",
    "60 s",
    "404",
)
"""What the documents call by name, or give a figure for."""


class Line(NamedTuple):
    """One line of the page."""

    requirement: str
    number: str
    where: str
    says: str
    here: str
    verdict: str
    shown_by: str


def lines(text: str) -> Iterator[Line]:
    """Every statement of a page."""
    for title, requirement in re.findall(r"^## (Requirement (\d): .+)$", text, re.MULTILINE):
        for cells in rows(section(text, title)):
            if len(cells) != 6:
                raise AssertionError(f"{cells[0]}: a line has six cells")
            yield Line(requirement, *cells)


LINES = list(lines(PAGE))
each_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.number)


def complaint(line: Line) -> str | None:
    """What is wrong with a line, or None."""
    if not re.fullmatch(rf"{line.requirement}\.\d\d", line.number):
        return "its number is not one of its requirement"
    if not all((line.where, line.says, line.here)):
        return "something is not said"
    if not VERDICTS.fullmatch(line.verdict):
        return "its verdict is none, or has no reason"
    waits = line.verdict.startswith("later")
    if line.here == NOTHING and not waits:
        return "it is said to be here, and nothing is"
    if line.shown_by == NOTHING:
        return None if waits else "no test shows it"
    tests = re.findall(r"`([\w/.]+\.py)::(test_\w+)`", line.shown_by)
    if not tests:
        return "its test is not named as `file.py::test`"
    for file, name in tests:
        path = ROOT / "tests" / file
        if not path.is_file():
            return f"there is no {file}"
        if name not in {each.name for each in functions(tree(path))}:
            return f"{file} has no {name}"
    return None


@each_line
def test_a_line_names_its_test_or_the_story_that_it_waits_for(line: Line) -> None:
    assert complaint(line) is None, f"{line.number}: {complaint(line)}"


def test_every_requirement_has_its_lines() -> None:
    assert [number for _, number in HEADS] == ["1", "2", "3", "4", "5"]
    assert {line.requirement for line in LINES} == {"1", "2", "3", "4", "5"}
    assert len(LINES) > 100


def test_numbers_rise_without_a_gap() -> None:
    for _, requirement in HEADS:
        numbers = [line.number for line in LINES if line.requirement == requirement]
        assert numbers == [f"{requirement}.{nth:02}" for nth in range(1, len(numbers) + 1)]


def test_what_the_documents_name_has_its_line() -> None:
    said = "\n".join(line.says for line in LINES)
    silent = [name for name in NAMED if name not in said]
    assert not silent, complaints(silent)


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_without_effect_has_its_reason_in_a_line(name: str) -> None:
    told = [line for line in LINES if re.search(rf"`{name}`", line.says)]
    assert told
    assert all(line.verdict.startswith("changed") for line in told)


def test_a_wrong_line_is_seen() -> None:
    head = "## Requirement 1: x\n\n| No. | a | b | c | d | e |\n|---|---|---|---|---|---|\n"
    own = "`requirements/test_aws_statements.py::test_a_wrong_line_is_seen`"
    wrong = [
        f"| 2.01 | a | b | c | same | {own} |",
        f"| 1.01 |  | b | c | same | {own} |",
        f"| 1.01 | a | b | c | nearly | {own} |",
        f"| 1.01 | a | b | c | changed | {own} |",
        "| 1.01 | a | b | c | later: some day | - |",
        f"| 1.01 | a | b | - | same | {own} |",
        "| 1.01 | a | b | c | same | - |",
        "| 1.01 | a | b | c | same | by hand |",
        "| 1.01 | a | b | c | same | `requirements/nowhere.py::test_x` |",
        "| 1.01 | a | b | c | same | `requirements/test_aws_statements.py::test_nowhere` |",
    ]
    for each in wrong:
        (line,) = lines(head + each)
        assert complaint(line) is not None, each
    (right,) = lines(head + f"| 1.01 | a | b | c | same | {own} |")
    assert complaint(right) is None
