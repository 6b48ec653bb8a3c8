"""A process that writes without end and says on its output what was acknowledged, until it is killed."""

from __future__ import annotations

import asyncio
import sys

from onpaid.store.port import Entry, Insert
from onpaid.store.sqlite import SqliteStore


async def main(path: str, name: str) -> None:
    store = await SqliteStore.open(path, exclusive=True, checkpoint_bytes=200_000)
    store.announce("http://127.0.0.1:8000")

    async def write(writer: int) -> None:
        number = 0
        while True:
            key = f"{name}-{writer}-{number}"
            await store.commit(
                [
                    Insert("left", key, key.encode() * 40, (Entry("all", "", number),)),
                    Insert("right", key, b""),
                ]
            )
            print(key, flush=True)
            number += 1

    await asyncio.gather(*(write(writer) for writer in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
