"""How the senders of the story of delivery prove themselves, each with a forger: Razorpay's webhook and page, Meta,
Twilio, the token of the tracking webhook, and the secret paths of MSG91 and WATI.

None of these schemes signs a time: what a forger has seen can be sent again, which the store's memory answers.
"""

import hmac
import random
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from onpaid.clock import Instant
from onpaid.errors import BadSignature
from onpaid.providers import meta_webhook, msg91_webhook, twilio_webhook, wati_webhook
from onpaid.providers.razorpay import Razorpay
from onpaid.providers.razorpay import Settings as RazorpaySettings
from onpaid.providers.shiprocket import Settings as ShiprocketSettings
from onpaid.providers.shiprocket_webhook import ShiprocketTracking
from tests.providers.mutations import Attempt, other_body, other_text

SECRETS = ("hook_Qm9uZ28gZHJ1bXMgYXJlIGxvdWQ", "hook_VGhlIG9uZSBiZWZvcmUgdGhpcyBvbmU")
KEY_SECRET = "key_QSBrZXkgaXMgbm8gd2ViaG9vaydz"
TOKENS = ("Jq3vV0yXwT7pLr2NnK5sHd8f", "mZ8kT1bWc4Rd6Xe0Yf2Gh3Jk")
BODY = b'{"entity":"event","event":"payment.captured","created_at":1795600000,"payload":{"amount":150000}}'
FORM = {"MessageSid": "SM" + "a" * 32, "MessageStatus": "delivered", "AccountSid": "AC1"}
FORM_BODY = "&".join(f"{name}={value}" for name, value in FORM.items()).encode()
CALLBACK = "https://shop.example/webhooks/twilio"
REF = "b25wYWlkOnNob3AvMQ"
ORDER_ID, PAYMENT_ID = "order_DESxiijbl9xjDB", "pay_DESyzxuld02Zul"

Forger = Callable[[random.Random], Attempt]


