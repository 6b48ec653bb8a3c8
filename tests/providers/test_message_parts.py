"""What message services share: texts, numbers, refusals in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from onpaid.errors import ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers import message_parts as parts
from onpaid.providers.answers import Answer
from tests.providers.message_samples import MESSAGE, NUMBER, VALUES


@pytest.mark.parametrize(
    ("given_text", "sent"),
    [
        ("a\r\nb\tc", "a b c"),
        ("a" + " " * 9 + "b", "a b"),
        ("  a\u00a0\u2028b\x00c\x1b ", "a b c"),
        ("", "-"),
        ("\n\t", "-"),
        ("नमस्ते \u200d👩\u200d🌾", "नमस्ते \u200d👩\u200d🌾"),
    ],
)
def test_a_value_is_sent_on_one_line(given_text: str, sent: str) -> None:
    assert parts.cleaned(given_text) == sent


@given(st.text(max_size=40))
def test_no_value_can_hold_what_is_refused(text: str) -> None:
    sent = parts.cleaned(text)
    assert sent
    assert sent == parts.cleaned(sent)
    assert not any(odd in sent for odd in ("\n", "\r", "\t", "     "))


def test_what_is_private_of_a_message() -> None:
    words = parts.private_words(replace(MESSAGE, url_suffix="AbC"))
    assert {NUMBER, NUMBER[1:], "AbC", *VALUES} <= set(words)
    assert all(words)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Number is not on WhatsApp", "unreachable"),
        ("Not a valid WhatsApp number", "unreachable"),
        ("Invalid mobile number", "unreachable"),
        ("Message undeliverable", "unreachable"),
        ("Integrated number not found", "set-up"),
        ("Template x not found", "set-up"),
        ("IP not whitelisted", "set-up"),
        ("Too many requests", "busy"),
        ("Something else", None),
        ("", None),
    ],
)
def test_refusals_in_words(said: str, kind: str | None) -> None:
    assert parts.kind_of(said) == kind


@pytest.mark.parametrize(
    ("said", "expected"),
    [("rate limit", Unavailable), ("wrong token", Unauthorised), ("whatever", Refused), ("", Refused)],
)
def test_a_refusal_in_words_is_an_error_with_a_next_step(said: str, expected: type[ProviderError]) -> None:
    told = parts.refusal(Answer(200, {"retry-after": "7"}, b"", "X answered 200"), said, "look")
    assert type(told) is expected
    assert "X answered 200" in str(told)
    if isinstance(told, Unavailable):
        assert told.retry_after == 7
    else:
        assert "To do:" in str(told)
