"""What of other people's words is repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.providers.masking import LONGEST, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No such customer: 'cus_TUoQ2LkdIwHu7i'", "No such customer: 'cus_TUoQ2LkdIwHu7i'"),
        ("invoice 2888156 on 2026-11-25", "invoice 2888156 on 2026-11-25"),
        ("uuid 123e4567-e89b-12d3-a456-426655440000", "uuid 123e4567-e89b-12d3-a456-426655440000"),
        ("account 1920:10001 is unknown", "account 1920:10001 is unknown"),
        ("Invalid API Key provided: sk_test_51Hx****Zq", "Invalid API Key provided: ***"),
        ("key rk_live_abcdef and whsec_abcdef", "key *** and ***"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "token ***"),
        ("mail to <ola.nordmann+x@example.org>", "mail to <***>"),
        ("epost=øla@exämple.no,", "epost=***,"),
        ("card 4242 4242 4242 4242", "card ***"),
        ("card 4242-4242-4242-4242.", "card ***."),
        ("phone +4791234567", "phone ***"),
        ("phone 91 23 45 67", "phone ***"),
        ("a\r\nb\x00c\u202ed", "a b c d"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_private_words_go_whatever_their_case() -> None:
    assert masked("OLA NORDMANN in storgata 1", ["Ola Nordmann", "Storgata 1", "", "no"]) == "*** in ***"


@given(st.text(max_size=6000), st.lists(st.text(max_size=20), max_size=4))
def test_always_one_short_line(text: str, private: list[str]) -> None:
    shown = masked(text, private)
    assert len(shown) <= LONGEST
    assert shown.isprintable() or not shown
