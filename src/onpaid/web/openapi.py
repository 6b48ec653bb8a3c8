"""`/openapi.json`, made from the table of routes and from the types that they take and answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from onpaid.web.answers import ProblemDetails
from onpaid.web.settings import WebSettings
from onpaid.web.table import Door
from onpaid.web.webhooks import PREFIX, Acknowledged

REF = "#/components/schemas/{name}"
PROBLEM_MEDIA = "application/problem+json"
SIGNATURES = {"stripe": "Stripe-Signature", "konverzky": "X-Onpaid-Signature"}


def document(doors: Sequence[Door], sources: Sequence[str], settings: WebSettings) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    types: list[Any] = [ProblemDetails, Acknowledged]
    for door in doors:
        types.extend(each for each in (door.answers, door.body) if each is not None)
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = {repr(type_): schema for type_, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for door in doors:
        paths.setdefault(door.open_path, {})[door.method.lower()] = _operation(door, by_type)
    for source in sources:
        paths[f"{PREFIX}{source}"] = {"post": _webhook(source, by_type)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "onpaid",
            "version": settings.version,
            "description": "Each paid order becomes its invoice or its parcel, exactly once and provably.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.public_url}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The operator's or the viewer's token.",
                },
                "user": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A user's own token.",
                },
            },
        },
    }


def _operation(door: Door, by_type: dict[str, Any]) -> dict[str, Any]:
    statuses = {*door.statuses, 400} if door.takes or door.body or "{" in door.path else {*door.statuses}
    if door.who is not None:
        statuses |= {401} if door.face == "api" else {303}
        statuses |= {403} if door.method == "POST" and door.who != "user" else set()
    if door.method == "POST":
        statuses |= {408, 413, 415}
    statuses |= {503}
    operation: dict[str, Any] = {
        "operationId": door.name,
        "summary": door.says,
        "tags": [_tag(door)],
        "security": [] if door.who is None else [{"user" if door.who == "user" else "token": []}],
        "responses": {
            str(door.status): _answer(door, by_type),
            **{str(each): _other(each, door) for each in sorted(statuses)},
        },
    }
    parameters = [_in_path(name) for name in re.findall(r"\{(\w+)\}", door.open_path)]
    parameters += [
        {"name": each.name, "in": "query", "description": each.says, "schema": each.schema}
        for each in door.takes
    ]
    if parameters:
        operation["parameters"] = parameters
    if door.body is not None:
        media = "application/json" if door.face == "api" else "application/x-www-form-urlencoded"
        operation["requestBody"] = {"content": {media: {"schema": by_type[repr(door.body)]}}}
    return operation


def _tag(door: Door) -> str:
    if door.face != "api":
        return "console" if door.face == "page" else "tracking"
    parts = door.path.split("/")
    if parts[1] in ("payment", "stripe"):
        return "checkout"
    return parts[2] if parts[1] == "api" else "health"


def _answer(door: Door, by_type: dict[str, Any]) -> dict[str, Any]:
    if door.answers is None:
        kind = "object" if door.media == "application/json" else "string"
        return {"description": door.says, "content": {door.media: {"schema": {"type": kind}}}}
    return {"description": door.says, "content": {door.media: {"schema": by_type[repr(door.answers)]}}}


def _other(status: int, door: Door) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status == 503 and door.path == "/readyz":
        described["content"] = {"application/json": {"schema": {"$ref": REF.format(name="Ready")}}}
    elif door.face == "api" and status >= 400:
        described["content"] = {PROBLEM_MEDIA: {"schema": {"$ref": REF.format(name="ProblemDetails")}}}
    return described


def _in_path(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Percent-encoded; a slash may stand as it is.",
        "schema": {"type": "string", "minLength": 1},
    }


def _webhook(source: str, by_type: dict[str, Any]) -> dict[str, Any]:
    statuses = (400, 401, 408, 413, 415, 503)
    problem = {PROBLEM_MEDIA: {"schema": {"$ref": REF.format(name="ProblemDetails")}}}
    answers: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem} for status in statuses
    }
    answers["200"] = {
        "description": "Kept durably. A second delivery of the same event is answered alike.",
        "content": {"application/json": {"schema": by_type[repr(Acknowledged)]}},
    }
    header = SIGNATURES.get(source, "the signature header of the source")
    return {
        "operationId": f"post_webhooks_{source}",
        "summary": f"Where {source.capitalize()} sends its webhooks; verified by {header} on the raw body.",
        "tags": ["webhooks"],
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": dict(sorted(answers.items())),
    }
