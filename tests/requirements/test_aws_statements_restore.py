"""What docs/aws-operating.md has people do after a restore does what it says: run as it stands there, against the
emulator."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import textwrap

from onpaid.cli.demo.emulator import credentials
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.generation import generation
from tests.emulator import Emulator, table
from tests.house.reading import page, section

NAME = "onpaid-prod-restored"


def script() -> str:
    """The block of Python on the page."""
    told = section(page("aws-operating.md"), "Backup and restore")
    (found,) = re.findall(r"^ *```python\n(.*?)^ *```", told, re.MULTILINE | re.DOTALL)
    assert NAME in found
    return textwrap.dedent(found)


def test_the_generation_is_raised_as_the_page_says(emulator: Emulator) -> None:
    client, name = emulator.client("dynamodb"), table()
    create_table(client, name)

    async def kept() -> int:
        store = await DynamoStore.open(name, client=client)
        try:
            return await generation(store)
        finally:
            await store.close()

    for expected in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", script().replace(NAME, name)],
            env={**os.environ, **credentials(), "AWS_ENDPOINT_URL": emulator.url},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-800:]
        assert asyncio.run(kept()) == expected
