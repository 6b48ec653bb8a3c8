"""Where the public keys of tokens come from: one file or one address, with limits, and nothing that a token says."""

from __future__ import annotations

from pathlib import Path

import pytest

from onpaid.app.tokens import TokenRefused, TokenRules, Tokens
from onpaid.domain.sessions import User
from onpaid.errors import OnpaidError, SettingsError, Unavailable
from onpaid.providers.key_sets import LARGEST, KeySetSource
from tests.app.forged_tokens import ATTACKS, our_keys, rsa_key, signed_by
from tests.app.test_tokens import FixedClock
from tests.providers.scripted import Reply, closed_port, reply, scripted


async def test_a_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for place in (str(path), f"file:{path}"):
        source = KeySetSource(place)
        with pytest.raises(Unavailable):
            await source.read()
        for text in (our_keys(), b'{"keys": []}'):
            path.write_bytes(text)
            assert await source.read() == text
        path.write_bytes(b" " * (LARGEST + 1))
        with pytest.raises(Unavailable, match="larger"):
            await source.read()
        path.unlink()
        await source.close()


async def test_an_address_is_asked_whole() -> None:
    async with scripted(reply(200, our_keys())) as server:
        source = KeySetSource(f"{server.base}/oidc/keys.json?version=1")
        assert await source.read() == our_keys()
        await source.close()
        (asked,) = server.requests
    assert (asked.method, asked.target) == ("GET", "/oidc/keys.json?version=1")
    assert not {"authorization", "cookie"} & set(asked.headers)


@pytest.mark.parametrize(
    "answer",
    [
        reply(302, b"", location="http://127.0.0.1:9/keys.json"),
        reply(301, b"", location="http://127.0.0.1:9/keys.json"),
        reply(404, b"{}"),
        reply(500, b"{}"),
        reply(200, b" " * (LARGEST + 1)),
    ],
)
async def test_whatever_else_is_answered_is_no_key_set(answer: Reply) -> None:
    async with scripted(answer) as server:
        source = KeySetSource(f"{server.base}/keys.json")
        with pytest.raises(OnpaidError):
            await source.read()
        await source.close()
        assert len(server.requests) == 1


async def test_nobody_there_is_unavailable() -> None:
    source = KeySetSource(f"http://127.0.0.1:{closed_port()}/keys.json")
    with pytest.raises(Unavailable):
        await source.read()
    await source.close()


@pytest.mark.parametrize(
    "place",
    [
        "",
        "http://accounts.example/keys.json",
        "https://user:word@accounts.example/keys.json",
        "https://accounts.example/keys.json#now",
        "https://169.254.169.254/latest/meta-data",
        "ftp://accounts.example/keys.json",
        "https:///keys.json",
        "https://[::1/keys.json",
        "https://accounts.example/ke ys.json",
        "https://accounts.example\\@evil.example/keys.json",
    ],
)
def test_an_address_that_cannot_be_meant_stops_the_start(place: str) -> None:
    with pytest.raises(SettingsError, match="JWT_JWKS"):
        KeySetSource(place)


async def test_tokens_are_checked_by_what_is_there_and_nothing_else_is_asked() -> None:
    async with scripted(reply(200, our_keys())) as server:
        source = KeySetSource(f"{server.base}/keys.json")
        tokens = Tokens(TokenRules(), FixedClock(), source.read)
        good = signed_by(rsa_key(), "RS256", kid="rsa-1")
        assert await tokens.verify(good) == User("u-1", "member", "ada@example.org")
        for name in ("kid a path", "kid SQL", "kid an address", "jku", "x5u", "jwk, the stranger's own key"):
            with pytest.raises(TokenRefused):
                await tokens.verify(ATTACKS[name]())
        await source.close()
        assert len(server.requests) == 1
