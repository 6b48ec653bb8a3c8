"""Every error that onpaid raises on purpose, in one tree.

    OnpaidError
    ├── ProviderError           how one call to an outside service ended, if not well
    │   ├── Refused             the service said no: asking again will not help
    │   │   └── Unauthorised    ... because of our credentials or configuration: the lane is paused
    │   ├── Unavailable         surely not taken: ask again later
    │   └── Doubtful            sent, and no clear answer: it may have happened
    ├── StoreError
    │   ├── Conflict            a condition did not hold: nothing of the batch was written
    │   ├── StoreUnavailable    surely not written (disk full, locked, closed): try again
    │   ├── StoreUnknown        the commit may or may not have happened: read again
    │   └── StoreUnusable       this file cannot be opened by this version, here
    ├── InvalidInput            what was sent to us is malformed: sending it again will not help
    ├── BadSignature            what was sent to us does not prove who sent it
    ├── Problem                 a rule of the trade says stop: the run fails with a ticket
    ├── Diverged                a flow's telling does not match its journal
    ├── NotPossible             an operator asked for what the present state does not allow
    └── SettingsError           a setting is missing or wrong

An error is a sentence with a next step: it is read by a person at night.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OnpaidError(Exception):
    """Something that onpaid understands went wrong."""


class ProviderError(OnpaidError):
    """A call to an outside service did not end well."""


class Refused(ProviderError):
    """The service refused: asking again with the same words will not help."""


class Unauthorised(Refused):
    """The service refused our credentials or our configuration: every call would fail the same way."""


class Unavailable(ProviderError):
    """The call was surely not taken: nothing was sent, or the service documents that it did nothing.

    `retry_after` is the number of seconds that the service asked us to wait, if it said so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Doubtful(ProviderError):
    """The call was sent and may have happened.

    `answered` is true if the service did answer (a 500, say): a service that keeps the answer under our
    idempotency key would give the same one again.
    """

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


class StoreError(OnpaidError):
    """The store could not do what was asked."""


class Conflict(StoreError):
    """A condition of the batch did not hold, so nothing of it was written. `keys` names the failed writes."""

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__("the condition did not hold for " + ", ".join(f"{kind} {key}" for kind, key in keys))
        self.keys = keys


class StoreUnavailable(StoreError):
    """Nothing was written: the disk is full, the file is locked, or the store is closed."""


class StoreUnknown(StoreError):
    """The commit may or may not have happened: what is held in memory must be read again."""


class StoreUnusable(StoreError):
    """The database cannot be opened: made by a newer version, in use, or on a file system that loses locks."""


class InvalidInput(OnpaidError):
    """What was sent is malformed. The message says what to change."""


class BadSignature(OnpaidError):
    """The sender could not be verified."""


class Problem(OnpaidError):
    """A rule of the trade says stop: no act, one ticket.

    `category` groups tickets (invoice, payment, order, database ...), `facts` are what a person needs to decide.
    """

    def __init__(
        self,
        title: str,
        *,
        category: str,
        severity: str = "high",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.category = category
        self.severity = severity
        self.facts = dict(facts or {})


class Diverged(OnpaidError):
    """The flow's code no longer tells the story that its journal holds. Nothing further was done."""


class NotPossible(OnpaidError):
    """The present state of the run does not allow this. The message says what does."""


class SettingsError(OnpaidError):
    """A setting is missing or wrong. The message names it and says what to put there."""
