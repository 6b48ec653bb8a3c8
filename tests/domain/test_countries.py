"""Countries: names, membership, and that nobody pays for the table before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onpaid.domain.countries import country_name, in_eu, is_country
from onpaid.errors import InvalidInput


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("NO", "Norway"),
        ("SE", "Sweden"),
        ("GB", "United Kingdom"),
        ("US", "United States"),
        ("CZ", "Czechia"),
        ("KR", "South Korea"),
        ("TW", "Taiwan"),
        ("VN", "Vietnam"),
        ("CD", "Democratic Republic of the Congo"),
        ("XK", "Kosovo"),
    ],
)
def test_names_as_people_write_them(code: str, name: str) -> None:
    assert country_name(code) == name
    assert is_country(code)


@pytest.mark.parametrize("code", ["", "no", "N", "NOR", "ZZ", "UK", "EU", "*", "N0", "ÅÅ", "Norway"])
def test_what_is_no_country(code: str) -> None:
    assert not is_country(code)
    with pytest.raises(InvalidInput, match="country code"):
        country_name(code)


def test_the_european_union() -> None:
    import pycountry

    members = [country.alpha_2 for country in pycountry.countries if in_eu(country.alpha_2)]
    assert len(members) == 27
    assert {"SE", "DE", "HR", "GR", "IE"} <= set(members)
    assert not {"NO", "GB", "CH", "IS", "LI", "SJ", "UK", "EL"} & set(members)


def test_no_name_needs_explaining() -> None:
    import pycountry

    names = [country_name(country.alpha_2) for country in pycountry.countries]
    assert len(set(names)) == len(names)
    assert [name for name in names if ", " in name] == ["Bonaire, Sint Eustatius and Saba"]


def test_the_table_of_countries_is_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, onpaid.domain.customers, onpaid.domain.vat, onpaid.domain.allocation, onpaid.domain.differences;"
        "sys.exit('pycountry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
