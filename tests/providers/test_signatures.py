"""Signatures: what is accepted and what is not, beside Stripe's own implementation; and forgeries."""

import ast
import hmac
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onpaid
from onpaid.errors import BadSignature, SettingsError
from onpaid.providers.konverzky import Konverzky, Settings, strength
from onpaid.providers.signatures import LONGEST_HEADER, Signer, matches
from onpaid.providers.stripe import Settings as StripeSettings
from onpaid.providers.stripe import Stripe
from tests.providers.forged_delivery import SCHEMES, genuine, pair_of, sources
from tests.providers.forgeries import BODY, NOW, SECRETS, TOKEN, attack, forge

SECONDS = NOW // 1000
NEW, OLD = SECRETS


def signature(secret: str = NEW, stamp: int | str = SECONDS, body: bytes = BODY) -> str:
    return hmac.digest(secret.encode(), f"{stamp}.".encode() + body, "sha256").hex()


def verdict(
    header: str | None, secrets: tuple[str, ...] = SECRETS, body: bytes = BODY, now: int = NOW
) -> bool:
    try:
        Signer(secrets).verify(header, body, now)
    except BadSignature:
        return False
    return True


def at(seconds: int, secret: str = NEW) -> str:
    return f"t={seconds},v1={signature(secret, seconds)}"


