"""Customers' links, guessed at: everything that somebody could send who knows how links are made, and not the secret.

guess(1_000_000, seed=1)     {"guesses": 1000000, "hits": 0, ...}
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from onpaid.domain.links import MAC_BYTES, Links

PURPOSE, OTHERS = "track", ("unsubscribe", "console", "refund", "", "track\n")
SUBJECT, OTHER = "shop/2045861230417", "shop/2045861230418"
NOW = 1_767_225_600_000
END = NOW + 86_400_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Guess = Callable[[Random], str]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _end(seconds: int) -> str:
    return _text(seconds.to_bytes(6, "big"))


class Guesser:
    """Knows valid links of its own, the order's number and the format. Everything it makes must open nothing."""

    def __init__(self, links: Links) -> None:
        self.valid = links.make(PURPOSE, SUBJECT, END)
        self._other = links.make(PURPOSE, OTHER, END)
        self._ended = links.make(PURPOSE, SUBJECT, NOW - 1_000)
        self._foreign = [links.make(purpose, SUBJECT, END) for purpose in OTHERS]
        self.kinds: dict[str, Guess] = {
            "another mac": lambda dice: self._with(dice.randbytes(MAC_BYTES)),
            "one character changed": self._changed,
            "a shorter mac": lambda dice: self._with(dice.randbytes(dice.randrange(MAC_BYTES))),
            "another order's mac": lambda dice: f"{_text(self._number(dice))}.{self.valid.partition('.')[2]}",
            "another end": self._other_end,
            "ended": lambda _dice: self._ended,
            "of another purpose": lambda dice: dice.choice(self._foreign),
            "a hash without the secret": self._hashed,
            "of another secret": lambda dice: Links([dice.randbytes(8).hex()]).make(PURPOSE, SUBJECT, END),
            "cut or extended": self._cut,
            "no link at all": lambda dice: "".join(
                dice.choices(ALPHABET + ".%/?=+ \n\0é", k=dice.randrange(90))
            ),
            "parts exchanged": self._exchanged,
            "another spelling": self._respelt,
        }

    def _parts(self) -> list[str]:
        return self.valid.split(".")

    def _with(self, mac: bytes) -> str:
        return f"{self.valid.rpartition('.')[0]}.{_text(mac)}"

    def _number(self, dice: Random) -> bytes:
        return f"shop/{dice.randrange(10**12, 10**13)}".encode()

    def _changed(self, dice: Random) -> str:
        at = dice.randrange(len(self.valid))
        return self.valid[:at] + dice.choice(ALPHABET.replace(self.valid[at], "")) + self.valid[at + 1 :]

    def _other_end(self, dice: Random) -> str:
        name, _, mac = self._parts()
        return f"{name}.{_end(END // 1000 + dice.choice((-1, 1)) * dice.randrange(1, 10**9))}.{mac}"

    def _hashed(self, dice: Random) -> str:
        said = f"{PURPOSE}\n{END // 1000}\n{SUBJECT}".encode()
        kind = dice.choice(("sha256", "sha1", "md5", "sha512"))
        return self._with(hashlib.new(kind, dice.randbytes(dice.randrange(3)) + said).digest()[:MAC_BYTES])

    def _cut(self, dice: Random) -> str:
        if dice.random() < 0.5:
            return self.valid[: dice.randrange(len(self.valid))]
        return self.valid + "".join(dice.choices(ALPHABET + ".=", k=dice.randrange(1, 9)))

    def _exchanged(self, dice: Random) -> str:
        parts, order = self._parts(), [0, 1, 2]
        while order == [0, 1, 2]:
            dice.shuffle(order)
        mine = [parts[each] for each in order]
        theirs = self._other.split(".")
        return ".".join(mine) if dice.random() < 0.5 else ".".join((theirs[0], parts[1], parts[2]))

    def _respelt(self, dice: Random) -> str:
        return dice.choice(
            (
                self.valid + "=" * dice.randrange(1, 4),
                self.valid.replace(".", "..", 1),
                f" {self.valid}",
                f"{self.valid}\n",
                f"{self.valid}%00",
                self.valid.swapcase(),
                self.valid.replace(".", "．"),
                f"/{self.valid}",
            )
        )

    def guesses(self, count: int, dice: Random) -> Iterator[tuple[str, str]]:
        """So many guesses, of all kinds in turn. What happens to be the valid link is left out."""
        names = list(self.kinds)
        for nth in range(count):
            kind = names[nth % len(names)]
            text = self.kinds[kind](dice)
            if text != self.valid:
                yield kind, text


def guess(count: int, seed: int, *, links: type[Links] = Links) -> dict[str, Any]:
    """How many guesses open something. The control is the valid link, which does."""
    ours = links(["the newest secret of this shop", "the one before"])
    guesser, found = Guesser(ours), {"guesses": 0, "hits": 0, "control": 0, "examples": []}
    for kind, text in guesser.guesses(count, Random(seed)):
        found["guesses"] += 1
        if ours.read(PURPOSE, text, NOW) is not None:
            found["hits"] += 1
            found["examples"].append(f"{kind}: {text}")
    found["control"] = int(ours.read(PURPOSE, guesser.valid, NOW) == SUBJECT)
    return found
