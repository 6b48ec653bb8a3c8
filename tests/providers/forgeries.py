"""Forged webhooks by the million: `forge(n, seed)` says how many were accepted, and how many raised anything odd.

Each scheme of proving who sent a webhook is attacked `n` times with a mutation of a genuine request that its sender
did not make. Also runs by itself: `python -m tests.providers.forgeries 1000000 7`.
"""

import hmac
import random
import sys
from collections.abc import Callable
from typing import Any

from onpaid.errors import BadSignature
from onpaid.providers.konverzky import Konverzky, Settings
from onpaid.providers.signatures import TOLERANCE
from onpaid.providers.stripe import Settings as StripeSettings
from onpaid.providers.stripe import Stripe
from tests.providers import forged_delivery
from tests.providers.mutations import Attempt, other_body, other_text

NOW = 1_795_600_000_000
SECRETS = ("whsec_Qm9uZ28gZHJ1bXMgYXJlIGxvdWQ", "whsec_VGhlIG9uZSBiZWZvcmUgdGhpcyBvbmU")
TOKEN = "Jq3vV0yXwT7pLr2NnK5sHd8f"
BODY = b'{"id": "evt_1", "object": "event", "data": {"object": {"amount": 49800, "currency": "nok"}}}'


def _signed(secret: str, stamp: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()


def _hmac_attempts(header_name: str) -> Callable[[random.Random], Attempt]:
    def attempt(dice: random.Random) -> Attempt:
        seconds = NOW // 1000 + dice.randint(-TOLERANCE, TOLERANCE)
        stamp = str(seconds)
        genuine = f"t={stamp},v1={_signed(dice.choice(SECRETS), stamp, BODY)}"
        kind = dice.randrange(8)
        body, header = BODY, genuine
        if kind <= 2:
            header = other_text(dice, genuine)
        elif kind == 3:
            body = other_body(dice, BODY)
        elif kind == 4:  # the genuine signature under another time
            other = seconds + dice.choice((-1, 1)) * dice.randint(1, 10**6)
            header = f"t={other},{genuine.partition(',')[2]}"
        elif kind == 5:  # signed properly, too long ago or too far ahead
            late = str(NOW // 1000 + dice.choice((-1, 1)) * dice.randint(TOLERANCE + 1, 10**8))
            header = f"t={late},v1={_signed(SECRETS[0], late, BODY)}"
        elif kind == 6:  # signed properly with another secret, or none
            wrong = dice.choice(
                ("", SECRETS[0][:-1], SECRETS[0] + "x", "whsec_", other_text(dice, "whsec_abc"))
            )
            header = f"t={stamp},v1={hmac.digest(wrong.encode('utf-8', 'replace'), BODY, 'sha256').hex()}"
        else:  # another scheme, or none, or both times
            right = _signed(SECRETS[0], stamp, BODY)
            header = dice.choice(
                (
                    f"t={stamp},v0={right}",
                    f"t={stamp},v2={right}",
                    f"t={stamp}",
                    f"v1={right}",
                    f"t={stamp},t={seconds + 1},v1={right}",
                    f"t={stamp},v1={right.upper()}",
                    f"t=-{stamp},v1={right}",
                    f"t={stamp}.0,v1={right}",
                    f"t={stamp};v1={right}",
                    f"t={stamp},v1={right[:63]}",
                    f"t={stamp},v1={right}{right}",
                    "t=" + "9" * 400 + f",v1={right}",
                    f"t={stamp}" + ",v1=" * 3000,
                    "",
                )
            )
        return ({header_name: header} if header or dice.random() < 0.5 else {}), body, None

    return attempt


def _header_attempt(dice: random.Random) -> Attempt:
    secret = other_text(dice, dice.choice(SECRETS))
    if dice.random() < 0.5:
        return {"x-onpaid-secret": secret}, BODY, dice.choice((None, SECRETS[0]))
    scheme = dice.choice(("Bearer ", "bearer ", "Basic ", "", "Bearer"))
    return {"authorization": scheme + secret}, BODY, None


def _path_attempt(dice: random.Random) -> Attempt:
    token = dice.choice((None, "", other_text(dice, TOKEN)))
    return {"x-onpaid-secret": TOKEN, "authorization": f"Bearer {TOKEN}"}, BODY, token


def forge(n: int, seed: int = 0) -> dict[str, dict[str, int]]:
    """Attack each scheme `n` times: how many were sent, accepted, and raised anything but BadSignature."""
    stripe = Stripe(StripeSettings(webhook_secrets=SECRETS))
    schemes: dict[str, tuple[Any, Callable[[random.Random], Attempt]]] = {
        "stripe": (stripe, _hmac_attempts("stripe-signature")),
        "konverzky hmac": (Konverzky(Settings("hmac", SECRETS)), _hmac_attempts("x-onpaid-signature")),
        "konverzky header": (Konverzky(Settings("header", SECRETS)), _header_attempt),
        "konverzky path": (Konverzky(Settings("path", (TOKEN,))), _path_attempt),
        **forged_delivery.SCHEMES,
    }
    return {
        name: attack(source, attempt, n, random.Random(f"{seed} {name}"))
        for name, (source, attempt) in schemes.items()
    }


def attack(
    source: Any, attempt: Callable[[random.Random], Attempt], n: int, dice: random.Random
) -> dict[str, int]:
    """`n` attempts upon one source."""
    accepted = exceptions = 0
    for _ in range(n):
        headers, body, token = attempt(dice)
        try:
            source.verify(headers, body, NOW, token=token)
            accepted += 1
        except BadSignature:
            pass
        except Exception:
            exceptions += 1
    return {"sent": n, "accepted": accepted, "exceptions": exceptions}


if __name__ == "__main__":
    print(
        forge(
            int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0
        )
    )
