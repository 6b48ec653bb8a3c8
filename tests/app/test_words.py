"""What people read of a run: whoever acted in it has a name of the trade, and not that of a class of ours."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import onpaid.providers as package
from onpaid.acts import Act
from onpaid.app.words import who_acts
from onpaid.engine.journal import Step

NEVER_IN_A_RUN = frozenset(
    (
        "Alerts",
        "NoAlerts",
        "NoTracker",
        "TicketLines",
        "FikenLists",
        "ShiprocketLists",
        "StripeEndpoints",
        "StripeLists",
    )
)
"""Whom no step asks: stand-ins that are passed over, and those who are read for lists and proofs."""


def acting() -> Iterator[str]:
    """The classes that have acts of their own, by name."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"onpaid.providers.{found.name}")
        for name, each in inspect.getmembers(module, inspect.isclass):
            acts = any(isinstance(getattr(one, "__act__", None), Act) for one in vars(each).values())
            if acts and each.__module__ == module.__name__:
                yield name


def test_there_are_such_classes() -> None:
    assert {"Fiken", "StripeBills", "Twilio"} <= set(acting())
    assert set(acting()) >= NEVER_IN_A_RUN


@pytest.mark.parametrize("name", sorted(set(acting()) - NEVER_IN_A_RUN))
def test_whoever_acts_has_a_name_for_people(name: str) -> None:
    one_word = not re.search(r"[a-z][A-Z]", name)
    assert who_acts(Step("read", f"{name}.read", "read")) != name or one_word
