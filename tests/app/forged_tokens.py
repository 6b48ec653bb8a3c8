"""Bearer tokens, good and forged, with the keys that they were made with: what scorecard line 27 counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NOW = 1_800_000_000
"""Seconds, as tokens tell time."""
SECRET = "a-secret-of-users-tokens-with-enough-bytes"
OLDER = "an-older-secret-of-users-tokens-that-still-counts"
AUDIENCE, ISSUER = "https://pay.example", "https://accounts.example"


@cache
def rsa_key(name: str = "ours") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str = "ours") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1() if name == "p384" else ec.SECP256R1())


def public_pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


@cache
def our_keys() -> bytes:
    return key_set(jwk(rsa_key(), "rsa-1"), jwk(ec_key(), "ec-1"), jwk(ec_key("p384"), "ec-384"))


def claims(**changed: Any) -> dict[str, Any]:
    """What a good token says; a claim that is changed to None is left out."""
    good = {
        "userId": "u-1",
        "role": "member",
        "email": "ada@example.org",
        "aud": AUDIENCE,
        "iss": ISSUER,
        "iat": NOW - 60,
        "exp": NOW + 900,
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def by_hand(header: Any, payload: Any, key: bytes = SECRET.encode(), digest: Any = hashlib.sha256) -> str:
    """A token with whatever header and payload, signed by HMAC."""
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{part(hmac.new(key, signed.encode(), digest).digest())}"


def hs(payload: dict[str, Any] | None = None, key: str = SECRET, **header: Any) -> str:
    """A token by HS256."""
    return by_hand({"alg": "HS256", "typ": "JWT", **header}, payload or claims(), key.encode())


def signed_by(key: Any, algorithm: str, payload: dict[str, Any] | None = None, **header: Any) -> str:
    return jwt.encode(payload or claims(), key, algorithm, headers=header)


def by_curve(key: ec.EllipticCurvePrivateKey, kid: str) -> str:
    """A token that says ES256, by a key of whatever curve."""
    maker = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    signed = f"{part({'alg': 'ES256', 'kid': kid})}.{part(claims())}"
    return f"{signed}.{part(maker.sign(signed.encode(), key))}"


def unsigned(alg: Any, signature: str = "") -> str:
    return f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims())}.{signature}"


def wrongly_named(kid: Any) -> str:
    """By a stranger's key, under a name that would lead somewhere else if anybody followed it."""
    return signed_by(rsa_key("stranger"), "RS256", kid=kid)


def under_an_empty_key(kid: str) -> str:
    """By HMAC with an empty key, as whoever reads a key from `/dev/null` would check it."""
    return by_hand({"alg": "HS256", "typ": "JWT", "kid": kid}, claims(), b"")


def twins(**said: str) -> str:
    """Signed well, and a claim is there twice."""
    ((name, other),) = said.items()
    text = json.dumps(claims())[:-1] + f', "{name}": {other}}}'
    return by_hand({"alg": "HS256", "typ": "JWT"}, text.encode())


def cut(token: str, by: int) -> str:
    return token[:-by]


def altered() -> str:
    header, _, signature = hs().split(".")
    return f"{header}.{part(claims(userId='somebody-else'))}.{signature}"


def by_stranger(**header: Any) -> str:
    return signed_by(rsa_key("stranger"), "RS256", **header)


def spaced(token: str) -> str:
    return f"{token[:10]}\n{token[10:]}"


_STRANGER = "https://evil.example/keys.json"