TABLE: dict[str, tuple[str | None, bool]] = {
    "the newest secret": (at(SECONDS), True),
    "the one before, during a rotation": (at(SECONDS, OLD), True),
    "both secrets, new first": (f"t={SECONDS},v1={signature(NEW)},v1={signature(OLD)}", True),
    "a foreign v1 before ours": (f"t={SECONDS},v1={'0' * 64},v1={signature(OLD)}", True),
    "v1 before t": (f"v1={signature()},t={SECONDS}", True),
    "another scheme beside it": (f"t={SECONDS},v1={signature()},v0={'1' * 64}", True),
    "300 s ago": (at(SECONDS - 300), True),
    "300 s ahead": (at(SECONDS + 300), True),
    "301 s ago": (at(SECONDS - 301), False),
    "301 s ahead": (at(SECONDS + 301), False),
    "an hour ahead": (at(SECONDS + 3600), False),
    "a secret that is not ours": (at(SECONDS, "whsec_other"), False),
    "an empty secret": (at(SECONDS, ""), False),
    "no header": (None, False),
    "an empty header": ("", False),
    "no time": (f"v1={signature()}", False),
    "no signature": (f"t={SECONDS}", False),
    "only v0": (f"t={SECONDS},v0={signature()}", False),
    "two times": (f"t={SECONDS},t={SECONDS},v1={signature()}", False),
    "a negative time": (f"t=-5,v1={signature(stamp='-5')}", False),
    "a time with a fraction": (f"t={SECONDS}.5,v1={signature(stamp=f'{SECONDS}.5')}", False),
    "a time in other digits": (f"t=\u0661\u0662,v1={signature()}", False),
    "a time of a thousand digits": (f"t={'9' * 1000},v1={signature()}", False),
    "spaces": (f"t={SECONDS}, v1={signature()}", False),
    "an empty item": (f"t={SECONDS},,v1={signature()}", False),
    "upper-case hex": (f"t={SECONDS},v1={signature().upper()}", False),
    "a short signature": (f"t={SECONDS},v1={signature()[:32]}", False),
    "lone surrogates": (f"t={SECONDS},v1={signature()}\ud800", False),
    "far too long": (f"t={SECONDS}," + "v1=a," * LONGEST_HEADER + f"v1={signature()}", False),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_accepted(name: str) -> None:
    header, accepted = TABLE[name]
    assert verdict(header) is accepted


def test_a_signature_is_for_these_bytes_alone() -> None:
    assert verdict(at(SECONDS))
    assert not verdict(at(SECONDS), body=BODY + b"\n")
    assert not verdict(at(SECONDS), body=BODY.replace(b" ", b""))
    assert verdict(f"t={SECONDS},v1={signature(body=b'')}", body=b"")


def test_a_replay_within_the_tolerance_is_let_in_and_later_not() -> None:
    """Within it, only the store's memory of the event keeps a replay from counting."""
    header = at(SECONDS)
    assert verdict(header, now=NOW + 300_999)
    assert not verdict(header, now=NOW + 301_000)


@pytest.mark.parametrize("secrets", [(), ("",), ("", " \n"), ("\t",)])
def test_no_secret_closes_the_endpoint(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BadSignature, match="closed"):
        Signer(secrets).verify(f"t={SECONDS},v1={signature('')}", BODY, NOW)
    with pytest.raises(BadSignature, match="closed"):
        Konverzky(Settings("header", secrets)).verify({"x-onpaid-secret": ""}, BODY, NOW)
    with pytest.raises(BadSignature, match="closed"):
        Konverzky(Settings("path", secrets)).verify({}, BODY, NOW, token="")
    with pytest.raises(BadSignature, match="closed"):
        Stripe(StripeSettings(webhook_secrets=secrets)).verify(
            {"stripe-signature": at(SECONDS, "")}, BODY, NOW
        )
    for name, source in sources(secrets).items():
        headers, body, token = genuine(name, secret="")
        with pytest.raises(BadSignature, match="closed"):
            source.verify(headers, body, NOW, token=token)


def test_an_empty_secret_beside_a_real_one_opens_nothing() -> None:
    assert verdict(at(SECONDS), secrets=("", NEW))
    assert not verdict(at(SECONDS, ""), secrets=("", NEW))


@given(st.text(max_size=400), st.integers(1_000_000_000, 4_000_000_000))
def test_what_stripe_signs_we_accept(payload: str, seconds: int) -> None:
    """The vectors of the official library, whatever the body."""
    from stripe import WebhookSignature

    body = payload.encode("utf-8", "replace")
    header = WebhookSignature.generate_signature_header(body.decode(), NEW, seconds)
    assert verdict(header, body=body, now=seconds * 1000)
    assert Signer((NEW,)).header(body, seconds * 1000) == header


@given(
    header=st.text(max_size=200) | st.from_regex(r"t=[0-9]{1,12}(,v1=[0-9a-f]{1,64}){0,3}", fullmatch=True)
)
def test_no_header_raises_anything_else(header: str) -> None:
    assert verdict(header) is False


@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_body_may_change(at: int, bit: int) -> None:
    body = bytearray(BODY)
    body[at] ^= 1 << bit
    assert not verdict(f"t={SECONDS},v1={signature()}", body=bytes(body))


def test_forgeries_are_refused_and_nothing_else_happens() -> None:
    for scheme, result in forge(2_000, seed=1).items():
        assert (scheme, result["accepted"], result["exceptions"]) == (scheme, 0, 0)


def test_forging_would_notice_an_open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a verifier that believes everything is found out."""
    monkeypatch.setattr(Signer, "verify", lambda *_: None)
    assert forge(10)["stripe"]["accepted"] == 10


def test_every_forger_would_notice_an_open_door() -> None:
    class Gullible:
        def verify(self, *_: object, **__: object) -> None:
            return None

    for _, attempt in SCHEMES.values():
        assert attack(Gullible(), attempt, 20, random.Random(1))["accepted"] == 20


over_schemes = pytest.mark.parametrize("name", SCHEMES)


@over_schemes
def test_what_the_real_sender_sends_is_let_in(name: str) -> None:
    headers, body, token = genuine(name)
    SCHEMES[name][0].verify(headers, body, NOW, token=token)


@over_schemes
def test_a_replay_of_what_has_no_time_is_let_in_for_ever(name: str) -> None:
    """None of these signs a time, so only the store's memory keeps a replay from counting: tests/app/test_replays.py."""
    headers, body, token = genuine(name)
    for now in (0, NOW - 10**12, NOW + 10**12):
        SCHEMES[name][0].verify(headers, body, now, token=token)


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "razorpay page"])
def test_either_of_two_secrets_is_good_while_one_is_replaced(name: str) -> None:
    new, old = pair_of(name)
    for secret in (new, old):
        headers, body, token = genuine(name, secret=secret)
        sources((new, old))[name].verify(headers, body, NOW, token=token)
    headers, body, token = genuine(name, secret=old)
    with pytest.raises(BadSignature):
        sources((new,))[name].verify(headers, body, NOW, token=token)


