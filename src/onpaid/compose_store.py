"""Which store the settings mean: a file of SQLite on this machine, or a table at AWS.

A table is shared by whoever reaches it, a file has one holder; what that changes for runs is said where they are moved.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from onpaid.errors import SettingsError
from onpaid.repositories.documented import documented_shadows
from onpaid.settings import Settings
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore

_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def database_path(settings: Settings) -> Path:
    """The file of `sqlite:///path`. Raises SettingsError for what this version cannot open."""
    address: str = settings["ONPAID_DATABASE"]
    scheme, mark, path = address.partition(":///")
    if scheme != "sqlite" or not mark or not path:
        raise SettingsError(
            f"ONPAID_DATABASE is {address!r}: say sqlite:///onpaid.db or sqlite:////var/lib/onpaid.db. A table "
            "(dynamodb://) is for the service itself, and this needs a file"
        )
    return Path(path)


def table_of(settings: Settings) -> str | None:
    """The table of `dynamodb://table`, or None if everything is kept elsewhere. Raises SettingsError."""
    scheme, mark, table = str(settings["ONPAID_DATABASE"]).partition("://")
    if scheme != "dynamodb" or not mark:
        return None
    if not _TABLE.fullmatch(table):
        raise SettingsError("ONPAID_DATABASE: behind dynamodb:// comes the name of one table")
    return table


async def open_store(settings: Settings, *, exclusive: bool = True) -> Store:
    """The database of these settings. Raises SettingsError, StoreUnusable, with the reason."""
    table = table_of(settings)
    if table is not None:
        from onpaid.store.dynamodb import DynamoStore

        return await DynamoStore.open(table, shadows=documented_shadows(settings))
    return await SqliteStore.open(
        database_path(settings),
        exclusive=exclusive,
        network_file_system=settings["ONPAID_ALLOW_NETWORK_DISK"],
    )
