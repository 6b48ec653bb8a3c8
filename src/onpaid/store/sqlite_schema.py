"""The tables of the SQLite file, and how an older file becomes a present one.

A migration is a function declared with `@migration`; its number is the file's `user_version` after it. Opening a
file applies what is missing in one transaction, so that a file is never left between two versions. A file that
is not ours, or that a newer version of this program has written, is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw

from onpaid.errors import StoreUnusable

# "onpd": tells our files from any other SQLite database.
APPLICATION_ID = 0x6F6E7064


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a version to the next."""

    number: int
    name: str
    apply: Callable[[apsw.Connection], None]


MIGRATIONS: list[Migration] = []


def migration(name: str) -> Callable[[Callable[[apsw.Connection], None]], Callable[[apsw.Connection], None]]:
    """Declare the next migration. Once released, neither it nor its place may change."""

    def declare(apply: Callable[[apsw.Connection], None]) -> Callable[[apsw.Connection], None]:
        MIGRATIONS.append(Migration(len(MIGRATIONS) + 1, name, apply))
        return apply

    return declare


@migration("documents and their entries")
def _documents(connection: apsw.Connection) -> None:
    # Documents are appended, so that what arrives together lies together; only the small unique index is hit at
    # random. Kinds and indexes are numbers in the rows, names in two small tables. `form` says how the body is
    # packed, `entries` repeats the document's entries, so that a write can tell which of them have changed.
    # `writer` holds the mark of the last transaction: after a failed COMMIT it tells whether that one is in.
    connection.execute(
        """
        CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE indexes (
            id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name)
        ) STRICT;
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
            form INTEGER NOT NULL, entries BLOB NOT NULL, body BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX document_keys ON documents (kind, key);
        CREATE TABLE entries (
            place INTEGER NOT NULL, value TEXT NOT NULL, sort INTEGER NOT NULL, key TEXT NOT NULL,
            document INTEGER NOT NULL, PRIMARY KEY (place, value, sort, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE writer (one INTEGER PRIMARY KEY CHECK (one = 1), mark INTEGER NOT NULL) STRICT;
        INSERT INTO writer VALUES (1, 0);
        """
    )


def _signs(connection: apsw.Connection) -> tuple[int, int, int]:
    # One statement, so that it sees one moment: another process may be making the tables just now.
    signs: Any = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchall()
    return signs[0]  # type: ignore[no-any-return]


def check_ours(connection: apsw.Connection, path: str) -> bool:
    """True if the file holds our tables, False if it is empty. Raises StoreUnusable for any other file."""
    try:
        application_id, version, tables = _signs(connection)
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreUnusable(
            f"{path} is not a database, or is damaged: name another file, or restore a backup"
        ) from error
    if application_id == 0 and version == 0 and tables == 0:
        return False
    if application_id != APPLICATION_ID:
        raise StoreUnusable(f"{path} is a database of another program: name another file")
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} was written by a newer version of onpaid (its format is {version}, this program knows up to "
            f"{len(MIGRATIONS)}): start that version, or restore a backup made before the upgrade"
        )
    return True


def migrate(connection: apsw.Connection, path: str) -> None:
    """Bring the file to the present version. Raises StoreUnusable."""
    if check_ours(connection, path) and _signs(connection)[1] == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Looked at again inside the transaction: another process may have been quicker.
        check_ours(connection, path)
        version = _signs(connection)[1]
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"
        )
        for step in MIGRATIONS[version:]:
            step.apply(connection)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.number, step.name))
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