def _hex(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    return hmac.digest(secret.encode("utf-8", "replace"), body, algorithm).hex()


def _wrong_secret(dice: random.Random) -> str:
    near = dice.choice(SECRETS)
    other = other_text(dice, near)
    while other.rstrip("\0") in SECRETS:  # HMAC fills keys up with noughts, so these make none other
        other = other_text(dice, near)
    return dice.choice(("", near[:-1], near + "x", KEY_SECRET, f" {near}", other))


def _body_forger(header: str, scheme: str = "") -> Forger:
    """Of a header with the hexadecimal HMAC of the body."""

    def attempt(dice: random.Random) -> Attempt:
        right = _hex(dice.choice(SECRETS), BODY)
        kind = dice.randrange(7)
        body, shown = BODY, scheme + right
        if kind <= 2:
            shown = other_text(dice, shown)
        elif kind == 3:
            body = other_body(dice, BODY)
        elif kind == 4:
            shown = scheme + _hex(_wrong_secret(dice), BODY)
        elif kind == 5:  # the right key in another way
            algorithm = dice.choice(("sha1", "sha512", "md5", "sha3_256"))
            raw = hmac.digest(SECRETS[0].encode(), BODY, "sha256")
            shown = scheme + dice.choice((_hex(SECRETS[0], BODY, algorithm), b64encode(raw).decode()))
        else:
            odd = (f"{scheme}{right.upper()}", f"{shown},{shown}", f" {shown}", f"{shown}\n", f"sha1={right}")
            shown = dice.choice((*odd, scheme + right[:63], scheme + right * 2, "sha256=", "", "0" * 10_000))
        return ({header: shown} if shown or dice.random() < 0.5 else {}), body, None

    return attempt


def _twilio_signature(secret: str, url: str, fields: Mapping[str, str], algorithm: str = "sha1") -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.digest(secret.encode("utf-8", "replace"), signed.encode(), algorithm)
    return b64encode(digest).decode()


def _twilio_forger(dice: random.Random) -> Attempt:
    url = f"{CALLBACK}/{REF}"
    headers = {"x-twilio-signature": _twilio_signature(dice.choice(SECRETS), url, FORM)}
    body, ref = FORM_BODY, REF
    kind = dice.randrange(8)
    if kind <= 1:
        headers = {"x-twilio-signature": other_text(dice, headers["x-twilio-signature"])}
    elif kind == 2:
        body = other_body(dice, FORM_BODY)
    elif kind == 3:  # another message's address
        ref = dice.choice(("", other_text(dice, REF)))
    elif kind == 4:
        headers = {"x-twilio-signature": _twilio_signature(_wrong_secret(dice), url, FORM)}
    elif kind == 5:  # another address, or algorithm
        other = dice.choice((CALLBACK, url + "/", url.upper(), url.replace("https", "http"), url + "?a=1"))
        headers = {
            "x-twilio-signature": dice.choice(
                (
                    _twilio_signature(SECRETS[0], other, FORM),
                    _twilio_signature(SECRETS[0], url, FORM, "sha256"),
                    _twilio_signature(SECRETS[0], url, {**FORM, "New": "1"}),
                    _twilio_signature(SECRETS[0], url, {}),
                )
            )
        }
    elif kind == 6:  # as though signed by a key made for webhooks, of which there is none here
        named = dice.choice(
            ("key=1,algorithm=HMAC_SHA1", "algorithm=HMAC_MD5", "key=é", "x", ",", "=" * 9_000)
        )
        headers["x-twilio-webhooks-signature-settings"] = named
    else:
        headers = dice.choice(({}, {"x-twilio-signature": ""}, {"x-twilio-signature": "=" * 10_000}))
    return headers, body, ref


def _token_forger(dice: random.Random) -> Attempt:
    """The token changed, or in the wrong place."""
    genuine = dice.choice(TOKENS)
    shown = other_text(dice, genuine)
    elsewhere = ({"authorization": f"Bearer {genuine}"}, {"x-api-token": genuine}, {"api-key": genuine}, {})
    more = (f"Bearer {genuine}", f"{TOKENS[0]},{TOKENS[1]}", f" {genuine}", "")
    headers = dice.choice((*({"x-api-key": each} for each in (shown, shown, shown, *more)), *elsewhere))
    return headers, BODY, dice.choice((None, genuine))


def _path_forger(dice: random.Random) -> Attempt:
    """The end of the path changed, or the secret shown elsewhere."""
    genuine = dice.choice(TOKENS)
    ends = (None, "", other_text(dice, genuine), other_text(dice, genuine), f"{genuine}/", genuine.lower())
    return {"x-api-key": genuine, "authorization": f"Bearer {genuine}"}, BODY, dice.choice(ends)


class Page:
    """The signature that Razorpay's form hands to a customer's page, looked at like a webhook's."""

    def __init__(self, secret: str) -> None:
        self._razorpay = Razorpay(RazorpaySettings(key_secret=secret))

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        order, payment = body.decode("utf-8", "surrogatepass").split("|", 1)
        if not self._razorpay.verify_page(order, payment, headers["signature"]):
            raise BadSignature("not the form's")


def _page_forger(dice: random.Random) -> Attempt:
    right = _hex(KEY_SECRET, f"{ORDER_ID}|{PAYMENT_ID}".encode())
    order, payment, shown = ORDER_ID, PAYMENT_ID, right
    kind = dice.randrange(4)
    if kind == 0:
        shown = other_text(dice, right)
    elif kind == 1:
        payment = other_text(dice, PAYMENT_ID)
    elif kind == 2:  # the pair of another order
        order = ORDER_ID[:-1] + dice.choice("CDE")
        shown = dice.choice((right, _hex(SECRETS[0], f"{order}|{payment}".encode())))
    else:
        signed = dice.choice(
            (f"{payment}|{order}", f"{order}{payment}", order, payment, f"{order}|{payment}|")
        )
        shown = _hex(KEY_SECRET, signed.encode())
    return {"signature": shown}, f"{order}|{payment}".encode("utf-8", "surrogatepass"), None


def sources(secrets: Sequence[str]) -> dict[str, Any]:
    """The webhook sources of the story under these secrets."""
    given = tuple(secrets)
    return {
        "razorpay": Razorpay(RazorpaySettings(key_secret=KEY_SECRET, webhook_secrets=given)),
        "meta": meta_webhook.MetaWebhooks(meta_webhook.Settings(given)),
        "twilio": twilio_webhook.TwilioWebhooks(twilio_webhook.Settings(given, (), CALLBACK)),
        "tracking token": ShiprocketTracking(ShiprocketSettings(webhook_tokens=given)),
        "msg91 path": msg91_webhook.Msg91Webhooks(msg91_webhook.Settings(given)),
        "wati path": wati_webhook.WatiWebhooks(wati_webhook.Settings(given)),
    }


def pair_of(name: str) -> tuple[str, str]:
    """The two secrets, newest first, that are in use with this scheme."""
    return SECRETS if name in SIGNED else TOKENS


SIGNED: Final = ("razorpay", "meta", "twilio")
SCHEMES: Final[dict[str, tuple[Any, Forger]]] = {
    "razorpay": (sources(SECRETS)["razorpay"], _body_forger("x-razorpay-signature")),
    "razorpay page": (Page(KEY_SECRET), _page_forger),
    "meta": (sources(SECRETS)["meta"], _body_forger("x-hub-signature-256", "sha256=")),
    "twilio": (sources(SECRETS)["twilio"], _twilio_forger),
    "tracking token": (sources(TOKENS)["tracking token"], _token_forger),
    "msg91 path": (sources(TOKENS)["msg91 path"], _path_forger),
    "wati path": (sources(TOKENS)["wati path"], _path_forger),
}


def genuine(name: str, *, secret: str | None = None) -> Attempt:
    """A request that its sender did make, under its newest secret: a forger's control, and what a replay sends again."""
    if name == "razorpay page":
        pair = f"{ORDER_ID}|{PAYMENT_ID}".encode()
        return {"signature": _hex(KEY_SECRET, pair)}, pair, None
    key = pair_of(name)[0] if secret is None else secret
    if name == "twilio":
        return {"x-twilio-signature": _twilio_signature(key, f"{CALLBACK}/{REF}", FORM)}, FORM_BODY, REF
    if name.endswith("path"):
        return {}, BODY, key
    headers = {
        "razorpay": {"x-razorpay-signature": _hex(key, BODY)},
        "meta": {"x-hub-signature-256": "sha256=" + _hex(key, BODY)},
        "tracking token": {"x-api-key": key},
    }
    return headers[name], BODY, None
