"""Edges of signed headers: the longest that is read, the last second that counts, the words that are said."""

from __future__ import annotations

import pytest

from onpaid.errors import BadSignature
from onpaid.providers.signatures import Signer, as_keys, matches

SECRET = "whsec_Qm9uZ28gZHJ1bXMgYXJlIGxvdWQ"
BODY = b'{"id": "evt_1"}'
NOW = 1_795_600_000_000


def header(now: int = NOW) -> str:
    return Signer([SECRET]).header(BODY, now)


def verify(given: str | None, now: int = NOW, *, secret: str = SECRET, body: bytes = BODY) -> None:
    Signer([secret]).verify(given, body, now)


def padded(length: int) -> str:
    """A genuine header of that many characters, with another scheme's signature to fill it."""
    start = f"{header()},v9="
    return start + "a" * (length - len(start))


def test_the_longest_header_that_is_read() -> None:
    verify(padded(4096))
    with pytest.raises(BadSignature, match="the signature header is malformed"):
        verify(padded(4097))


def test_a_time_has_twelve_digits_at_most() -> None:
    last = 999_999_999_999 * 1000
    verify(header(last), last)
    with pytest.raises(BadSignature, match="malformed"):
        verify(header(last + 1000), last + 1000)


@pytest.mark.parametrize(
    "bad",
    [
        f"{header()},",
        f"{header()},x",
        f"{header()},x=",
        f",{header()}",
        header().replace("t=", "t"),
        header().partition(",")[0],
        header().partition(",")[2],
        f"{header()},t=1",
        header().replace("t=", "t=+"),
        header()[:-1],
        f"{header()}a",
        f"{header()},v1=",
        f"{header()}é",
    ],
)
def test_what_is_no_signed_header_is_called_malformed(bad: str) -> None:
    with pytest.raises(BadSignature, match="the signature header is malformed"):
        verify(bad)


@pytest.mark.parametrize("none", [None, ""])
def test_what_is_not_there_is_called_so(none: str | None) -> None:
    with pytest.raises(BadSignature, match="there is no signature header"):
        verify(none)


def test_each_refusal_says_what_to_look_at() -> None:
    with pytest.raises(BadSignature, match="more than 300 seconds off: compare the clocks"):
        verify(header(), NOW + 301_000)
    with pytest.raises(BadSignature, match="matches none of our secrets"):
        verify(header(), secret="whsec_another")
    with pytest.raises(BadSignature, match="this endpoint is closed"):
        verify(header(), secret=" ")


def test_a_second_begins_with_its_first_millisecond() -> None:
    verify(header(NOW), NOW + 300_999)
    verify(header(NOW + 300_999), NOW)
    verify(header(NOW + 999), NOW - 299_001)


def test_a_tolerance_is_what_it_was_set_to() -> None:
    strict = Signer([SECRET], tolerance=1)
    strict.verify(header(), BODY, NOW + 1_000)
    with pytest.raises(BadSignature, match="more than 1 seconds off"):
        strict.verify(header(), BODY, NOW + 2_000)


def test_keys_are_the_secrets_without_blank_ones() -> None:
    assert as_keys(["", " b ", "\t", "é"]) == (b" b ", "é".encode())
    assert matches("é", as_keys(["x", "é"]))
    assert not matches("é", ())
    assert not matches(None, as_keys(["x"]))
