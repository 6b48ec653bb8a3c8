"""Secrets by reference: a setting says where its secret is kept, and the secret never stands in an environment.

    secretsmanager:NAME            AWS Secrets Manager (needs the extra `aws`)
    ssm:/path                      AWS Systems Manager Parameter Store
    file:/run/secrets/name         a file, as container platforms mount them

What is kept there is the plain secret, a list of them in JSON (newest first), or an object: then `#field` behind the
reference names one of its fields; the only one, and `key`, need not be named. RAZORPAY_SECRET_NAME and
SHIPROCKET_SECRET_NAME name one object that fills several settings; what is set by itself goes before it. Stripe's key
has several names, and one value: two that differ are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from onpaid.errors import SettingsError

Fetch = Callable[[str, str], str]
"""From a scheme and a name to the secret's text. Raises SettingsError."""

SCHEMES: Final = ("secretsmanager", "ssm", "file")
OBJECTS: Final[dict[str, dict[str, str]]] = {
    "RAZORPAY_SECRET_NAME": {
        "key_id": "RAZORPAY_KEY_ID",
        "key_secret": "RAZORPAY_KEY_SECRET",
        "webhook_secret": "RAZORPAY_WEBHOOK_SECRET",
    },
    "SHIPROCKET_SECRET_NAME": {"email": "SHIPROCKET_EMAIL", "password": "SHIPROCKET_PASSWORD"},
}
USUAL_FIELD: Final = "key"
STRIPE_KEY: Final = ("STRIPE_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_SECRET")
STRIPE_PARAMETERS: Final = (
    "STRIPE_SECRET_PARAMETER",
    "STRIPE_SECRET_KEY_PARAMETER",
    "STRIPE_API_KEY_PARAMETER",
)
_YES: Final = frozenset({"true", "yes", "1", "on"})


def resolved(values: Mapping[str, str], secret: Collection[str], fetch: Fetch) -> dict[str, str]:
    """The settings with every reference replaced by what it stands for. Raises SettingsError, naming the setting."""
    found = dict(values)
    for name, fields in OBJECTS.items():
        given = values.get(name, "").strip()
        if not given or (name == "SHIPROCKET_SECRET_NAME" and not _from_aws(values, given)):
            continue
        scheme, place = _parted(given) or ("secretsmanager", given)
        kept = _kept(name, scheme, place, fetch)
        if not isinstance(kept, dict):
            raise SettingsError(f"{name}: {place} must be a JSON object with {', '.join(fields)}")
        for field, setting in fields.items():
            if field in kept and not values.get(setting, "").strip():
                found[setting] = _listed(name, kept[field])
    for name in secret:
        parted = _parted(found.get(name, "").strip())
        if parted is not None:
            found[name] = _looked_up(name, parted, fetch)
    return _with_stripe_key(found, fetch)


def _with_stripe_key(found: dict[str, str], fetch: Fetch) -> dict[str, str]:
    """STRIPE_API_KEY filled from whichever of its names is set. Raises SettingsError if two of them differ."""
    given = {name: found[name].strip() for name in STRIPE_KEY if found.get(name, "").strip()}
    for name in STRIPE_PARAMETERS:
        place = found.get(name, "").strip()
        if place:
            given[name] = _looked_up(name, _parted(place) or ("ssm", place), fetch).strip()
    if len(set(given.values())) > 1:
        raise SettingsError(f"{' and '.join(given)} differ: they are names of one key, so set one of them")
    return {**found, "STRIPE_API_KEY": next(iter(given.values()))} if given else found


def _looked_up(name: str, parted: tuple[str, str], fetch: Fetch) -> str:
    scheme, place = parted
    place, _, field = place.partition("#")
    return _one(name, _kept(name, scheme, place, fetch), field)


def fetch_secret(scheme: str, name: str) -> str:
    """The text of a secret, as kept now."""
    if scheme == "file":
        try:
            return Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name} cannot be read: {getattr(error, 'strerror', error)}") from None
    try:
        import boto3  # noqa: F401
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise SettingsError(f"{scheme}:{name} needs AWS's client: pip install 'onpaid[aws]'") from None
    try:
        client = _client(scheme)
        if scheme == "ssm":
            told = client.get_parameter(Name=name, WithDecryption=True)
            return str(told["Parameter"]["Value"])
        return str(client.get_secret_value(SecretId=name)["SecretString"])
    except ClientError as bad:
        why = bad.response.get("Error", {}).get("Code", "an error")
    except (BotoCoreError, KeyError) as bad:
        why = type(bad).__name__
    raise SettingsError(f"{scheme}:{name} cannot be read: AWS answered {why}")


@cache
def _client(service: str) -> Any:
    """A client of AWS's, made once: that takes longer than what it is asked."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10)
    return boto3.client(service, config=config)


def _from_aws(values: Mapping[str, str], given: str) -> bool:
    """SHIPROCKET_SECRET_NAME counts where USE_AWS_SECRETS says so, or where it names its place itself."""
    return values.get("USE_AWS_SECRETS", "").strip().lower() in _YES or _parted(given) is not None


def _parted(text: str) -> tuple[str, str] | None:
    scheme, colon, place = text.partition(":")
    return (scheme, place) if colon and scheme in SCHEMES and place else None


def _kept(name: str, scheme: str, place: str, fetch: Fetch) -> Any:
    """What is kept there: JSON if it is an object or a list, else the text."""
    try:
        text = fetch(scheme, place)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None
    if text.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def _one(name: str, kept: Any, field: str) -> str:
    if isinstance(kept, dict):
        if not field:
            field = next(iter(kept)) if len(kept) == 1 else USUAL_FIELD
        if field not in kept:
            raise SettingsError(f"{name}: the secret is an object: name one of its fields behind #")
        return _listed(name, kept[field])
    if field:
        raise SettingsError(f"{name}: the secret is no object, so it has no field {field!r}")
    return _listed(name, kept)


def _listed(name: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    if isinstance(value, str):
        return value
    raise SettingsError(f"{name}: the secret must be a text, or a list of texts")
