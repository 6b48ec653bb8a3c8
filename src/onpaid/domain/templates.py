"""Which WhatsApp template says what: configuration, since each business has its own approved templates.

A table maps our name of a message to the service's name of its template, its language, and its variables in order, each
with what fills it. The words that can fill a variable are few and fixed (WORDS). In TOML:

    [order_confirmation]
    template = "order_confirmation"      # Twilio: the ContentSid
    language = "en"
    parameters = [["orderNumber", "order_number"], ["orderAmount", "order_amount"]]
    url_suffix = "track_path"            # optional: the variable end of a button's address
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Final

import msgspec

from onpaid.domain.messages import OutMessage, Parameter
from onpaid.errors import SettingsError

WORDS: Final = (
    "order_number",
    "order_amount",
    "customer_name",
    "estimated_delivery",
    "track_url",
    "track_path",
    "awb",
    "courier",
    "courier_track_url",
)
NAMES: Final = ("order_confirmation", "shipment_created")
COURIER_TRACKING: Final = "https://shiprocket.co/tracking/"


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One template as the service knows it; `parameters` are (variable, word) in the template's order."""

    template: str
    parameters: tuple[tuple[str, str], ...]
    language: str = "en"
    url_suffix: str = ""


DEFAULT: Final[Mapping[str, Template]] = {
    "order_confirmation": Template(
        "order_confirmation",
        (
            ("orderNumber", "order_number"),
            ("orderAmount", "order_amount"),
            ("estimatedDelivery", "estimated_delivery"),
            ("trackingUrl", "track_url"),
        ),
    ),
    "shipment_created": Template(
        "shipment_created",
        (
            ("orderNumber", "order_number"),
            ("awb", "awb"),
            ("courierName", "courier"),
            ("trackingLink", "track_url"),
        ),
    ),
}


class Templates:
    """The table, checked: every message that we send has its template, and every variable a word we know."""

    def __init__(self, table: Mapping[str, Template] = DEFAULT, source: str = "the default") -> None:
        """Raises SettingsError, naming what is wrong."""
        for name in NAMES:
            if name not in table:
                raise SettingsError(f"{source}: there is no [{name}]")
        for name, template in table.items():
            if name not in NAMES:
                raise SettingsError(f"{source}: [{name}] is no message of ours: {', '.join(NAMES)}")
            words = [word for _, word in template.parameters]
            for word in [*words, *([template.url_suffix] if template.url_suffix else [])]:
                if word not in WORDS:
                    raise SettingsError(
                        f"{source}: [{name}] uses {word!r}, which is none of {', '.join(WORDS)}"
                    )
        self._table = dict(table)

    @classmethod
    def from_toml(cls, text: str, source: str) -> Templates:
        """The table of a file; messages that it leaves out keep their default. Raises SettingsError."""
        try:
            told = msgspec.convert(tomllib.loads(text), dict[str, Template])
        except tomllib.TOMLDecodeError as bad:
            raise SettingsError(f"{source} is not TOML: {bad}") from None
        except msgspec.ValidationError as bad:
            raise SettingsError(f"{source} does not fit: {bad}") from None
        return cls({**DEFAULT, **told}, source)

    def fill(self, name: str, ref: str, to: str, words: Mapping[str, str]) -> OutMessage:
        """The message as it goes out."""
        template = self._table[name]
        return OutMessage(
            ref=ref,
            to=to,
            template=template.template,
            language=template.language,
            parameters=tuple(Parameter(each, words[word]) for each, word in template.parameters),
            url_suffix=words[template.url_suffix] if template.url_suffix else "",
        )
