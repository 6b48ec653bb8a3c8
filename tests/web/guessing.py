"""Guessing customers' links: `guesses(n)` are links that nobody was given, `guess(n)` asks the application for each.

Half of them are close to a real one: a letter changed, cut short, an end put off, the signature of another order, of
another purpose, or by another secret. The rest is made up. What must come of it: no page, and one single answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from onpaid.domain.links import Links
from onpaid.repositories.messages import TRACK
from tests.web.deliveries import NAMES, deliver, key_of, link_to
from tests.web.trading import links
from tests.web.world import NOON, World, make_world

LETTERS = string.ascii_letters + string.digits + "-_"
LATER = NOON + 90 * 86_400_000
Answer = tuple[int, tuple[tuple[bytes, bytes], ...], bytes]


@dataclass
class Outcome:
    """How many links were tried, how many opened something, and every answer that the others got."""

    tried: int = 0
    opened: list[str] = field(default_factory=list)
    answers: set[Answer] = field(default_factory=set)


def guesses(n: int, seed: int = 1) -> Iterator[str]:
    """So many links that nobody was given. The same each time for a seed."""
    dice = Random(seed)
    real = [link_to(name) for name in NAMES]
    near = (_cut, _longer, _moved, _other_purpose)
    ways = (_altered, _altered, _altered, _put_off, _other_secret, _made_up, _made_up, _noise)
    made, given = 0, set(real)
    while made < n:
        guess = (dice.choice(near) if made % 9 == 0 else ways[made % 9 - 1])(dice, real)
        if guess not in given:
            made += 1
            yield guess


def _altered(dice: Random, real: list[str]) -> str:
    link = list(dice.choice(real))
    for at in dice.sample(range(len(link)), dice.choice((1, 1, 1, 2, 5))):
        link[at] = dice.choice(LETTERS)
    return "".join(link)


def _cut(dice: Random, real: list[str]) -> str:
    link = dice.choice(real)
    return link[: dice.randrange(len(link))] if dice.random() < 0.6 else link[dice.randrange(1, len(link)) :]


def _longer(dice: Random, real: list[str]) -> str:
    link, more = (
        dice.choice(real),
        dice.choice(("=", ".", " ", "A", "%00", "\x00", "/", "é", "..", "?x=1", ".AAAA")),
    )
    return link + more if dice.random() < 0.5 else more + link


def _moved(dice: Random, real: list[str]) -> str:
    """One order's name with another's end and signature."""
    one, other = dice.sample(real, 2)
    name, end, mac = one.split(".")[0], *other.split(".")[1:]
    return f"{name}.{end}.{mac}"


def _put_off(dice: Random, real: list[str]) -> str:
    name, _, mac = dice.choice(real).split(".")
    end = links().make(TRACK, "x", LATER + dice.randrange(10**10)).split(".")[1]
    return f"{name}.{end}.{mac}"


def _other_purpose(dice: Random, real: list[str]) -> str:
    purpose = dice.choice(("", "login", "billing", "Track", "track "))
    return links().make(purpose, key_of(dice.choice(NAMES)), LATER)


def _other_secret(dice: Random, real: list[str]) -> str:
    return Links([f"guess {dice.random()}"]).make(TRACK, key_of(dice.choice(NAMES)), LATER)


def _made_up(dice: Random, real: list[str]) -> str:
    name, end, _ = dice.choice(real).split(".")
    return f"{name}.{end}.{''.join(dice.choices(LETTERS, k=22))}"


def _noise(dice: Random, real: list[str]) -> str:
    parts = ("".join(dice.choices(LETTERS, k=dice.randrange(40))) for _ in range(dice.randrange(1, 5)))
    return ".".join(parts)


async def guess(n: int, *, seed: int = 1, world: World | None = None) -> Outcome:
    """Ask the whole application for each of `n` guesses."""
    if world is None:
        world = make_world()
        await deliver(world.store)
    app, outcome = world.app(), Outcome()
    for link in guesses(n, seed):
        outcome.tried += 1
        status, headers, body = await asked(app, f"/track/{link}")
        if status == 200:
            outcome.opened.append(link)
        else:
            outcome.answers.add((status, headers, hashlib.sha256(body).digest()))
    return outcome


async def asked(app: Callable[..., Any], path: str) -> Answer:
    """The answer to one GET: status, headers, body. As little as possible around it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], tuple(sent[0]["headers"]), body


if __name__ == "__main__":
    found = asyncio.run(guess(1_000_000))
    print(f"{found.tried:,} guesses: {len(found.opened)} opened, {len(found.answers)} different answers")
