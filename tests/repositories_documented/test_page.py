"""The page about these tables tells what is so: every table with its keys and writers, and every field of each."""

from __future__ import annotations

import re

import pytest

from onpaid.repositories.documented_tables import TABLES, Table
from tests.house.reading import code_spans, named_rows, page, rows
from tests.repositories_documented.agreed import AGREED

PAGE = page("aws-tables.md")


def section(heading: str, level: str = "###") -> str:
    """What stands under a heading, up to the next one."""
    _, mark, rest = PAGE.partition(f"\n{level} {heading}\n")
    assert mark, f"the page has no section {heading}"
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("variable", AGREED)
def test_every_field_has_its_row(variable: str) -> None:
    told = named_rows(section(f"`{variable}`"))
    agreed = AGREED[variable]
    assert set(told) == set(agreed.keys) | set(agreed.fields) | agreed.ours
    assert {name for name, cells in told.items() if cells[1].endswith(", key")} == set(agreed.keys)
    may_be_missing = {name for name, cells in told.items() if cells[1].endswith("may be missing")}
    assert agreed.optional <= may_be_missing <= agreed.optional | agreed.ours


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.variable)
def test_every_table_has_its_keys_and_writers(table: Table) -> None:
    told = rows(section("Which tables, and who writes them", "##"))
    (cells,) = [cells for cells in told if table.variable in code_spans(cells[0])]
    assert tuple(code_spans(cells[2])) == table.writers
    named = (*table.keys, *(table.index or ()))
    assert tuple(code_spans(cells[1])) == named
    if table.key_setting:
        assert table.key_setting in code_spans(PAGE)
