"""Every group of commands, by its name: what `onpaid` offers beside the commands that stand alone.

A story brings its groups as `GROUPS` in a module of its own, `groups_<story>.py`, and adds its line here. A name that
two stories claim is a mistake that shows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import typer

from onpaid.cli import groups, groups_billing, groups_catalogue, groups_delivery, groups_reconciling

STORIES: Final[tuple[Mapping[str, typer.Typer], ...]] = (
    groups.GROUPS,
    groups_delivery.GROUPS,
    groups_billing.GROUPS,
    groups_catalogue.GROUPS,
    groups_reconciling.GROUPS,
)


def all_groups() -> dict[str, typer.Typer]:
    """The groups of all stories. Raises ValueError if two bear one name."""
    found: dict[str, typer.Typer] = {}
    for story in STORIES:
        for name, group in story.items():
            if name in found and found[name] is not group:
                raise ValueError(f"two groups of commands are called {name}")
            found[name] = group
    return found
