"""Records: how those of one type are kept, and that they come back as they were."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onpaid.store.port import Check, Entry, Insert, Put, Store, Update
from onpaid.store.records import SQUEEZED, Kind


class Card(msgspec.Struct):
    """A record of these tests."""

    id: str
    data: bytes = b""
    over: bool = False


PLAIN = Kind("card", Card, key=lambda card: card.id)
PACKED = Kind(
    "packed", Card, key=lambda card: card.id, packed=True, entries=lambda card: [Entry("all", "", 1)]
)
RESTING = Kind("resting", Card, key=lambda card: card.id, squeeze=lambda card: card.over)


@pytest.mark.parametrize("kind", [PLAIN, PACKED, RESTING], ids=lambda kind: kind.name)
async def test_records_come_back_as_they_were(store: Store, kind: Kind[Card]) -> None:
    one, other = Card("1", b"\xc1\x00 raw", over=True), Card("2", b"", over=False)
    await store.commit([kind.insert(one), kind.put(other)])
    held = await kind.get(store, "1")
    assert held is not None
    assert (held.record, held.version) == (one, 1)
    assert await kind.get_many(store, ["2", "3", "1"]) == [other, None, one]
    assert await kind.get(store, "3") is None
    held.record.data = b"changed"
    await store.commit([kind.update(held.record, 1), kind.check("2", 1)])
    assert await kind.get_many(store, ["1"]) == [Card("1", b"changed", over=True)]


async def test_records_are_found_by_their_entries(store: Store) -> None:
    await store.commit([PACKED.insert(Card(str(number))) for number in range(3)])
    page = await PACKED.query(store, "all", "", limit=2, newest_first=False)
    assert [card.id for card in page.items] == ["0", "1"]
    rest = await PACKED.query(store, "all", "", after=page.cursor, newest_first=False)
    assert ([card.id for card in rest.items], rest.cursor) == (["2"], None)
    assert (await PACKED.query(store, "all", "", sort_from=2)).items == []


def test_what_is_written_is_what_was_said() -> None:
    card = Card("1", b"x" * 300, over=True)
    made: Any = PACKED.insert(card)
    assert made == Insert("packed", "1", msgspec.msgpack.encode(card), (Entry("all", "", 1),))
    assert PLAIN.put(card) == Put("card", "1", msgspec.json.encode(card), ())
    assert PLAIN.update(card, 7) == Update("card", "1", msgspec.json.encode(card), 7, ())
    assert PLAIN.check("1", None) == Check("card", "1", None)
    squeezed = RESTING.put(card).body
    assert squeezed[:1] == SQUEEZED
    assert len(squeezed) < 100
    assert RESTING.put(Card("1", b"x" * 300)).body == msgspec.json.encode(Card("1", b"x" * 300))
