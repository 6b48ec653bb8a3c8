"""Users and their customers at Stripe, found by either id.

A user has one customer at a time. One that was deleted there is replaced: the record says which, why and when, and
counts its generations. The way back from a customer stays for ever, since old payments still tell of old customers.
A customer of test mode is none once keys are live, and the other way round: it is replaced as well.
What a token says of role and e-mail address is kept as it changes; a token without them takes nothing away.
"""

from __future__ import annotations

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.sessions import CustomerRef, CustomerWanted, Replaced, User, UserCustomer
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records, Versioned

MOST_REPLACED = 50
OTHER_MODE = "it was made with a key of the other mode"


class StripeCustomer(msgspec.Struct, frozen=True):
    """Whose a customer at Stripe is, or was."""

    customer_id: str
    user: str


class KnownCustomer(msgspec.Struct, frozen=True):
    """The customer that a user has now: empty if they have none. `generation` is that of the last one, 0 before the first."""

    customer_id: str = ""
    generation: int = 0


USER_CUSTOMERS = Kind(
    "user-customer",
    UserCustomer,
    key=lambda each: each.user,
    entries=lambda each: [Entry("all", "", each.created_at)],
)
STRIPE_CUSTOMERS = Kind("stripe-customer", StripeCustomer, key=lambda each: each.customer_id)


class UserCustomers:
    """The users of a store, with their customers. `live` is the mode of the key that customers are made with."""

    def __init__(self, store: Store, *, live: bool = False) -> None:
        self._store = store
        self._live = live

    async def of_user(self, user: str) -> UserCustomer | None:
        """The record of a user, or None."""
        held = await USER_CUSTOMERS.get(self._store, user)
        return None if held is None else held.record

    async def user_of(self, customer_id: str) -> str | None:
        """The user whose customer this is or was, or None."""
        held = await STRIPE_CUSTOMERS.get(self._store, customer_id)
        return None if held is None else held.record.user

    async def of_customer(self, customer_id: str) -> UserCustomer | None:
        """The record of the user whose customer this is or was, or None."""
        user = await self.user_of(customer_id)
        return None if user is None else await self.of_user(user)

    async def listed(self, *, after: str | None = None, limit: int = 50) -> Records[UserCustomer]:
        """Users who have been to the checkout, newest first."""
        return await USER_CUSTOMERS.query(self._store, "all", "", after=after, limit=limit)

    @act(local=True)
    async def look_customer(self, user: User, at: Instant) -> Local[KnownCustomer]:
        """The user's customer, if there is one; what their token says anew of role and e-mail address is kept."""
        held = await USER_CUSTOMERS.get(self._store, user.id)
        if held is None:
            return Done(KnownCustomer())
        record = held.record
        told = msgspec.structs.replace(
            record, role=user.role or record.role, email=user.email or record.email
        )
        if told.customer_id and told.live != self._live:
            told = _without(told, OTHER_MODE, at)
        known = KnownCustomer(told.customer_id, told.generation)
        if told == record:
            return Done(known)
        return Done(known, (_updated(told, held, at),))

    @act(local=True)
    async def note_customer(self, wanted: CustomerWanted, made: CustomerRef, at: Instant) -> Local[bool]:
        """Keep a customer that was made. False: a later generation is known already, and stays."""
        user = wanted.user
        link = STRIPE_CUSTOMERS.put(StripeCustomer(made.customer_id, user.id))
        held = await USER_CUSTOMERS.get(self._store, user.id)
        if held is None:
            record = UserCustomer(
                user=user.id,
                customer_id=made.customer_id,
                created_at=at,
                updated_at=at,
                role=user.role,
                email=user.email,
                generation=wanted.generation,
                live=self._live,
            )
            return Done(True, (USER_CUSTOMERS.insert(record), link))
        record = held.record
        if record.generation >= wanted.generation:
            return Done(record.customer_id == made.customer_id, (link,))
        if record.customer_id:
            record = _without(record, "a later customer was made", at)
        changed = msgspec.structs.replace(
            record,
            customer_id=made.customer_id,
            generation=wanted.generation,
            role=user.role or record.role,
            email=user.email or record.email,
            live=self._live,
        )
        return Done(True, (_updated(changed, held, at), link))

    @act(local=True)
    async def note_replaced(self, user: str, customer_id: str, why: str, at: Instant) -> Local[bool]:
        """Keep that a user no longer has this customer. False if they had another by then."""
        held = await USER_CUSTOMERS.get(self._store, user)
        if held is None or held.record.customer_id != customer_id:
            return Done(False)
        return Done(True, (_updated(_without(held.record, why, at), held, at),))


def _without(record: UserCustomer, why: str, at: Instant) -> UserCustomer:
    """The record without its customer, who joins those before."""
    gone = Replaced(record.customer_id, why, at)
    return msgspec.structs.replace(record, customer_id="", replaced=(*record.replaced, gone)[-MOST_REPLACED:])


def _updated(record: UserCustomer, held: Versioned[UserCustomer], at: Instant) -> Write:
    """The record over what was read; its time never goes back."""
    later = max(at, held.record.updated_at)
    return USER_CUSTOMERS.update(msgspec.structs.replace(record, updated_at=later), held.version)
