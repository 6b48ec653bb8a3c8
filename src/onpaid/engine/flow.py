"""A flow: a story, told as an async function and marked `@flow`.

    @flow(on=PaymentSucceeded, key=lambda paid: paid.key, about=lambda paid: [f"order:{paid.order}"])
    async def invoice_payment(ctx, paid, *, payments, invoicing): ...

`on` is the type of fact that starts it, `key` names the run, `about` lists what an operator would search it by.
`same` tells whether a further fact under the same key says nothing new, `corrects` whether one that differs speaks of
the same matter, so that it may take the first one's place while nothing was done. `when` tells which facts are meant.
Keyword parameters are handed in by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from onpaid.errors import SettingsError

Telling = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as the engine knows it."""

    name: str
    on: type[msgspec.Struct]
    key: Callable[[Any], str]
    about: Callable[[Any], list[str]]
    same: Callable[[Any, Any], bool]
    tell: Telling
    needs: tuple[str, ...]
    returns: Any
    when: Callable[[Any], bool] = lambda _fact: True
    category: str = "provider"
    """Of the ticket when a service refuses what this flow asks for, or keeps failing it."""
    corrects: Callable[[Any, Any], bool] = lambda _first, _further: True

    def run_id(self, fact: Any) -> str:
        """The run of this flow that this fact belongs to."""
        return f"{self.name}:{self.key(fact)}"


def flow(
    *,
    on: type[msgspec.Struct],
    key: Callable[[Any], str],
    about: Callable[[Any], list[str]] | None = None,
    same: Callable[[Any, Any], bool] | None = None,
    corrects: Callable[[Any, Any], bool] | None = None,
    when: Callable[[Any], bool] | None = None,
    category: str = "provider",
) -> Callable[[Telling], Flow]:
    """Mark an async function as a flow. See the module's docstring."""

    def make(tell: Telling) -> Flow:
        parameters = inspect.signature(tell).parameters.values()
        needs = tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
        return Flow(
            name=tell.__name__,
            on=on,
            key=key,
            about=about or (lambda _fact: []),
            same=same or (lambda one, other: bool(one == other)),
            tell=tell,
            needs=needs,
            returns=get_type_hints(tell).get("return"),
            when=when or (lambda _fact: True),
            category=category,
            corrects=corrects or (lambda _first, _further: True),
        )

    return make


class Flows:
    """The flows of one service, with what each needs. Raises SettingsError if something needed is not there."""

    def __init__(self, flows: Iterable[Flow], guests: Mapping[str, Any]) -> None:
        self._by_name: dict[str, Flow] = {}
        self._by_fact: dict[type, list[Flow]] = {}
        self._guests: dict[str, dict[str, Any]] = {}
        for each in flows:
            missing = [name for name in each.needs if name not in guests]
            if missing:
                raise SettingsError(f"the flow {each.name} needs {', '.join(missing)}, which nobody fulfils")
            self._by_name[each.name] = each
            self._by_fact.setdefault(each.on, []).append(each)
            self._guests[each.name] = {name: guests[name] for name in each.needs}

    def named(self, name: str) -> Flow | None:
        """The flow of that name, or None if this version does not have it."""
        return self._by_name.get(name)

    def on(self, fact: msgspec.Struct) -> list[Flow]:
        """The flows that this fact starts."""
        return [flow for flow in self._by_fact.get(type(fact), ()) if flow.when(fact)]

    def guests(self, name: str) -> dict[str, Any]:
        """What is handed to the flow."""
        return self._guests[name]

    def __iter__(self) -> Any:
        return iter(self._by_name.values())
