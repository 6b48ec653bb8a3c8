"""Which VAT an invoice line is booked with: a table of rules that a person has signed off.

How a sale is booked is a bookkeeping decision, so onpaid guesses nothing: for each country and rate that the shop
sells at there is a line in the table, with the date from which it holds. What no line covers is not invoiced; the
ticket says which line to add. A country's own line wins over the EU's, and that one over "*"; then the newest counts.
"*" means abroad: a Norwegian sale at a rate that the table does not know must not be booked as an export.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from onpaid.domain.countries import in_eu, is_country
from onpaid.domain.decimals import exact_decimal, plain
from onpaid.errors import InvalidInput, Problem, SettingsError

EU: Final = "EU"
ABROAD: Final = "*"
HOME: Final = "NO"
_RULE_FIELDS: Final = ("country", "vat_percent", "valid_from", "vat_type", "income_account")
_TABLE_FIELDS: Final = ("signed_off_by", "signed_off_on", "rule")


class VatRule(msgspec.Struct, frozen=True):
    """One line of the table. `country` is ISO 3166-1 alpha-2, "EU" or "*"; `vat_percent` is 25 for 25 %."""

    country: str
    vat_percent: Decimal
    valid_from: date
    vat_type: str
    income_account: str


class VatTable(msgspec.Struct, frozen=True):
    """The rules, and who has vouched for them. `source` names the file in tickets; it is "" if no file is named."""

    rules: tuple[VatRule, ...]
    signed_off_by: str | None = None
    signed_off_on: date | None = None
    source: str = "the VAT table"

    @property
    def signed(self) -> bool:
        """Whether somebody has signed it off."""
        return bool(self.signed_off_by) and self.signed_off_on is not None

    def rule_for(self, country: str, percent: Decimal, on: date) -> VatRule:
        """The rule for a sale at `percent` to `country` on that day. Raises Problem if there is none."""
        if not self.source:
            raise Problem(
                "INVOICE_VAT_RULES names no file: nothing is invoiced until a person vouches for one",
                category="invoice",
                facts={
                    "to_do": "copy domain/vat_sample.toml, go through it with your accountant, sign it off"
                },
            )
        if not self.signed:
            raise Problem(
                f"{self.source} is not signed off: nothing is invoiced until a person vouches for it",
                category="invoice",
                facts={
                    "to_do": f"read {self.source} with your accountant, fill in signed_off_by and signed_off_on"
                },
            )
        found = self._matching(country, percent, on)
        if found is None:
            raise Problem(
                f"{self.source} has no rule for sales to {country} at {plain(percent)} % VAT",
                category="invoice",
                facts=self._advice(country, percent, on),
            )
        return found

    def _matching(self, country: str, percent: Decimal, on: date) -> VatRule | None:
        for name in _names(country):
            valid = [
                r for r in self.rules if r.country == name and r.vat_percent == percent and r.valid_from <= on
            ]
            if valid:
                return max(valid, key=lambda rule: rule.valid_from)
        return None

    def _advice(self, country: str, percent: Decimal, on: date) -> dict[str, str]:
        line = (
            f'[[rule]]\ncountry = "{country}"\nvat_percent = {plain(percent)}\nvalid_from = {on.isoformat()}\n'
            'vat_type = "..."\nincome_account = "..."'
        )
        facts = {
            "country": country,
            "vat_percent": plain(percent),
            "on": on.isoformat(),
            "to_do": f"add this to {self.source}, with the VAT type and account your accountant names, then retry",
            "add": line,
        }
        later = sorted(
            rule.valid_from
            for rule in self.rules
            if rule.vat_percent == percent and rule.valid_from > on and rule.country in _names(country)
        )
        if later:
            facts["but"] = f"there is a rule that begins on {later[0].isoformat()}, after the invoice's date"
        return facts

    @classmethod
    def from_toml(cls, text: str, source: str = "the VAT table") -> VatTable:
        """The table from its file's text. Raises SettingsError, in a sentence that names the rule."""
        try:
            told = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as bad:
            raise SettingsError(f"{source} is not TOML: {bad}") from None
        _only(told, _TABLE_FIELDS, source)
        rules = told.get("rule", [])
        if not isinstance(rules, list) or not rules:
            raise SettingsError(
                f"{source} has no [[rule]]: start from the sample that is shipped with onpaid"
            )
        read = tuple(_rule(rule, f"{source}, rule {nth}") for nth, rule in enumerate(rules, 1))
        seen: dict[tuple[str, Decimal, date], int] = {}
        for nth, rule in enumerate(read, 1):
            first = seen.setdefault((rule.country, rule.vat_percent, rule.valid_from), nth)
            if first != nth:
                raise SettingsError(
                    f"{source}: rules {first} and {nth} are for the same country, rate and date"
                )
        by, on = told.get("signed_off_by", ""), told.get("signed_off_on", "")
        if not isinstance(by, str):
            raise SettingsError(f"{source}: signed_off_by must be a name in quotes")
        return cls(
            read, by.strip() or None, None if on == "" else _date(on, f"{source}: signed_off_on"), source
        )


def _names(country: str) -> tuple[str, ...]:
    """Under which names a country's rules may stand, the most telling first."""
    if country == HOME:
        return (country,)
    return (country, EU, ABROAD) if in_eu(country) else (country, ABROAD)


def _rule(told: Any, where: str) -> VatRule:
    if not isinstance(told, dict):
        raise SettingsError(f"{where}: must be a [[rule]] table")
    _only(told, _RULE_FIELDS, where)
    for name in _RULE_FIELDS:
        if name not in told:
            raise SettingsError(f"{where}: {name} is missing")
    country = told["country"]
    if not isinstance(country, str) or (country not in (EU, ABROAD) and not is_country(country)):
        raise SettingsError(
            f'{where}: country must be a two-letter code such as "NO", or "EU", or "*", not {country!r}'
        )
    kind = _text(told, "vat_type", r"[A-Z][A-Z_]*", 'a VAT type in capitals, such as "HIGH"', where)
    account = _text(
        told, "income_account", r"[0-9]{4}(:[0-9]{5})?", 'an account in quotes, such as "3000"', where
    )
    return VatRule(
        country,
        _percent(told["vat_percent"], where),
        _date(told["valid_from"], f"{where}: valid_from"),
        kind,
        account,
    )


def _percent(told: Any, where: str) -> Decimal:
    try:
        percent = exact_decimal(told, "vat_percent")
    except (InvalidInput, TypeError) as bad:
        raise SettingsError(f"{where}: {bad}") from None
    if not 0 <= percent <= 100:
        raise SettingsError(f"{where}: vat_percent must be from 0 to 100, such as 25, not {plain(percent)}")
    return percent


def _text(told: Mapping[str, Any], name: str, pattern: str, what: str, where: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise SettingsError(f"{where}: {name} must be {what}, not {value!r}")
    return value


def _date(told: Any, where: str) -> date:
    if isinstance(told, str):
        try:
            return date.fromisoformat(told)
        except ValueError:
            pass
    elif isinstance(told, date) and not isinstance(told, datetime):
        return told
    raise SettingsError(f"{where} must be a date such as 2026-01-01, not {str(told)!r}")


def _only(told: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in told:
        if name not in known:
            raise SettingsError(f"{where}: unknown entry {name!r}, known are {', '.join(known)}")
