"""Malformed framings over raw sockets: refused, every one, and nothing behind them is taken for a request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onpaid.web.framing import misframed
from tests.web.framings import BODY, END, HOST, LENGTH, MEDIA, START, answers_to, framings, refused
from tests.web.serving import Served, serving


@pytest.fixture(scope="module")
def bare() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.mark.parametrize("name", framings())
def test_it_is_refused(bare: Served, name: str) -> None:
    answers = answers_to(framings()[name], bare.port)
    assert refused(answers), answers


def test_a_well_formed_request_is_answered_and_the_next_one_too(bare: Served) -> None:
    good = START + HOST + MEDIA + LENGTH + END + BODY
    assert [line.split(b" ")[1] for line in answers_to(good + good, bare.port)] == [b"401", b"401"]


def scope(*headers: tuple[bytes, bytes], version: str = "1.1", method: str = "POST") -> dict[str, object]:
    return {
        "method": method,
        "http_version": version,
        "headers": [(b"host", b"shop"), *headers],
        "raw_path": b"/",
    }


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (scope(), None),
        (scope((b"transfer-encoding", b"chunked")), None),
        (scope((b"content-length", b"7")), None),
        (scope(version="2"), None),
        (scope((b"content-length", b"7"), (b"content-length", b"7")), 400),
        (scope((b"content-length", b"7"), (b"transfer-encoding", b"chunked")), 400),
        (scope((b"content-length", b"7 ")), 400),
        (scope((b"content-length", b"\xb2")), 400),
        (scope((b"host", b"other")), 400),
        (scope((b"upgrade", b"h2c")), 400),
        (scope((b"x", b"a" * 20_000)), 431),
        (scope(version="0.9"), 505),
        (scope(method="TRACE"), 405),
    ],
)
def test_guards_of_our_own_hold_behind_any_server(asked: dict[str, object], status: int | None) -> None:
    wrong = misframed(asked, 16_384)
    assert (wrong[0] if wrong else None) == status
