"""The store on DynamoDB: for those who have outgrown one machine. Fulfils `Store`.

A batch is one TransactWriteItems, or one conditional put where it is a single item. Every read is consistent, of
indexes too: an entry is an item of its own, written with its document. No secondary index is relied upon.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from onpaid.errors import Conflict, InvalidInput, StoreUnavailable, StoreUnknown
from onpaid.store import dynamodb_copying as copying
from onpaid.store.dynamodb_batch import Name, Plan, Planner, failing
from onpaid.store.dynamodb_items import ABSENT, Known, check_write, is_text
from onpaid.store.dynamodb_querying import Asked, Querying, cursor_of
from onpaid.store.dynamodb_reading import Reading
from onpaid.store.dynamodb_shadows import ShadowOf
from onpaid.store.dynamodb_wire import Failed, Pause, Wire
from onpaid.store.port import Delete, Document, Page, Put, Stored, Update, Write, check_batch

log = structlog.get_logger("onpaid.store")

ROUNDS = 40
"""How often a batch is composed anew because others wrote what it puts or deletes without a condition of its own."""
AT_ONCE = 25


class DynamoStore:
    """One table of ours, and shadows in the tables of others."""

    def __init__(
        self,
        table: str,
        *,
        shadows: Mapping[str, ShadowOf] | None = None,
        client: Any = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.table = table
        self._wire = Wire(client, pause)
        self._pause = pause
        self._reading = Reading(self._wire, table)
        self._querying = Querying(self._wire, table, self._reading)
        self._planner = Planner(table, shadows or {})

    @classmethod
    async def open(
        cls,
        table: str,
        *,
        shadows: Mapping[str, ShadowOf] | None = None,
        client: Any = None,
        pause: Pause = asyncio.sleep,
    ) -> DynamoStore:
        """The store in this table, which must exist. Raises StoreUnavailable with the reason."""
        store = cls(table, shadows=shadows, client=client, pause=pause)
        await store.ping()
        return store

    async def get(self, kind: str, key: str) -> Stored | None:
        if not is_text(kind, key):
            return None
        return await self._reading.document(kind, key)

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        self._wire.ensure_open()
        texts = [key for key in keys if is_text(kind, key)]
        found = dict(zip(texts, await self._reading.documents(kind, texts), strict=True))
        return [found.get(key) for key in keys]

    async def commit(self, writes: Sequence[Write]) -> None:
        self._wire.ensure_open()
        check_batch(writes)
        for write in writes:
            check_write(write)
        for nth in range(ROUNDS):
            if nth > 1:
                await self._pause(random.uniform(0.0, min(0.5, 0.01 * 2**nth)))  # noqa: S311 - spreads only
            known = await self._known(writes)
            refused = failing([each for each in writes if isinstance(each, Update)], known)
            if refused:
                known = await self._all_known(writes)
                if wrong := failing(writes, known):
                    raise Conflict(wrong)
                continue
            if await self._carried_out(writes, self._planner.plan(writes, known), known):
                return
        raise StoreUnavailable("too many others write the same documents at once: try again")

    async def query(
        self,
        kind: str,
        index: str,
        value: str,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
        sort_from: int | None = None,
        sort_to: int | None = None,
    ) -> Page:
        self._wire.ensure_open()
        if limit < 1:
            raise ValueError("a page holds at least one document")
        asked = Asked(kind, index, value, newest_first, cursor_of(after), sort_from, sort_to)
        if asked.after is not None and not is_text(asked.after[1]):
            raise InvalidInput("this cursor is not one of ours: start the list again without it")
        if not is_text(kind, index, value):
            return Page([], None)
        return await self._querying.page(asked, limit)

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        self._wire.ensure_open()
        if not is_text(kind, index, value):
            return 0
        return await self._querying.count(Asked(kind, index, value), at_most)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        return await copying.documents(self._wire, self.table, self._reading, after, limit)

    async def load(self, documents: Sequence[Document]) -> None:
        for start in range(0, len(documents), AT_ONCE):
            await asyncio.gather(*map(self._load, documents[start : start + AT_ONCE]))

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the table answers."""
        self._wire.ensure_open()
        await self._reading.document("meta", "generation")

    async def close(self) -> None:
        await self._wire.close()

    async def _known(self, writes: Sequence[Write]) -> dict[Name, Known]:
        """What lies of the documents that the batch writes over: remembered where the version tells that it is the same."""
        known: dict[Name, Known] = {}
        unknown: list[Name] = []
        for write in writes:
            name = (write.kind, write.key)
            if isinstance(write, Update):
                held = self._reading.remembered(name)
                if held is not None and held.version == write.if_version:
                    known[name] = held
                else:
                    unknown.append(name)
            elif isinstance(write, Put | Delete):
                unknown.append(name)
        return known | await self._reading.known(unknown)

    async def _all_known(self, writes: Sequence[Write]) -> dict[Name, Known]:
        names = [(write.kind, write.key) for write in writes]
        self._reading.forget(names)
        return await self._reading.known(names)

    async def _carried_out(self, writes: Sequence[Write], plan: Plan, known: Mapping[Name, Known]) -> bool:
        """Whether the plan was carried out; if not, others were faster with what carries no condition of its own."""
        try:
            await copying.put_items(self._wire, self.table, plan.ahead)
            await self._transact(plan)
        except Failed as failed:
            found = await self._looked(writes, unsure=failed.unsure)
            if not self._happened(plan, known, found, unsure=failed.unsure):
                await self._clear([_key_of(item) for item in plan.ahead])
                if wrong := failing(writes, found):
                    raise Conflict(wrong) from None
                return False
        except BaseException:
            # Also a task that was cancelled in mid-call: what it wrote nobody knows.
            self._reading.forget((write.kind, write.key) for write in writes)
            raise
        for name, then in plan.then.items():
            self._reading.remember(name, then)
        await self._late(plan)
        await self._clear(plan.behind)
        return True

    async def _looked(self, writes: Sequence[Write], *, unsure: bool) -> dict[Name, Known]:
        """What lies there after a failure. Raises StoreUnknown where only this could tell what became of the write."""
        try:
            return await self._all_known(writes)
        except StoreUnavailable as error:
            if unsure:
                raise StoreUnknown(f"it cannot be seen what became of our write: {error}") from None
            raise

    async def _late(self, plan: Plan) -> None:
        """Shadows that found no room: the batch stands whatever becomes of them, and their next change mends them."""
        for action in plan.late:
            ((verb, given),) = action.items()
            try:
                await self._wire.write("update_item" if verb == "Update" else "delete_item", **given)
            except (Failed, StoreUnavailable, StoreUnknown) as error:
                log.error(
                    "a documented table lags behind our record", table=given["TableName"], error=str(error)
                )

    async def _transact(self, plan: Plan) -> None:
        if len(plan.actions) == 1:
            ((verb, given),) = plan.actions[0].items()
            if verb in ("Put", "Delete"):
                await self._wire.write("put_item" if verb == "Put" else "delete_item", **given)
                return
        await self._wire.write(
            "transact_write_items", TransactItems=plan.actions, ClientRequestToken=plan.mark + plan.mark
        )

    def _happened(
        self, plan: Plan, known: Mapping[Name, Known], found: Mapping[Name, Known], *, unsure: bool
    ) -> bool:
        """Whether a try before the one that failed had been taken. Raises StoreUnknown if nobody can tell any more."""
        if not unsure:
            return False
        for name in plan.then:
            there = found.get(name, ABSENT)
            if there.written == plan.mark:
                return True
            if there.version > known.get(name, ABSENT).version + 1:
                raise StoreUnknown(
                    f"others wrote {name[0]} {name[1]} before it was seen what became of our write"
                )
        return False

    async def _clear(self, keys: Sequence[dict[str, Any]]) -> None:
        """Take away items that nothing refers to. What remains should this fail is never shown."""
        try:
            await copying.delete_items(self._wire, self.table, keys)
        except (StoreUnavailable, StoreUnknown):
            return

    async def _load(self, document: Document) -> None:
        name = (document.kind, document.key)
        for _ in range(ROUNDS):
            held = (await self._reading.known([name]))[name]
            write = Put(document.kind, document.key, document.body, document.entries)
            check_write(write)
            plan = self._planner.plan([write], {name: held})
            copying.at_version(plan, name, document.version)
            if await self._carried_out([write], plan, {name: held}):
                return
        raise StoreUnavailable(f"{document.kind} {document.key} is written by others while it is copied")


def _key_of(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"PK": item["PK"], "SK": item["SK"]}
