"""The VAT table: which rule counts, and what an operator is told when none does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib.resources import files

import msgspec
import pytest

from onpaid.domain.vat import VatRule, VatTable
from onpaid.errors import Problem, SettingsError

SAMPLE = (files("onpaid.domain") / "vat_sample.toml").read_text("utf-8")
RULE = """
[[rule]]
country = "NO"
vat_percent = 25
valid_from = 2022-01-01
vat_type = "HIGH"
income_account = "3000"
"""
SIGNED = 'signed_off_by = "Kari"\nsigned_off_on = 2026-01-02\n'


def rule(country: str, percent: str, since: str, account: str) -> VatRule:
    return VatRule(country, Decimal(percent), date.fromisoformat(since), "HIGH", account)


TABLE = VatTable(
    (
        rule("NO", "25", "2022-01-01", "3000"),
        rule("NO", "25", "2026-07-01", "3001"),
        rule("SE", "25", "2024-01-01", "3200"),
        rule("EU", "25", "2025-01-01", "3201"),
        rule("*", "25", "2022-01-01", "3202"),
        rule("*", "0", "2022-01-01", "3110"),
        rule("NO", "11.11", "2022-01-01", "3040"),
    ),
    "Kari",
    date(2026, 1, 2),
)


@pytest.mark.parametrize(
    ("country", "percent", "on", "account"),
    [
        ("NO", "25", "2026-06-30", "3000"),
        ("NO", "25", "2026-07-01", "3001"),
        ("NO", "25.00", "2028-02-29", "3001"),
        ("NO", "11.11", "2026-01-01", "3040"),
        ("SE", "25", "2026-01-01", "3200"),
        ("SE", "25", "2023-06-01", "3202"),  # its own rule, and the EU's, begin later
        ("DE", "25", "2026-01-01", "3201"),
        ("DE", "25", "2024-12-31", "3202"),
        ("GB", "25", "2026-01-01", "3202"),
        ("SE", "0", "2026-01-01", "3110"),
        ("SJ", "0", "2026-01-01", "3110"),
    ],
)
def test_the_most_telling_rule_counts_then_the_newest(
    country: str, percent: str, on: str, account: str
) -> None:
    assert TABLE.rule_for(country, Decimal(percent), date.fromisoformat(on)).income_account == account


def test_a_norwegian_sale_is_never_booked_as_abroad() -> None:
    with pytest.raises(Problem, match="no rule for sales to NO at 0 % VAT"):
        TABLE.rule_for("NO", Decimal(0), date(2026, 1, 1))


def test_no_rule_says_which_line_to_add() -> None:
    with pytest.raises(Problem) as caught:
        msgspec.structs.replace(TABLE, source="vat.toml").rule_for("SE", Decimal("12.50"), date(2026, 3, 1))
    problem = caught.value
    assert problem.category == "invoice"
    assert problem.title == "vat.toml has no rule for sales to SE at 12.5 % VAT"
    added = problem.facts["add"].replace('vat_type = "..."', 'vat_type = "HIGH"').replace('"..."', '"3200"')
    read = VatTable.from_toml(SIGNED + added)
    assert read.rule_for("SE", Decimal("12.5"), date(2026, 3, 1)).income_account == "3200"
    assert "vat.toml" in problem.facts["to_do"]
    assert "but" not in problem.facts


def test_a_rule_that_begins_later_is_mentioned() -> None:
    with pytest.raises(Problem) as caught:
        TABLE.rule_for("NO", Decimal(25), date(2021, 12, 31))
    assert "2022-01-01" in caught.value.facts["but"]


@pytest.mark.parametrize("missing", ["signed_off_by", "signed_off_on"])
def test_an_unsigned_table_invoices_nothing(missing: str) -> None:
    table = msgspec.structs.replace(TABLE, source="vat.toml", **{missing: None})
    assert not table.signed
    with pytest.raises(Problem, match=r"vat\.toml is not signed off") as caught:
        table.rule_for("NO", Decimal(25), date(2026, 1, 1))
    assert "signed_off_by and signed_off_on" in caught.value.facts["to_do"]


def test_no_table_at_all_names_the_setting() -> None:
    with pytest.raises(Problem, match="INVOICE_VAT_RULES names no file"):
        VatTable(rules=(), source="").rule_for("NO", Decimal(25), date(2026, 1, 1))


def test_the_sample_is_sound_and_unsigned() -> None:
    table = VatTable.from_toml(SAMPLE)
    assert not table.signed
    signed = VatTable.from_toml(
        SAMPLE.replace('signed_off_by = ""', 'signed_off_by = "Kari"').replace(
            'signed_off_on = ""', 'signed_off_on = "2026-01-02"'
        )
    )
    assert signed.signed
    on = date(2026, 11, 21)
    kinds = {
        (country, rate): signed.rule_for(country, Decimal(rate), on).vat_type
        for country, rate in [("NO", 25), ("NO", 15), ("NO", 12), ("NO", 0), ("SE", 0), ("US", 0), ("SJ", 0)]
    }
    assert list(kinds.values()) == ["HIGH", "MEDIUM", "LOW", "EXEMPT", *["EXEMPT_IMPORT_EXPORT"] * 3]
    with pytest.raises(Problem, match="SE at 25 %"):
        signed.rule_for("SE", Decimal(25), on)


@pytest.mark.parametrize(
    ("percent", "read"), [("25", "25"), ("11.11", "11.11"), ('"25.5"', "25.5"), ("0", "0")]
)
def test_rates_are_read_exactly(percent: str, read: str) -> None:
    table = VatTable.from_toml(RULE.replace("= 25", f"= {percent}"))
    assert table.rules[0].vat_percent == Decimal(read)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule = [", "not TOML"),
        ("", r"no \[\[rule\]\]"),
        ("rule = 5", r"no \[\[rule\]\]"),
        ("rule = [5]", "rule 1: must be"),
        (RULE.replace("country", "land"), "rule 1: unknown entry 'land'"),
        (RULE.replace('country = "NO"', ""), "rule 1: country is missing"),
        (RULE.replace('"NO"', '"Norway"'), "rule 1: country"),
        (RULE.replace('"NO"', '"UK"'), "rule 1: country"),
        (RULE.replace('"NO"', '"no"'), "rule 1: country"),
        (RULE.replace('"NO"', "47"), "rule 1: country"),
        (RULE.replace("25", "125"), "rule 1: vat_percent"),
        (RULE.replace("25", "-1"), "rule 1: vat_percent"),
        (RULE.replace("25", "nan"), "rule 1: vat_percent"),
        (RULE.replace("25", "true"), "rule 1: vat_percent"),
        (RULE.replace("25", '"25 %"'), "rule 1: vat_percent"),
        (RULE.replace("2022-01-01", '"soon"'), "rule 1: valid_from"),
        (RULE.replace("2022-01-01", "2022-01-01T00:00:00"), "rule 1: valid_from"),
        (RULE.replace("2022-01-01", "2022"), "rule 1: valid_from"),
        (RULE.replace('"HIGH"', '"high"'), "rule 1: vat_type"),
        (RULE.replace('"3000"', "3000"), "rule 1: income_account"),
        (RULE.replace('"3000"', '"30"'), "rule 1: income_account"),
        (RULE + RULE, "rules 1 and 2"),
        ("signed_by = 'K'\n" + RULE, "unknown entry 'signed_by'"),
        ("signed_off_by = 1\n" + RULE, "signed_off_by"),
        ("signed_off_on = 'x'\n" + RULE, "signed_off_on"),
    ],
)
def test_a_table_that_is_wrong_says_where(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        VatTable.from_toml(text, "vat.toml")
    assert str(caught.value).startswith("vat.toml")


def test_a_signature_of_blanks_is_none() -> None:
    assert not VatTable.from_toml('signed_off_by = "  "\nsigned_off_on = 2026-01-02\n' + RULE).signed
    assert VatTable.from_toml(SIGNED + RULE).signed