ATTACKS: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg nOnE with a signature": lambda: unsigned("nOnE", "AAAA"),
    "alg empty": lambda: unsigned("", "AAAA"),
    "alg missing": lambda: by_hand({"typ": "JWT"}, claims()),
    "alg null": lambda: unsigned(None, "AAAA"),
    "alg a list": lambda: unsigned(["HS256"], "AAAA"),
    "alg hs256 in small letters": lambda: by_hand({"alg": "hs256", "typ": "JWT"}, claims()),
    "alg HS384 with the right secret": lambda: by_hand(
        {"alg": "HS384", "typ": "JWT"}, claims(), SECRET.encode(), hashlib.sha384
    ),
    "alg twice in the header": lambda: by_hand(b'{"alg":"none","alg":"HS256"}', claims()),
    "HS256 by the public key in PEM": lambda: hs(key=public_pem(rsa_key()), kid="rsa-1"),
    "HS256 by the public key in PEM, trimmed": lambda: hs(key=public_pem(rsa_key()).strip()),
    "HS256 by the public EC key in PEM": lambda: hs(key=public_pem(ec_key()), kid="ec-1"),
    "HS256 by the key's modulus": lambda: hs(key=jwk(rsa_key(), "rsa-1")["n"], kid="rsa-1"),
    "HS256 by the JWK": lambda: hs(key=json.dumps(jwk(rsa_key(), "rsa-1")), kid="rsa-1"),
    "RS256 under the EC key's name": lambda: signed_by(rsa_key("stranger"), "RS256", kid="ec-1"),
    "RS256 said, signed by HMAC": lambda: by_hand({"alg": "RS256", "kid": "rsa-1"}, claims()),
    "RS512 by our own key": lambda: signed_by(rsa_key(), "RS512", kid="rsa-1"),
    "PS256 by our own key": lambda: signed_by(rsa_key(), "PS256", kid="rsa-1"),
    "ES384 by a key of the set": lambda: signed_by(ec_key("p384"), "ES384", kid="ec-384"),
    "ES256 said, by an ES384 key of the set": lambda: by_curve(ec_key("p384"), kid="ec-384"),
    "ES256 said, by an ES384 key under another's name": lambda: by_curve(ec_key("p384"), kid="ec-1"),
    "ES256 by a stranger": lambda: signed_by(ec_key("stranger"), "ES256", kid="ec-1"),
    "ES256 with a signature of zeros": lambda: ".".join(
        [*signed_by(ec_key(), "ES256", kid="ec-1").split(".")[:2], part(bytes(64))]
    ),
    "kid a path": lambda: wrongly_named("../../../../etc/passwd"),
    "kid /dev/null and an empty key": lambda: under_an_empty_key("../../../../dev/null"),
    "kid SQL": lambda: wrongly_named("x' UNION SELECT 'aaaa' --"),
    "kid an address": lambda: wrongly_named(_STRANGER),
    "kid a command": lambda: wrongly_named("rsa-1|/bin/true"),
    "kid very long": lambda: wrongly_named("k" * 201),
    "kid empty": lambda: wrongly_named(""),
    "kid a number": lambda: by_hand({"alg": "HS256", "typ": "JWT", "kid": 1}, claims()),
    "jku": lambda: by_stranger(jku=_STRANGER, kid="rsa-1"),
    "jku beside a good signature": lambda: hs(jku=_STRANGER),
    "x5u": lambda: by_stranger(x5u=_STRANGER, kid="rsa-1"),
    "x5c": lambda: by_stranger(x5c=["MIIB"], kid="rsa-1"),
    "jwk, the stranger's own key": lambda: by_stranger(jwk=jwk(rsa_key("stranger"), "rsa-1"), kid="rsa-1"),
    "crit": lambda: hs(crit=["exp"]),
    "b64 false": lambda: hs(b64=False, crit=["b64"]),
    "zip": lambda: hs(zip="DEF"),
    "a token in a token": lambda: hs(cty="JWT"),
    "expired": lambda: hs(claims(exp=NOW - 31)),
    "no exp": lambda: hs(claims(exp=None)),
    "exp a text": lambda: hs(claims(exp="9999999999")),
    "exp true": lambda: hs(claims(exp=True)),
    "exp beyond every number": lambda: by_hand(
        {"alg": "HS256"}, json.dumps(claims())[:-1].encode() + b', "exp2": 1e999}'
    ),
    "exp NaN": lambda: hs(claims(exp=float("nan"))),
    "not valid yet": lambda: hs(claims(nbf=NOW + 31)),
    "issued in the future": lambda: hs(claims(iat=NOW + 31)),
    "another audience": lambda: hs(claims(aud="https://other.example")),
    "audiences without ours": lambda: hs(claims(aud=["https://other.example", f"{AUDIENCE}.evil.example"])),
    "no audience": lambda: hs(claims(aud=None)),
    "an object as audience": lambda: hs(claims(aud={AUDIENCE: 1})),
    "another issuer": lambda: hs(claims(iss="https://accounts.example.evil.example")),
    "no issuer": lambda: hs(claims(iss=None)),
    "issuers in a list": lambda: hs(claims(iss=[ISSUER])),
    "typ dpop+jwt": lambda: hs(typ="dpop+jwt"),
    "typ logout+jwt": lambda: hs(typ="logout+jwt"),
    "a refresh token": lambda: hs(claims(type="refresh")),
    "a refresh token, as another service names it": lambda: hs(claims(token_use="refresh_token")),
    "by an empty secret": lambda: hs(key=""),
    "by a guessed secret": lambda: hs(key="secret"),
    "by a part of the secret": lambda: hs(key=SECRET[:-1]),
    "by a secret that is no more": lambda: hs(key="a-secret-that-was-rotated-out-long-ago-1234"),
    "huge": lambda: hs(claims(filler="x" * 8192)),
    "deeply nested": lambda: by_hand({"alg": "HS256"}, b"[" * 5000),
    "a cut signature": lambda: cut(hs(), 1),
    "half a signature": lambda: cut(hs(), 22),
    "no signature": lambda: hs().rpartition(".")[0] + ".",
    "signature of another token": lambda: (
        hs().rpartition(".")[0] + "." + hs(claims(exp=NOW + 1)).split(".")[2]
    ),
    "another user under the same signature": altered,
    "the user twice": lambda: twins(userId='"admin"'),
    "exp twice": lambda: twins(exp="99999999999"),
    "two dots only": lambda: "..",
    "two parts": lambda: hs().rpartition(".")[0],
    "four parts": lambda: hs() + ".e30",
    "padding": lambda: f"{hs()}=",
    "a line break": lambda: spaced(hs()),
    "claims that are a list": lambda: by_hand({"alg": "HS256"}, [claims()]),
    "no user": lambda: hs(claims(userId=None)),
    "a user of true": lambda: hs(claims(userId=True)),
    "a user that is a list": lambda: hs(claims(userId=["u-1"])),
    "a user of null, and another in sub": lambda: by_hand(
        {"alg": "HS256"}, {**claims(sub="u-2"), "userId": None}
    ),
    "a user with a line break": lambda: hs(claims(userId="u-1\nrole: admin")),
    "a user of 201 letters": lambda: hs(claims(userId="u" * 201)),
    "empty": lambda: "",
}


def read(token: str) -> Any:
    """What a token's payload says, for tests that look at what they forged."""
    return msgspec.json.decode(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
