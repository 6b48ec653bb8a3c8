"""Reading documents: always consistently, several at one moment where the port promises that, bodies from their pieces."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onpaid.errors import StoreUnavailable
from onpaid.store.dynamodb_items import ABSENT, Item, Known, read_body, read_known, read_name
from onpaid.store.dynamodb_keys import document_key, part_key
from onpaid.store.dynamodb_wire import Wire
from onpaid.store.port import Stored

MOST_AT_ONCE = 100
MOST_REMEMBERED = 5_000
TRIES = 5

Name = tuple[str, str]


class Reading:
    """One table, read; and what is remembered of documents, so that a write need not read them first."""

    def __init__(self, wire: Wire, table: str) -> None:
        self._wire = wire
        self._table = table
        self._remembered: OrderedDict[Name, Known] = OrderedDict()

    def remembered(self, name: Name) -> Known | None:
        """What was last seen of a document. A write that relies on it demands its mark as well."""
        return self._remembered.get(name)

    def remember(self, name: Name, known: Known) -> None:
        self._remembered[name] = known
        self._remembered.move_to_end(name)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    def forget(self, names: Iterable[Name]) -> None:
        for name in names:
            self._remembered.pop(name, None)

    async def document(self, kind: str, key: str) -> Stored | None:
        """One document."""
        name = (kind, key)
        whole = await self.whole(name, (await self.items_at_one_moment([name])).get(name))
        return None if whole is None else whole[0]

    async def whole(self, name: Name, item: Item | None) -> tuple[Stored, Known] | None:
        """The document in its item as it was just met; None if there is none.

        Where its pieces are gone, it was written again since, and is read anew. Raises StoreUnavailable.
        """
        for _ in range(TRIES):
            if item is None:
                self.forget([name])
                return None
            body, known = await self._body(item), read_known(item)
            if body is not None:
                self.remember(name, known)
                return Stored(*name, known.version, body), known
            item = (await self.items_at_one_moment([name])).get(name)
        raise StoreUnavailable(f"{name[0]} {name[1]} is written faster than it can be read: try again")

    async def items_at_one_moment(self, names: Sequence[Name]) -> dict[Name, Item]:
        """The items of up to a hundred documents as they were at one moment; absent ones are left out."""
        wanted = list(dict.fromkeys(names))
        if len(wanted) == 1:
            answer = await self._wire.read(
                "get_item", TableName=self._table, Key=document_key(*wanted[0]), ConsistentRead=True
            )
            return {wanted[0]: answer["Item"]} if "Item" in answer else {}
        gets = [{"Get": {"TableName": self._table, "Key": document_key(*name)}} for name in wanted]
        try:
            answer = await self._wire.read("transact_get_items", TransactItems=gets)
        except StoreUnavailable as error:
            if "exceed" not in str(error):
                raise
            # Together they are larger than one answer may be: then each half is of its own moment.
            half = len(wanted) // 2
            return await self.items_at_one_moment(wanted[:half]) | await self.items_at_one_moment(
                wanted[half:]
            )
        found = zip(wanted, answer["Responses"], strict=True)
        return {name: each["Item"] for name, each in found if each.get("Item")}

    async def known(self, names: Sequence[Name]) -> dict[Name, Known]:
        """What lies of each of these documents at one moment."""
        items = await self.items_at_one_moment(names) if names else {}
        found = {name: read_known(items[name]) if name in items else ABSENT for name in names}
        for name, known in found.items():
            self.remember(name, known)
        return found

    async def documents(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        """Several documents of one moment, a hundred at a time, in the order of `keys`."""
        found: dict[str, Stored] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), MOST_AT_ONCE):
            some = [(kind, key) for key in wanted[start : start + MOST_AT_ONCE]]
            for name, item in (await self.items_at_one_moment(some)).items():
                whole = await self.whole(name, item)
                if whole is not None:
                    found[name[1]] = whole[0]
        return [found.get(key) for key in keys]

    async def current(self, kind: str, keys: Sequence[str]) -> dict[str, tuple[Stored, Known]]:
        """Several documents, each as it is by now: cheaper than of one moment."""
        items = await self._fetch([document_key(kind, key) for key in dict.fromkeys(keys)])
        wholes = [await self.whole(read_name(item), item) for item in items]
        return {whole[0].key: whole for whole in wholes if whole is not None}

    async def _body(self, item: Mapping[str, Any]) -> bytes | None:
        """The body of an item; None if its pieces are gone, since the document was written again."""
        known = read_known(item)
        if known.pieces is None:
            return read_body(item)
        token, count = known.pieces
        found = await self._fetch([part_key(token, number) for number in range(count)])
        if len(found) < count:
            return None
        pieces = sorted(found, key=lambda piece: str(piece["SK"]["S"]))
        return read_body(item, b"".join(piece["b"]["B"] for piece in pieces))

    async def _fetch(self, keys: Sequence[Mapping[str, Any]]) -> list[Item]:
        groups = [keys[start : start + MOST_AT_ONCE] for start in range(0, len(keys), MOST_AT_ONCE)]
        return [item for some in await asyncio.gather(*map(self._fetch_some, groups)) for item in some]

    async def _fetch_some(self, keys: Sequence[Mapping[str, Any]]) -> list[Item]:
        found: list[Item] = []
        asked: dict[str, Any] = {self._table: {"Keys": list(keys), "ConsistentRead": True}}
        rounds = 0
        while asked:
            answer = await self._wire.read("batch_get_item", RequestItems=asked)
            some = answer["Responses"].get(self._table, [])
            found.extend(some)
            asked = answer.get("UnprocessedKeys") or {}
            rounds = 0 if some else rounds + 1
            if rounds > TRIES:
                raise StoreUnavailable("DynamoDB hands out nothing of what was asked for: try again")
        return found
