"""Links that open one thing, for a while, for whoever holds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.links import Links

NOW = 1_795_000_000_000
DAY = 86_400_000
LINKS = Links(["a new secret", "an old secret"])
SUBJECT = "shop/2950000001234"


def test_a_link_opens_what_it_was_made_for_until_it_ends() -> None:
    text = LINKS.make("track", SUBJECT, NOW + DAY)
    assert LINKS.read("track", text, NOW) == SUBJECT
    assert LINKS.read("track", text, NOW + DAY) == SUBJECT
    assert LINKS.read("track", text, NOW + DAY + 1000) is None


def test_a_link_fits_into_an_address() -> None:
    text = LINKS.make("track", SUBJECT, NOW)
    assert text.isascii()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert len(text) < 80


def test_a_link_for_one_purpose_opens_nothing_of_another() -> None:
    assert LINKS.read("invoice", LINKS.make("track", SUBJECT, NOW + DAY), NOW) is None


def test_a_secret_can_be_replaced_while_old_links_are_out() -> None:
    old = Links(["an old secret"]).make("track", SUBJECT, NOW + DAY)
    assert LINKS.read("track", old, NOW) == SUBJECT
    assert Links(["a new secret"]).read("track", old, NOW) is None
    assert Links(["a new secret"]).read("track", LINKS.make("track", SUBJECT, NOW + DAY), NOW) == SUBJECT


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_links_need_a_secret(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="need a secret"):
        Links(secrets)


@given(st.text(max_size=60), st.integers(min_value=0, max_value=2**40))
def test_every_subject_comes_back(subject: str, ends: int) -> None:
    assert LINKS.read("track", LINKS.make("track", subject, ends), 0) == subject


@given(st.data())
def test_a_link_that_was_altered_opens_nothing(data: st.DataObject) -> None:
    text = LINKS.make("track", SUBJECT, NOW + DAY)
    place = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.sampled_from("AQgw5_-.é\n "))
    altered = text[:place] + put + text[place + 1 :]
    assert altered == text or LINKS.read("track", altered, NOW) is None


@given(st.text(max_size=500))
def test_nonsense_opens_nothing_and_breaks_nothing(text: str) -> None:
    assert LINKS.read("track", text, NOW) is None


def test_a_part_has_one_spelling() -> None:
    """base64 leaves bits over at the end of a part; another letter there would be another text for one link."""
    name, end, mac = LINKS.make("track", SUBJECT, NOW + DAY).split(".")
    assert len(mac) == 22
    for letter in "ABCDEFGH":
        twin = f"{name}.{end}.{mac[:-1]}{letter}"
        assert LINKS.read("track", twin, NOW) in ((SUBJECT,) if letter == mac[-1] else (None,))
