"""Parameters of a query: declared beside the route, checked in one place, told in the OpenAPI document.

The API refuses what it does not know (a misspelt filter would silently show everything); pages pass it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from onpaid.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query: a text, one of `choices`, or a whole number up to `most`."""

    name: str
    says: str
    choices: tuple[str, ...] = ()
    default: Any = ""
    most: int = 0
    longest: int = 300

    @property
    def schema(self) -> dict[str, Any]:
        """The parameter in JSON Schema."""
        if self.most:
            return {"type": "integer", "minimum": 1, "maximum": self.most, "default": self.default}
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        return {"type": "string", "maxLength": self.longest}

    def read(self, text: str) -> Any:
        """The value. Raises InvalidInput."""
        if self.most:
            if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= self.most):
                raise InvalidInput(f"{self.name} must be a whole number from 1 to {self.most}")
            return int(text)
        if self.choices and text not in self.choices:
            raise InvalidInput(f"{self.name} must be one of {', '.join(self.choices)}")
        if len(text) > self.longest:
            raise InvalidInput(f"{self.name} has more than {self.longest} characters")
        if "\x00" in text:
            raise InvalidInput(f"{self.name} holds a control character")
        return text


CURSOR = Parameter("cursor", "Where the next page begins: the `cursor` of the page before.")


def limit(default: int, most: int = 200) -> Parameter:
    """How many items a page has."""
    return Parameter("limit", f"How many items to answer, at most {most}.", default=default, most=most)


def read_parameters(declared: Sequence[Parameter], query: QueryParams, *, strict: bool) -> dict[str, Any]:
    """Every declared parameter with its value or its default. Raises InvalidInput."""
    known = {parameter.name: parameter for parameter in declared}
    values = {parameter.name: parameter.default for parameter in declared}
    seen: set[str] = set()
    for name, text in query.multi_items():
        parameter = known.get(name)
        if parameter is None:
            if strict:
                names = ", ".join(known) or "none"
                raise InvalidInput(f"there is no parameter {name[:40]!r}; known here: {names}")
            continue
        if name in seen:
            raise InvalidInput(f"{name} is given twice")
        seen.add(name)
        if text == "" and not strict:
            continue
        values[name] = parameter.read(text)
    return values
