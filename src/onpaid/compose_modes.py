"""What the settings describe: which stories are told, and whether real money is meant."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from onpaid import compose_billing, compose_delivery, compose_invoicing
from onpaid.errors import Conflict, SettingsError
from onpaid.providers import razorpay, stripe
from onpaid.settings import Settings
from onpaid.store.port import Insert, Store


@dataclass(frozen=True, slots=True)
class Stories:
    """Which stories a service tells."""

    invoices: bool
    delivers: bool
    sells: bool


def stories(settings: Settings) -> Stories:
    """Which stories the settings describe. Raises SettingsError for half a story, or none."""
    sells, delivers = compose_billing.wanted(settings), compose_delivery.wanted(settings)
    needs: tuple[str, ...] = compose_invoicing.NEEDS
    if sells:
        # Stripe's keys are then those of sales, and a shop beside them is welcome and not needed.
        missing = settings.missing(*compose_billing.NEEDS)
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}. `onpaid doctor` says what each is for")
        needs = compose_invoicing.ACCOUNTS
    invoices = compose_invoicing.wanted(settings, beside_sales=sells)
    if invoices or not (delivers or sells):
        missing = settings.missing(*needs)
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}. `onpaid doctor` says what each is for")
    return Stories(invoices, delivers, sells)


def is_live(settings: Settings) -> bool:
    """Whether real money is meant: the mode of the keys. Raises SettingsError if they differ."""
    stripe_key, razorpay_key = settings["STRIPE_API_KEY"], settings["RAZORPAY_KEY_ID"]
    modes = {bool(stripe.key_mode(stripe_key))} if stripe_key else set()
    modes |= {razorpay.key_mode(razorpay_key)} if razorpay_key else set()
    if len(modes) > 1:
        raise SettingsError(
            "STRIPE_API_KEY and RAZORPAY_KEY_ID are of different modes: both live, or both test"
        )
    return modes == {True}


async def keep_to_one_mode(store: Store, *, live: bool) -> None:
    """A database that has seen test orders never becomes a live one: their numbers would meet."""
    mode = b"live" if live else b"test"
    held = await store.get("meta", "mode")
    if held is None:
        with contextlib.suppress(Conflict):
            await store.commit([Insert("meta", "mode", mode)])
        held = await store.get("meta", "mode")
    if held is not None and held.body != mode:
        raise SettingsError(
            f"this database holds {held.body.decode()} orders, and the key is of {mode.decode()} mode: "
            "set ONPAID_DATABASE to a new file"
        )
