"""Signatures: known values, agreement with Stripe's own library, and forgeries that are none."""

import time

import pytest
from stripe import SignatureVerificationError, WebhookSignature

from onpaid.simulators.plan import FORGERIES, Mischief
from onpaid.simulators.signing import forged_header, secrets_in_use, signature, signed_header

BODY = '{"id": "evt_1", "name": "Åse"}'


@pytest.mark.parametrize(
    ("secret", "at", "body", "digest"),
    [
        ("whsec_test", 1, b"", "eb99cf7166ccb885ed83f41eccdd0c6f555a89a301d4ab8475e40f58c3b19443"),
        (
            "whsec_test",
            1_700_000_000,
            BODY.encode(),
            "d6b1017cca7e738470ff75338e38af7c8e655d14899535f712849b77ba84a849",
        ),
    ],
)
def test_vectors(secret: str, at: int, body: bytes, digest: str) -> None:
    assert signature(secret, body, at) == digest


def test_the_header_is_as_stripe_makes_it() -> None:
    at = int(time.time())
    assert signed_header(["whsec_a"], BODY.encode(), at) == WebhookSignature.generate_signature_header(
        BODY, "whsec_a", at
    )


@pytest.mark.parametrize("signer", ["newest", "old", "both"])
def test_stripes_library_accepts_it_with_the_secret_that_signed(signer: str) -> None:
    secrets = secrets_in_use(["whsec_new", "whsec_old"], Mischief(signer=signer))  # type: ignore[arg-type]
    header = signed_header(secrets, BODY.encode(), int(time.time()))
    accepted = set()
    for secret in ("whsec_new", "whsec_old"):
        try:
            WebhookSignature.verify_header(BODY, header, secret, 300)
            accepted.add(secret)
        except SignatureVerificationError:
            pass
    assert (
        accepted
        == {"newest": {"whsec_new"}, "old": {"whsec_old"}, "both": {"whsec_new", "whsec_old"}}[signer]
    )


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_one(forgery: str) -> None:
    now = int(time.time())
    forged = BODY.replace("evt_1", "evt_2")
    header = forged_header(forgery, ["whsec_new"], BODY.encode(), forged.encode(), now)
    if header is None:
        assert forgery == "no signature"
        return
    stamp = int(header.split(",")[0].removeprefix("t="))
    try:
        WebhookSignature.verify_header(forged, header, "whsec_new", 300)
        in_time = abs(now - stamp) <= 300
    except SignatureVerificationError:
        return
    assert (
        forgery == "too new"
    )  # the library looks at old times only; whoever checks both ways refuses this one
    assert not in_time
