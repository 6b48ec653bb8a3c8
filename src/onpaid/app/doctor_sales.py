"""What is missing or wrong in the story of sales at Stripe before users pay: their tokens, and where they return to.

As in `doctor.py`, each check is a function from the settings to findings, and no sentence holds a secret.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from onpaid.app.doctor import Finding
from onpaid.app.meant import stories
from onpaid.app.session_request import LOOPBACK
from onpaid.app.token_keys import SHORTEST_SECRET, ReadKeys, looks_public, read_key_set
from onpaid.errors import OnpaidError
from onpaid.settings import Settings

FROM_WHOM: Final = {
    "JWT_AUDIENCE": "a token that was made for another service of yours is good here",
    "JWT_ISSUER": "a token is believed whoever issued it, if its key fits",
}


def about_sales(settings: Settings, *, live: bool) -> list[Finding]:
    """Everything about sessions and the tokens of those who ask for them. `live` says that real money is meant."""
    found: list[Finding] = []
    asked = bool(settings["JWT_ACCESS_TOKEN_SECRET"] or settings["JWT_JWKS"])
    origins = settings["CHECKOUT_RETURN_ORIGINS"]
    if not asked:
        says = "Neither JWT_ACCESS_TOKEN_SECRET nor JWT_JWKS is set: nobody can open a session"
        found.append(Finding(f"{says}, since no user's token is believed.", wrong=bool(origins)))
        return found
    if not origins:
        found.append(
            Finding(
                "CHECKOUT_RETURN_ORIGINS is not set: every request for a session is refused. Name the web pages that "
                "users return to, such as https://shop.example."
            )
        )
    unsafe = [
        each for each in origins if each.startswith("http:") and urlsplit(each).hostname not in LOOPBACK
    ]
    if unsafe:
        says = f"CHECKOUT_RETURN_ORIGINS names {unsafe[0]}: users are only led back to https."
        found.append(Finding(says))
    if not settings["CHECKOUT_ORIGINS"] and not stories(settings).delivers:  # which says so as well
        says = (
            "CHECKOUT_ORIGINS is not set: only pages of this service's own address, and servers, may call it."
        )
        found.append(Finding(says, wrong=False))
    return found + about_tokens(settings, live=live)


def about_tokens(settings: Settings, *, live: bool) -> list[Finding]:
    """Whether the tokens of users can be told from forged ones."""
    found: list[Finding] = []
    secrets = settings["JWT_ACCESS_TOKEN_SECRET"]
    if any(looks_public(secret) for secret in secrets):
        says = (
            "JWT_ACCESS_TOKEN_SECRET holds a key in PEM or JWK, which others know: anybody could make tokens."
        )
        found.append(Finding(f"{says} Put public keys into JWT_JWKS."))
    elif any(len(secret.encode()) < SHORTEST_SECRET for secret in secrets):
        says = f"JWT_ACCESS_TOKEN_SECRET has a secret of less than {SHORTEST_SECRET} bytes: it can be guessed from a "
        found.append(
            Finding(f"{says}single token. A blank or a comma in it makes two secrets of one.", wrong=live)
        )
    known = {settings["ONPAID_ADMIN_TOKEN"], settings["ONPAID_VIEWER_TOKEN"], *settings["ONPAID_LINK_SECRET"]}
    if known.intersection(secrets):
        found.append(
            Finding("JWT_ACCESS_TOKEN_SECRET is also another secret of this service: choose another.")
        )
    for name in settings.missing(*FROM_WHOM):
        found.append(Finding(f"{name} is not set: {FROM_WHOM[name]}.", wrong=live))
    if not settings["JWT_USER_CLAIM"].split():
        found.append(Finding("JWT_USER_CLAIM names no claim: no token would name a user."))
    return found


async def about_keys(read: ReadKeys) -> list[Finding]:
    """Whether the public keys of tokens can be read from where JWT_JWKS says, and what is there."""
    try:
        keys = read_key_set(await read())
    except OnpaidError as bad:
        why = str(bad)
        return [Finding(f"{why if why.startswith('JWT_JWKS') else f'JWT_JWKS cannot be used: {why}'}.")]
    counted = {name: len(each) for name, each in keys.items() if each}
    if not counted:
        return [Finding("JWT_JWKS holds no public key for RS256 (2048 bits at least) or ES256.")]
    told = " and ".join(f"{count} of {name}" for name, count in counted.items())
    return [Finding(f"JWT_JWKS can be read; its keys: {told}.", wrong=False)]
