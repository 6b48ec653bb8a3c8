"""Documented tables in memory, beside a store in memory: what the contract of shadows says, and nothing more.

A second writing of that contract, apart from the real store's. It keeps what each commit did to which table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onpaid.store.dynamodb_shadows import Shadow, ShadowOf
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Delete, Write

Place = tuple[str, tuple[tuple[str, str | int], ...]]


class TablesStore(MemoryStore):
    """A store in memory that keeps shadows. `touched` has, for each commit, its kinds and the items it wrote;
    `actions` how many items of documents and tables it concerned, conditions included."""

    def __init__(self, shadows: Mapping[str, ShadowOf]) -> None:
        super().__init__()
        self._shadows = shadows
        self._of: dict[tuple[str, str], set[Place]] = {}
        self.items: dict[Place, dict[str, Any]] = {}
        self.touched: list[tuple[set[str], list[Place]]] = []
        self.removed: list[Place] = []
        self.actions: list[int] = []

    async def commit(self, writes: Sequence[Write]) -> None:
        await super().commit(writes)
        places: list[Place] = []
        for write in writes:
            if isinstance(write, Check):
                continue
            body = None if isinstance(write, Delete) else write.body
            of_kind = self._shadows.get(write.kind)
            shown = [] if of_kind is None or body is None else list(of_kind(write.key, body))
            name = (write.kind, write.key)
            now = {_place(each) for each in shown}
            for gone in self._of.get(name, set()) - now:
                self.removed.append(gone)
                del self.items[gone]
            self._of[name] = now
            for each in shown:
                self._set(each)
                places.append(_place(each))
        self.actions.append(len(writes) + len(set(places)))
        self.touched.append(({write.kind for write in writes if not isinstance(write, Check)}, places))

    def _set(self, shadow: Shadow) -> None:
        item = self.items.setdefault(_place(shadow), dict(shadow.key))
        for name, value in shadow.fields.items():
            if value is None:
                item.pop(name, None)
            else:
                item[name] = value

    def table(self, name: str) -> list[dict[str, Any]]:
        """The items of a table."""
        return [item for (table, _), item in self.items.items() if table == name]


def _place(shadow: Shadow) -> Place:
    return shadow.table, tuple(sorted(shadow.key.items()))
