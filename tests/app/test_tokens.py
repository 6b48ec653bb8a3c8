"""Bearer tokens: what is signed by the right key, for us and for now, is believed; nothing else ever is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from onpaid.app.token_keys import END, FRESH, read_key_set
from onpaid.app.tokens import TokenRefused, TokenRules, Tokens, token_rules
from onpaid.domain.sessions import User
from onpaid.errors import InvalidInput, OnpaidError, SettingsError, Unavailable
from onpaid.settings import Settings
from tests.app.forged_tokens import (
    ATTACKS,
    AUDIENCE,
    ISSUER,
    NOW,
    OLDER,
    SECRET,
    by_hand,
    claims,
    ec_key,
    hs,
    jwk,
    key_set,
    our_keys,
    public_pem,
    read,
    rsa_key,
    signed_by,
)

ADA = User("u-1", "member", "ada@example.org")


class FixedClock:
    """A clock that tests move. Nobody sleeps by it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return round((NOW + self.seconds) * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


class Source:
    """Where public keys are kept: what is there now, and how often somebody looked."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.reads = 0
        self.away: OnpaidError | None = None
        self.gate: asyncio.Event | None = None

    async def read(self) -> bytes:
        self.reads += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.away is not None:
            raise self.away
        return self.body


def rules(**changed: Any) -> TokenRules:
    given: dict[str, Any] = {"secrets": (SECRET, OLDER), "audience": AUDIENCE, "issuer": ISSUER, "live": True}
    return TokenRules(**{**given, **changed})


def strict(clock: FixedClock | None = None, source: Source | None = None, **changed: Any) -> Tokens:
    """Tokens as for real money: two secrets, and a set of public keys."""
    return Tokens(rules(**changed), clock or FixedClock(), (source or Source(our_keys())).read)


def run(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(story())


async def refused(asked: Awaitable[User]) -> None:
    with pytest.raises(TokenRefused):
        await asked


# -- what is forged ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(name: str) -> None:
    token = ATTACKS[name]()
    tokens = strict()
    with capture_logs() as lines:
        with pytest.raises(TokenRefused) as told:
            asyncio.run(tokens.verify(token))
        (line,) = lines
    assert str(told.value) == str(TokenRefused()), "who attacks learns the same from every refusal"
    assert line["why"]
    assert len(token) < 3 or token not in str(line), "a token is never logged"


def test_the_attacks_are_refused_for_what_they_are() -> None:
    """The same token without its forgery is believed, so that no attack fails for want of craft."""

    async def story() -> None:
        assert await strict().verify(hs()) == ADA
        assert await strict().verify(by_hand({"alg": "HS256"}, claims())) == ADA
        assert read(hs())["userId"] == "u-1"
        unguarded = Tokens(TokenRules(secrets=(SECRET,)), FixedClock())
        for name in ("another audience", "no audience", "another issuer", "no issuer"):
            assert await unguarded.verify(ATTACKS[name]()) == ADA

    run(story)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTox", "Token x", hs()])
def test_a_header_without_a_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(TokenRefused):
        asyncio.run(strict().user_of(header))


def test_the_operators_token_is_no_users() -> None:
    with pytest.raises(TokenRefused):
        asyncio.run(strict().user_of("Bearer operator-token-0123456789"))


# -- what is good ------------------------------------------------------------------------------------------------

GOOD = {
    "HS256": lambda: hs(),
    "HS256 by the secret before": lambda: hs(key=OLDER),
    "HS256 with a name of its own": lambda: hs(kid="whatever"),
    "RS256": lambda: signed_by(rsa_key(), "RS256", kid="rsa-1"),
    "RS256 without a name: there is one such key": lambda: signed_by(rsa_key(), "RS256"),
    "ES256": lambda: signed_by(ec_key(), "ES256", kid="ec-1"),
    "typ at+jwt": lambda: hs(typ="at+jwt"),
    "typ application/at+jwt": lambda: hs(typ="application/AT+JWT"),
    "ours among the audiences": lambda: hs(claims(aud=["https://other.example", AUDIENCE])),
    "a clock that is a little fast": lambda: hs(claims(iat=NOW + 29, nbf=NOW + 29)),
    "a clock that is a little slow": lambda: hs(claims(exp=NOW - 29)),
    "exp with a fraction": lambda: hs(claims(exp=NOW + 0.5)),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_is_believed(name: str) -> None:
    assert asyncio.run(strict().user_of(f"bearer {GOOD[name]()}")) == ADA


@pytest.mark.parametrize(
    ("said", "user"),
    [
        (claims(userId=7), User("7", "member", "ada@example.org")),
        (claims(userId=None, sub="auth0|5f"), User("auth0|5f", "member", "ada@example.org")),
        (claims(sub="auth0|5f"), ADA),
        (claims(userId="Åsa Ø", role=None, email=None), User("Åsa Ø")),
        (claims(role=["a", "b"], email="no address"), User("u-1")),
        (claims(role="x" * 101, email=7), User("u-1")),
        (claims(role=None, email="ada@localhost"), User("u-1")),
        (claims(role=None, email="ada.b+1@mail.example.org"), User("u-1", "", "ada.b+1@mail.example.org")),
        *(
            (claims(role=None, email=each), User("u-1"))
            for each in (
                "ada@.example.org",
                "ada@example..org",
                "ada@example.org.",
                "ada@-example.org",
                ".ada@example.org",
                "ada.@example.org",
                "ada,bo@example.org",
                "<ada@example.org>",
                "ada＠example.org",
                "ada@exämple.org",
                "ada@10.0.0.1",
                f"{'a' * 65}@example.org",
                f"ada@{'a' * 64}.org",
            )
        ),
    ],
)
def test_the_claims_name_the_user(said: dict[str, Any], user: User) -> None:
    assert asyncio.run(strict().verify(hs(said))) == user


def test_the_claims_are_settings() -> None:
    settings = Settings(
        {
            "JWT_ACCESS_TOKEN_SECRET": f"{SECRET} {OLDER}",
            "JWT_USER_CLAIM": "uid",
            "JWT_ROLE_CLAIM": "https://shop.example/role",
            "JWT_EMAIL_CLAIM": "mail",
        }
    )
    tokens = Tokens(token_rules(settings, live=False), FixedClock())
    said = {"exp": NOW + 1, "uid": "u-9", "https://shop.example/role": "vip", "mail": "a@example.org"}
    assert asyncio.run(tokens.verify(hs(said, key=OLDER))) == User("u-9", "vip", "a@example.org")
    with pytest.raises(TokenRefused):
        asyncio.run(tokens.verify(hs()))


# -- secrets and settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secrets", [(), ("",), (" ", "")])
def test_without_a_secret_the_endpoint_is_closed(secrets: tuple[str, ...]) -> None:
    tokens = Tokens(rules(secrets=secrets), FixedClock())
    assert tokens.closed
    for token in (hs(), hs(key=""), hs(key=" ")):
        with pytest.raises(TokenRefused):
            asyncio.run(tokens.verify(token))


@pytest.mark.parametrize("secret", [public_pem(rsa_key()), "ssh-rsa AAAA", '{"kty":"oct"}', "-----BEGIN"])
def test_a_key_that_others_know_is_no_secret(secret: str) -> None:
    with pytest.raises(SettingsError, match="JWT_JWKS") as told:
        strict(secrets=(SECRET, secret))
    assert secret not in str(told.value)


def test_short_secrets_are_refused_for_real_money_only() -> None:
    short = "only-thirty-one-bytes-of-secret"
    with pytest.raises(SettingsError, match="32 bytes") as told:
        strict(secrets=(short,))
    assert short not in str(told.value)
    tokens = Tokens(rules(secrets=(short,), live=False), FixedClock())
    assert asyncio.run(tokens.verify(hs(key=short))) == ADA


@pytest.mark.parametrize("name", ["audience", "issuer"])
def test_real_money_needs_audience_and_issuer(name: str) -> None:
    with pytest.raises(SettingsError, match=f"JWT_{name.upper()}"):
        Tokens(rules(**{name: ""}), FixedClock())
    assert asyncio.run(Tokens(rules(**{name: ""}, live=False), FixedClock()).verify(hs())) == ADA


# -- public keys -------------------------------------------------------------------------------------------------


def test_a_new_key_is_found_and_an_unknown_one_costs_one_reading_a_minute() -> None:
    async def story() -> None:
        clock, source = FixedClock(), Source(key_set(jwk(rsa_key(), "rsa-1")))
        tokens = strict(clock, source)
        assert await tokens.verify(signed_by(rsa_key(), "RS256", kid="rsa-1")) == ADA
        newer = signed_by(rsa_key("newer"), "RS256", kid="rsa-2")
        source.body = key_set(jwk(rsa_key("newer"), "rsa-2"))
        await refused(tokens.verify(newer))  # it was read this minute
        clock.seconds += 61
        assert await tokens.verify(newer) == ADA
        await refused(tokens.verify(signed_by(rsa_key(), "RS256", kid="rsa-1")))
        assert source.reads == 2
        clock.seconds += 61
        for number in range(100):
            await refused(tokens.verify(signed_by(rsa_key("stranger"), "RS256", kid=f"made-up-{number}")))
        assert source.reads == 3

    run(story)


def test_a_hundred_at_once_wait_for_one_reading() -> None:
    async def story() -> None:
        source = Source(our_keys())
        source.gate = asyncio.Event()
        tokens = strict(source=source)
        token = signed_by(ec_key(), "ES256", kid="ec-1")
        asked = [asyncio.ensure_future(tokens.verify(token)) for _ in range(100)]
        await asyncio.sleep(0)
        source.gate.set()
        assert set(await asyncio.gather(*asked)) == {ADA}
        assert source.reads == 1

    run(story)


def test_old_keys_serve_for_a_day_while_their_source_is_away() -> None:
    async def story() -> None:
        clock, source = FixedClock(), Source(our_keys())
        tokens, token = strict(clock, source), signed_by(rsa_key(), "RS256", claims(exp=NOW * 2), kid="rsa-1")
        await tokens.verify(token)
        source.away = Unavailable("it cannot be reached")
        clock.seconds = FRESH + 1
        assert await tokens.verify(token) == ADA
        source.away, source.body = None, b"<html>an error page</html>"
        clock.seconds = END - 1
        assert await tokens.verify(token) == ADA
        clock.seconds = END + 100
        with pytest.raises(Unavailable):
            await tokens.verify(token)
        source.body = our_keys()
        clock.seconds += 61
        assert await tokens.verify(token) == ADA

    run(story)


def test_secrets_serve_while_the_public_keys_are_away() -> None:
    async def story() -> None:
        source = Source(our_keys())
        source.away = Unavailable("it cannot be reached")
        tokens = strict(source=source)
        assert await tokens.verify(hs()) == ADA
        with pytest.raises(Unavailable):
            await tokens.verify(signed_by(rsa_key(), "RS256", kid="rsa-1"))

    run(story)


def test_what_is_no_public_key_for_signatures_is_passed_over() -> None:
    small = {"kty": "RSA", "kid": "small", "n": "AQAB" * 40, "e": "AQAB"}
    found = read_key_set(
        key_set(
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
            small,
            jwk(rsa_key(), "for encryption", use="enc"),
            jwk(rsa_key(), "another algorithm", alg="RS512"),
            jwk(rsa_key(), "of another shape", alg=None),
            {"kty": "RSA", "kid": 5},
            jwk(rsa_key(), "private", d="AQAB"),
            jwk(ec_key("p384"), "p384"),
            {"kty": "EC", "crv": "P-256", "kid": "off the curve", "x": "AQAB", "y": "AQAB"},
            jwk(rsa_key(), "good", alg="RS256", use="sig", key_ops=["verify"]),
        )
    )
    assert {name: [kid for kid, _ in keys] for name, keys in found.items()} == {
        "RS256": ["good"],
        "ES256": [],
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"keys": [], "keys": []}',
        key_set(jwk(rsa_key(), "twin"), jwk(rsa_key("other"), "twin")),
        key_set(*({"kty": "oct"} for _ in range(101))),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_key_set(body)


def test_without_a_name_the_key_must_be_the_only_one() -> None:
    two = Source(key_set(jwk(rsa_key(), "rsa-1"), jwk(rsa_key("other"), "rsa-2")))
    with pytest.raises(TokenRefused):
        asyncio.run(strict(source=two).verify(signed_by(rsa_key(), "RS256")))
