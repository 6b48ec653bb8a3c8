"""Bodies: what every reader would read alike, and nothing else."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.errors import InvalidInput
from onpaid.providers.bodies import order_number, read, strict

BAD = {
    "nothing": (b"", "not JSON"),
    "half": (b'{"a": [1', "not JSON"),
    "two documents": (b"{} {}", "not JSON"),
    "no UTF-8": (b'{"a": "\xff"}', "UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "twin keys": (b'{"a": 1, "b": 2, "a": 3}', "'a' is given twice"),
    "twin keys, one escaped": (b'{"a": 1, "\\u0061": 3}', "'a' is given twice"),
    "twin keys far inside": (b'[{"x": {"y": [{"z": 1, "z": 1}]}}]', "'z' is given twice"),
    "NaN": (b'{"a": NaN}', "no number"),
    "Infinity": (b'{"a": -Infinity}', "no number"),
    "a number beyond floats": (b'{"a": 1e999}', "too large"),
    "5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
    "5,000 decimals": (b'{"a": 0.' + b"9" * 5000 + b"}", "digits"),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, "too deep"),
    "too deep in an object": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deep"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "a comment": (b'{"a": 1} // x', "not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    body, why = BAD[name]
    with pytest.raises(InvalidInput, match=why) as caught:
        strict(body)
    assert len(str(caught.value)) <= 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_proper_json_passes(value: object) -> None:
    strict(json.dumps(value).encode())
    strict(json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace"))


@given(st.binary(max_size=300))
def test_nothing_but_invalid_input_is_raised(body: bytes) -> None:
    try:
        strict(body)
    except InvalidInput:
        return
    json.loads(body)


class Thing(msgspec.Struct):
    a: int


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"a": "1"}',
        b'{"a": 1.5}',
        b"{}",
        b'{"a": 1, "b": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
def test_a_body_of_another_shape(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(body, msgspec.json.Decoder(Thing))


@pytest.mark.parametrize(
    ("given_number", "kept"),
    [
        ("10042", "10042"),
        (10042, "10042"),
        ("  10042\n", "10042"),
        ("A/2026-7 #3", "A/2026-7 #3"),
        ("ø-1", "ø-1"),
        ("A\u030a1", "\u00c51"),
        ("x" * 64, "x" * 64),
    ],
)
def test_order_numbers(given_number: str | int, kept: str) -> None:
    assert order_number(given_number) == kept


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "   ",
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "a\u200bb",
        "a\u00a0b",
        "\ud800",
        "x" * 65,
    ],
    ids=ascii,
)
def test_order_numbers_that_are_refused(odd: str) -> None:
    with pytest.raises(InvalidInput, match="order number"):
        order_number(odd)


def test_order_numbers_that_are_no_numbers_for_long() -> None:
    for huge in (10**64, -(10**5000)):
        with pytest.raises(InvalidInput, match="longer"):
            order_number(huge)
