"""Texts and bodies spoilt by chance: what a forger would try who has seen a genuine request."""

import random

ALPHABET = "0123456789abcdefABCDEFtv=,. -_+\x00\n\r\té\u0661\ud800"

Attempt = tuple[dict[str, str], bytes, str | None]
"""Headers, a body, and the last segment of the path."""


def other_text(dice: random.Random, text: str) -> str:
    """The text mutated; surely another one."""
    made = text
    while made.strip() == text:
        made = _mutated(dice, text)
    return made


def _mutated(dice: random.Random, text: str) -> str:
    """Something put in, taken out, exchanged, cut, moved, repeated or made up."""
    at = dice.randrange(len(text) + 1)
    odd = dice.choice(ALPHABET)
    kinds = (
        lambda: text[:at] + odd + text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + odd + text[at + 1 :],
        lambda: text[:at],
        lambda: text[at:],
        lambda: text[at:] + text[:at],
        lambda: text + text,
        text.swapcase,
        lambda: text[::-1],
        lambda: "".join(dice.choice(ALPHABET) for _ in range(dice.randrange(90))),
    )
    return dice.choice(kinds)()


def other_body(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body))
    return dice.choice(
        (
            lambda: body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :],
            lambda: body[:at] + bytes([dice.randrange(256)]) + body[at:],
            lambda: body[:at] + body[at + 1 :] if len(set(body[at : at + 2])) > 1 else body[:at],
            lambda: body[:at],
            lambda: body + b" ",
            lambda: b"",
            lambda: dice.randbytes(dice.randrange(60)),
        )
    )()
