"""One batch as a transaction: what the writes mean as actions on items, given what lies there now.

Everything that a batch changes is one transaction: documents, their entries, their shadows. Only where that would be
more than DynamoDB takes are the entries written ahead, under a token that makes them believed only once their
document names it, and shadows behind; so a batch is all or nothing at any size that the port allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onpaid.store import dynamodb_items as items
from onpaid.store.dynamodb_items import ABSENT, Cast, Known, Placed
from onpaid.store.dynamodb_keys import document_key, entry_item, entry_key, part_key
from onpaid.store.dynamodb_shadows import Shadow, ShadowOf
from onpaid.store.port import Check, Delete, Entry, Insert, Update, Write

MOST_ACTIONS = 100
MOST_BYTES = 3_500_000

Name = tuple[str, str]
Action = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Plan:
    """What is to be done for one batch: ahead, in the transaction, and behind it."""

    mark: str
    ahead: list[dict[str, Any]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    behind: list[dict[str, Any]] = field(default_factory=list)
    """Keys of items that nothing refers to once the transaction has happened."""
    late: list[Action] = field(default_factory=list)
    """Shadows for which the transaction had no room: written after it."""
    then: dict[Name, Known] = field(default_factory=dict)


class Planner:
    """Turns batches into plans for one table."""

    def __init__(self, table: str, shadows: Mapping[str, ShadowOf]) -> None:
        self._table = table
        self._shadows = shadows

    def plan(self, writes: Sequence[Write], known: Mapping[Name, Known]) -> Plan:
        """The plan for a batch whose documents are as `known` says: its conditions demand just that."""
        inline = self._inline(writes)
        plan = self._plan(writes, known, inline, tokens=False)
        if len(plan.actions) > MOST_ACTIONS:
            plan = self._plan(writes, known, inline, tokens=True)
        # Documents alone always fit. Of a cart of fifty products the last shadows come a moment later.
        plan.actions, plan.late = plan.actions[:MOST_ACTIONS], plan.actions[MOST_ACTIONS:]
        return plan

    def _inline(self, writes: Sequence[Write]) -> dict[Name, tuple[str, bytes, bool]]:
        """Each body as it is kept, and whether its item holds it: the largest go first into pieces."""
        packed = {
            (write.kind, write.key): items.pack(write.body)
            for write in writes
            if not isinstance(write, Check | Delete)
        }
        left = MOST_BYTES
        chosen = {}
        for name, (form, body) in sorted(packed.items(), key=lambda each: len(each[1][1])):
            fits = len(body) <= items.INLINE and len(body) + 2_000 <= left
            left -= len(body) + 2_000 if fits else 0
            chosen[name] = (form, body, fits)
        return chosen

    def _plan(
        self,
        writes: Sequence[Write],
        known: Mapping[Name, Known],
        inline: Mapping[Name, tuple[str, bytes, bool]],
        *,
        tokens: bool,
    ) -> Plan:
        plan = Plan(items.mark())
        cast: dict[str, tuple[Shadow, bool]] = {}
        for write in writes:
            name = (write.kind, write.key)
            if isinstance(write, Check):
                plan.actions.append(self._checks(write))
                continue
            old = known.get(name, ABSENT)
            if isinstance(write, Delete):
                self._delete(plan, cast, name, old, tokens=tokens)
            else:
                self._write(plan, cast, write, old, inline[name], tokens=tokens)
        plan.actions += [self._shadow(each, kept=kept) for each, kept in cast.values()]
        return plan

    def _checks(self, write: Check) -> Action:
        if write.if_version is None:
            return {"ConditionCheck": self._on(write.kind, write.key, "attribute_not_exists(PK)")}
        value = {":v": {"N": str(write.if_version)}}
        return {"ConditionCheck": self._on(write.kind, write.key, "v = :v", value)}

    def _delete(
        self, plan: Plan, cast: dict[str, tuple[Shadow, bool]], name: Name, old: Known, *, tokens: bool
    ) -> None:
        if old.version == 0:
            plan.actions.append({"ConditionCheck": self._on(*name, "attribute_not_exists(PK)")})
            return
        plan.actions.append({"Delete": self._on(*name, *_as_it_was(old))})
        if tokens:
            plan.behind += [_entry_key(name, place) for place in old.placed]
        else:
            plan.actions += [self._remove_entry(name, place) for place in old.placed]
        for each in old.shadows:
            cast.setdefault(_cast_name(*each), (Shadow(each[0], each[1], {}), False))
        plan.behind += _piece_keys(old)
        plan.then[name] = ABSENT

    def _write(
        self,
        plan: Plan,
        cast: dict[str, tuple[Shadow, bool]],
        write: Any,
        old: Known,
        packed: tuple[str, bytes, bool],
        *,
        tokens: bool,
    ) -> None:
        name, token = (write.kind, write.key), plan.mark if tokens else ""
        form, body, fits = packed
        before = {Entry(*place[:3]): place for place in old.placed}
        wanted = list(dict.fromkeys(Entry(*entry) for entry in write.entries))
        placed = [before.get(entry, (*entry, token)) for entry in wanted]
        gone = [place for place in old.placed if Entry(*place[:3]) not in wanted]
        new = [entry for entry in wanted if entry not in before]
        shown = list(self._shadows[write.kind](write.key, write.body)) if write.kind in self._shadows else []
        pieces = None if fits else (plan.mark + str(len(plan.then)), -(-len(body) // items.PIECE))
        shadows: list[Cast] = [(each.table, dict(each.key)) for each in shown]
        now = Known(old.version + 1, tuple(placed), tuple(shadows), pieces, plan.mark)
        item = items.document_item(write.kind, write.key, now, form, body)
        put: dict[str, Any] = {"TableName": self._table, "Item": item}
        plan.actions.append({"Put": put | _condition(*_as_it_was(old))})
        new_items = [entry_item(write.kind, write.key, entry, token) for entry in new]
        if tokens:
            plan.ahead += new_items
            plan.behind += [_entry_key(name, place) for place in gone]
        else:
            plan.actions += [{"Put": {"TableName": self._table, "Item": each}} for each in new_items]
            plan.actions += [self._remove_entry(name, place) for place in gone]
        if pieces is not None:
            for number in range(pieces[1]):
                piece = body[number * items.PIECE : (number + 1) * items.PIECE]
                plan.ahead.append({**part_key(pieces[0], number), "b": {"B": piece}})
        plan.behind += _piece_keys(old)
        for each in shown:
            there, _ = cast.get(_cast_name(each.table, each.key), (each, True))
            cast[_cast_name(each.table, each.key)] = (
                Shadow(each.table, each.key, {**there.fields, **each.fields}),
                True,
            )
        tables = {each.table for each in shown}
        for table, key in old.shadows:
            # In a table that is not named any more, we may have no rights: its items stay as they are.
            if table in tables and (table, key) not in shadows:
                cast.setdefault(_cast_name(table, key), (Shadow(table, key, {}), False))
        plan.then[name] = now

    def _remove_entry(self, name: Name, place: Placed) -> Action:
        return {"Delete": {"TableName": self._table, "Key": _entry_key(name, place)}}

    def _shadow(self, shadow: Shadow, *, kept: bool) -> Action:
        key = {name: items.wired(value) for name, value in shadow.key.items()}
        if not kept:
            return {"Delete": {"TableName": shadow.table, "Key": key}}
        fields = [(name, value) for name, value in shadow.fields.items() if name not in shadow.key]
        kept_ones = [(nth, value) for nth, (_, value) in enumerate(fields) if value is not None]
        gone = [f"#f{nth}" for nth, (_, value) in enumerate(fields) if value is None]
        told = ["SET " + ", ".join(f"#f{nth} = :f{nth}" for nth, _ in kept_ones)] if kept_ones else []
        told += ["REMOVE " + ", ".join(gone)] if gone else []
        update: dict[str, Any] = {
            "TableName": shadow.table,
            "Key": key,
            "UpdateExpression": " ".join(told),
            "ExpressionAttributeNames": {f"#f{nth}": name for nth, (name, _) in enumerate(fields)},
        }
        if kept_ones:
            update["ExpressionAttributeValues"] = {f":f{nth}": items.wired(value) for nth, value in kept_ones}
        return {"Update": update}

    def _on(self, kind: str, key: str, condition: str, values: Any = None) -> dict[str, Any]:
        on = {"TableName": self._table, "Key": document_key(kind, key)}
        return on | _condition(condition, values)


def failing(writes: Sequence[Write], found: Mapping[Name, Known]) -> list[Name]:
    """The writes whose own condition does not hold for documents that are as `found` says."""
    wrong: dict[type[Any], Callable[[Any, int], bool]] = {
        Insert: lambda _write, version: version != 0,
        Update: lambda write, version: version == 0 or version != write.if_version,
        Check: lambda write, version: (version or None) != write.if_version,
    }
    names = [(write, (write.kind, write.key)) for write in writes if type(write) in wrong]
    return [name for write, name in names if wrong[type(write)](write, found.get(name, ABSENT).version)]


def _as_it_was(old: Known) -> tuple[str, Any]:
    """Demands the very document that we know: a deleted one that was made anew counts from 1 again."""
    if old.version == 0:
        return "attribute_not_exists(PK)", None
    return "v = :v AND w = :w", {":v": {"N": str(old.version)}, ":w": {"S": old.written}}


def _condition(condition: str, values: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"ConditionExpression": condition}
    if values:
        given["ExpressionAttributeValues"] = values
    return given


def _entry_key(name: Name, place: Placed) -> dict[str, Any]:
    return entry_key(*name, Entry(*place[:3]), place[3])


def _piece_keys(known: Known) -> list[dict[str, Any]]:
    if known.pieces is None:
        return []
    return [part_key(known.pieces[0], number) for number in range(known.pieces[1])]


def _cast_name(table: str, key: Mapping[str, str | int]) -> str:
    return f"{table} {sorted(key.items())!r}"