@pytest.mark.parametrize("name", ["razorpay", "meta", "twilio"])
def test_the_old_signature_does_not_fit_a_new_body(name: str) -> None:
    headers, body, token = genuine(name)
    with pytest.raises(BadSignature):
        SCHEMES[name][0].verify(headers, body.replace(b"e", b"E", 1), NOW, token=token)


def test_the_three_ways_of_a_shop() -> None:
    by_header = Konverzky(Settings("header", SECRETS))
    for headers in (
        {"x-onpaid-secret": NEW},
        {"x-onpaid-secret": OLD},
        {"authorization": f"Bearer {NEW}"},
        {"authorization": f"bearer  {OLD} "},
    ):
        by_header.verify(headers, BODY, NOW)
    for headers in (
        {},
        {"x-onpaid-secret": ""},
        {"x-onpaid-secret": NEW + " "},
        {"authorization": NEW},
        {"authorization": f"Basic {NEW}"},
        {"x-onpaid-secret": "wrong", "authorization": f"Bearer {NEW}"},
    ):
        with pytest.raises(BadSignature):
            by_header.verify(headers, BODY, NOW, token=NEW)
    by_path = Konverzky(Settings("path", (TOKEN,)))
    by_path.verify({}, BODY, NOW, token=TOKEN)
    for token in (None, "", TOKEN[:-1], TOKEN + "/", TOKEN.lower()):
        with pytest.raises(BadSignature):
            by_path.verify({"x-onpaid-secret": TOKEN}, BODY, NOW, token=token)
    by_hmac = Konverzky(Settings("hmac", SECRETS))
    by_hmac.verify({"x-onpaid-signature": at(SECONDS)}, BODY, NOW)
    with pytest.raises(BadSignature):
        by_hmac.verify({"x-onpaid-secret": NEW, "stripe-signature": at(SECONDS)}, BODY, NOW, token=NEW)


@pytest.mark.parametrize(
    "token",
    [
        "short",
        "a" * 64,
        "abc" * 20,
        "password-password-password",
        "0123456789abcdef" * 1,
        "Jq3vV0yXwT7pLr2NnK5s/",
        "ø" * 40,
    ],
)
def test_a_token_in_a_url_needs_128_bits(token: str) -> None:
    assert strength(token) < 128
    with pytest.raises(SettingsError, match="128"):
        Settings("path", (TOKEN, token))
    Settings("header", (token,))


def test_tokens_that_are_strong_enough() -> None:
    assert strength("0123456789abcdef" * 2) == 128
    assert strength(TOKEN) == 144


def test_settings_do_not_show_their_secrets() -> None:
    for settings in (
        Settings("path", (TOKEN,)),
        StripeSettings(api_key="sk_test_x", webhook_secrets=(TOKEN,)),
    ):
        assert TOKEN not in repr(settings)
        assert "sk_test_x" not in repr(settings)


def test_matches_takes_whatever_it_is_shown() -> None:
    assert matches("é", ("é".encode(),))
    for odd in (None, "", "\ud800", "é"):
        assert not matches(odd, (b"key",))


SECRET_NAMES = re.compile(r"(^|_)(secret|signature|token|hmac|password|api_?key|csrf)s?($|_)", re.IGNORECASE)


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return (
            _named(node.value) + " " + (str(node.slice.value) if isinstance(node.slice, ast.Constant) else "")
        )
    if isinstance(node, ast.Call):
        return (
            _named(node.func) + " " + " ".join(str(a.value) for a in node.args if isinstance(a, ast.Constant))
        )
    return ""


def test_secrets_are_compared_in_constant_time() -> None:
    """`==` tells by its duration how much of a secret was right. Against a literal nothing is to be learnt; the
    simulators, which are other people's servers, may compare as they like."""
    found, package = [], Path(onpaid.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if "simulators" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) for side in sides):
                continue
            exact = any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops)
            if exact and any(SECRET_NAMES.search(word) for side in sides for word in _named(side).split()):
                found.append(f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []
