"""Nobody opens a customer's link who was not given it."""

from __future__ import annotations

from random import Random

from onpaid.domain.links import MAC_BYTES, Links
from tests.domain.link_guesses import END, NOW, OTHER, PURPOSE, SUBJECT, Guesser, guess


def test_twenty_thousand_guesses_open_nothing_and_the_link_does() -> None:
    found = guess(20_000, 7)
    assert found["hits"] == 0, found["examples"]
    assert found["control"] == 1
    assert found["guesses"] > 19_000


def test_guesses_are_of_every_kind() -> None:
    guesser = Guesser(Links(["s"]))
    kinds = {kind for kind, _ in guesser.guesses(200, Random(1))}
    assert kinds == set(guesser.kinds)
    assert len(kinds) > 10


def test_a_link_has_at_least_128_bits_that_cannot_be_known() -> None:
    assert MAC_BYTES * 8 >= 128


def test_one_link_opens_one_order_until_its_end() -> None:
    links = Links(["s"])
    link = links.make(PURPOSE, SUBJECT, END)
    assert links.read(PURPOSE, link, END) == SUBJECT
    assert links.read(PURPOSE, link, END + 1_001) is None
    assert links.read(PURPOSE, links.make(PURPOSE, OTHER, END), NOW) == OTHER
    assert links.read("console", link, NOW) is None
