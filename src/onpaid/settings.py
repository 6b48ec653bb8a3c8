"""Typed settings, from the environment or a TOML file; the environment wins.

Each setting is declared once, with its name, its meaning and its default: `docs/settings.md` is checked against these
tables. A secret may be a list (newest first, separated by blanks), so that it can be rotated without an outage, and
may be a reference to where it is kept, see `settings_secrets.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onpaid.errors import SettingsError
from onpaid.settings_aws import AWS
from onpaid.settings_billing import BILLING
from onpaid.settings_delivery import DELIVERY
from onpaid.settings_readers import Setting
from onpaid.settings_secrets import Fetch, fetch_secret, resolved
from onpaid.settings_table import INVOICING, SERVICE

TABLE: tuple[Setting, ...] = (*SERVICE, *INVOICING, *DELIVERY, *BILLING, *AWS)

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in TABLE}


class Settings:
    """The settings of one service. `settings["STRIPE_API_KEY"]`; never printed with its secrets."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` are texts by name; unknown names are ignored. Raises SettingsError naming every wrong one."""
        wrong: list[str] = []
        self._values: dict[str, Any] = {}
        for setting in TABLE:
            given = values.get(setting.name)
            if given is None or given.strip() == "":
                self._values[setting.name] = setting.default
                continue
            try:
                self._values[setting.name] = setting.read(given)
            except ValueError as error:
                shown = "" if setting.secret else f" is {given!r}:"
                wrong.append(f"{setting.name}{shown} {error}")
        if wrong:
            raise SettingsError("; ".join(wrong))

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def missing(self, *names: str) -> list[str]:
        """Those of `names` that are not set."""
        return [name for name in names if self._values[name] in (None, ())]

    def shown(self) -> dict[str, str]:
        """Every setting as text, secrets hidden."""
        return {
            s.name: ("set" if self._values[s.name] else "not set")
            if s.secret
            else _as_text(self._values[s.name])
            for s in TABLE
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Settings(...)"


def _as_text(value: object) -> str:
    """As it could be written in the environment: a list with blanks between."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def load(environment: Mapping[str, str], file: Path | None = None, fetch: Fetch = fetch_secret) -> Settings:
    """Settings from the environment, over a TOML file (names as keys, in any case); references are looked up by
    `fetch`. Raises SettingsError."""
    values: dict[str, str] = {}
    if file is not None:
        try:
            values = told(file.read_text(encoding="utf-8"), f"the settings file {file}")
        except OSError as error:
            raise SettingsError(f"the settings file {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise SettingsError(f"the settings file {file} is not TOML: {error}") from None
    values.update({name: value for name, value in environment.items() if name in BY_NAME})
    secret = {name for name, setting in BY_NAME.items() if setting.secret}
    return Settings(resolved(values, secret, fetch))


def told(text: str, where: str) -> dict[str, str]:
    """What a TOML text says, by name. `where` is what errors call it. Raises SettingsError, also for odd names."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where} is not TOML: {error}") from None
    values: dict[str, str] = {}
    for name, value in given.items():
        if name.upper() not in BY_NAME:
            raise SettingsError(f"{where} has {name}, which is no setting: is it misspelt?")
        values[name.upper()] = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return values
