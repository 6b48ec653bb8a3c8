"""Reads Stripe's form parameters: brackets decoded, each checked against the published parameters, unknown ones refused.

The check uses a JSON Schema document of the operations where one is handed in, and otherwise a short list of the
names that these few operations know.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from onpaid.simulators.kit import Json
from onpaid.simulators.stripe_names import SALES_CALLS, SALES_LISTS

NAME: Final = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
PART: Final = re.compile(r"\[([^\[\]]*)\]")
PAGING: Final = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})
KNOWN: Final[dict[str, frozenset[str]]] = {
    "GET /v1/customers": PAGING | {"email", "test_clock"},
    "POST /v1/customers": frozenset(
        {
            "address",
            "balance",
            "business_name",
            "description",
            "email",
            "expand",
            "individual_name",
            "invoice_prefix",
            "invoice_settings",
            "metadata",
            "name",
            "next_invoice_sequence",
            "payment_method",
            "phone",
            "preferred_locales",
            "shipping",
            "tax_exempt",
            "test_clock",
        }
    ),
    "GET /v1/charges": PAGING | {"customer", "payment_intent", "transfer_group"},
    "GET /v1/payment_intents": PAGING | {"customer", "customer_account"},
    "GET /v1/events": PAGING | {"type", "types", "delivery_success"},
    "GET /v1/refunds": PAGING | {"charge", "payment_intent"},
    "POST /v1/refunds": frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"}),
}
KNOWN.update({operation: PAGING | set(names.split()) for operation, names in SALES_LISTS.items()})
KNOWN.update({operation: frozenset({"expand", *names.split()}) for operation, names in SALES_CALLS.items()})
KNOWN["POST /v1/customers/{customer}"] = KNOWN["POST /v1/customers"]


class BadParameter(Exception):
    """A parameter that Stripe would refuse with a 400."""

    def __init__(self, code: str, param: str, message: str) -> None:
        self.code, self.param = code, param
        super().__init__(message)


def decode(pairs: Iterable[tuple[str, str]]) -> Json:
    """Nest `a[b][]=1` and `a[0][c]=2` as Stripe does."""
    root: Json = {}
    for name, value in pairs:
        match = NAME.match(name)
        if match is None:
            raise BadParameter("parameter_invalid", name, f"Invalid parameter name: {name}")
        keys = [match.group(1), *PART.findall(match.group(2))]
        spot: Json = root
        for key, following in zip(keys, [*keys[1:], None], strict=True):
            at = str(len(spot)) if key == "" else key
            if following is None:
                spot[at] = value
            else:
                inner = spot.setdefault(at, {})
                if not isinstance(inner, dict):
                    raise BadParameter("parameter_invalid", name, f"{name} is both a value and a hash")
                spot = inner
    return {key: _lists(value) for key, value in root.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(each) for key, each in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


class Parameters:
    """Checks parameters; `document` is the JSON Schema of the operations, if there is one."""

    def __init__(self, document: Json | None = None) -> None:
        self._document = document

    def check(self, operation: str, params: Json) -> Json:
        """The parameters with their types, or BadParameter."""
        if self._document is not None and operation in self._document["operations"]:
            return dict(self._read(self._document["operations"][operation], params, ""))
        known = KNOWN.get(operation, frozenset({"expand"}))
        for name in params:
            if name not in known:
                raise _unknown(name)
        return params

    def _read(self, schema: Json, value: Any, path: str) -> Any:
        while "$ref" in schema:
            assert self._document is not None  # noqa: S101
            schema = self._document["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        if "anyOf" in schema:
            return self._any(schema["anyOf"], value, path)
        if "enum" in schema:
            if value in schema["enum"] or (schema.get("x-open-enum") and isinstance(value, str)):
                return value
            raise BadParameter("parameter_invalid", path, f"Invalid {path}: must be one of {schema['enum']}")
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, value, path)
        if kind == "array":
            if not isinstance(value, list):
                raise BadParameter("parameter_invalid", path, f"Invalid array: {path}")
            return [self._read(schema["items"], each, f"{path}[{at}]") for at, each in enumerate(value)]
        return _scalar(kind, value, path)

    def _any(self, choices: list[Json], value: Any, path: str) -> Any:
        refusal: BadParameter | None = None
        for choice in choices:
            try:
                return self._read(choice, value, path)
            except BadParameter as bad:
                if refusal is None or len(bad.param) > len(refusal.param):
                    refusal = bad  # the one that came furthest says most
        raise refusal or BadParameter("parameter_invalid", path, f"Invalid {path}")

    def _object(self, schema: Json, value: Any, path: str) -> Json:
        if not isinstance(value, dict):
            raise BadParameter("parameter_invalid", path, f"Invalid hash: {path}")
        properties: Json = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        read: Json = {}
        for name, each in value.items():
            at = f"{path}[{name}]" if path else name
            if name in properties:
                read[name] = self._read(properties[name], each, at)
            elif more is False:
                raise _unknown(at)
            else:
                read[name] = self._read(more, each, at) if isinstance(more, dict) else each
        for name in schema.get("required", ()):
            if name not in read:
                at = f"{path}[{name}]" if path else name
                raise BadParameter("parameter_missing", at, f"Missing required param: {at}.")
        return read


def _unknown(path: str) -> BadParameter:
    return BadParameter("parameter_unknown", path, f"Received unknown parameter: {path}")


def _scalar(kind: str | None, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise BadParameter("parameter_invalid", path, f"Invalid string: {path}")
    if kind == "integer":
        if not re.fullmatch(r"-?\d+", value):
            raise BadParameter("parameter_invalid_integer", path, f"Invalid integer: {value}")
        return int(value)
    if kind == "number":
        if not re.fullmatch(r"-?\d+(\.\d+)?", value):
            raise BadParameter("parameter_invalid", path, f"Invalid decimal: {value}")
        return value
    if kind == "boolean":
        if value not in ("true", "false"):
            raise BadParameter("parameter_invalid", path, f"Invalid boolean: {value}")
        return value == "true"
    if kind == "null":
        if value != "":
            raise BadParameter("parameter_invalid", path, f"{path} can only be unset")
        return None
    return value
