"""What deploy/terraform comes to under given values of its variables: every resource, with what it is told.

Terraform itself is not needed for it. A resource's name is that of the template: a block's label, or its key where
one block makes several, is that name in small letters.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from tests.deploy.template import PYTHON, ROOT
from tests.deploy.terraform_language import Reference, Tree, value
from tests.emulator import REGION, have_tools

FOLDER = ROOT / "deploy" / "terraform"
READER = ROOT / "tests" / "deploy" / "terraform_tree.py"
DATA = {
    "aws_region": {"current": {"name": REGION}},
    "aws_partition": {"current": {"partition": "aws", "dns_suffix": "amazonaws.com"}},
    "aws_caller_identity": {"current": {"account_id": "000000000000"}},
}
"""What the module asks AWS before it makes anything."""
ASIDE = {"count", "for_each", "depends_on"}

Body = dict[str, Any]
"""What a block is told: attributes by name, and the blocks in it as lists by their kind."""


class Resource(NamedTuple):
    """One resource: `kept` is false for one that is in no state, `name` is the template's."""

    type: str
    name: str
    told: Body
    kept: bool


def read(texts: Sequence[str]) -> list[Tree]:
    """The tree of each text, which may be changed."""
    have_tools()
    asked = [str(PYTHON), str(READER), "--texts"]
    done = subprocess.run(asked, input=json.dumps(texts), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    trees: list[Tree] = json.loads(done.stdout)
    return trees


@cache
def texts() -> dict[str, str]:
    """The module's files by their names."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.tf"))}


@cache
def _read() -> str:
    return json.dumps(read(list(texts().values())))


def written() -> list[Tree]:
    """The module as it is written: a tree for each file, in the order of `texts`. It may be changed."""
    trees: list[Tree] = json.loads(_read())
    return trees


def camel(label: str) -> str:
    """A label as the template writes it: `web_function` is `WebFunction`."""
    return "".join(part[:1].upper() + part[1:] for part in label.split("_"))


def snake(name: str) -> str:
    """A name of the template as Terraform writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Module:
    """The module under `given` variables; those that are not given are what they are by default."""

    def __init__(self, files: list[Tree], given: Mapping[str, Any] | None = None) -> None:
        self._blocks = [_Block(each) for file in files for each in file[1][1:]]
        self._locals = {
            name: tree for each in self._named("locals") for name, tree in each.attributes.items()
        }
        self._worked_out: dict[str, Any] = {}
        self.variables = {each.labels[0]: each for each in self._named("variable")}
        self.given = {name: self.worded(name).get("default") for name in self.variables} | dict(given or {})
        self._references: dict[str, Any] = {"ephemeral": {}}
        for block in self._named("resource", "ephemeral"):
            held = self._references if block.kind == "resource" else self._references["ephemeral"]
            held.setdefault(block.labels[0], {})[block.labels[1]] = _Later(self, block)

    def _named(self, *kinds: str) -> list[_Block]:
        return [each for each in self._blocks if each.kind in kinds]

    def worded(self, variable: str) -> Body:
        """What is written of a variable, but for its type and its checks."""
        told = self.variables[variable].attributes.items()
        return {name: value(tree, {}) for name, tree in told if name != "type"}

    def allows(self, variable: str, chosen: Any) -> bool:
        """Whether a variable may have this value."""
        checks = [each for each in self.variables[variable].blocks if each.kind == "validation"]
        return all(value(each.attributes["condition"], {"var": {variable: chosen}}) for each in checks)

    def attribute(self, name: str) -> Any:
        """What a local value comes to."""
        if name not in self._worked_out:
            self._worked_out[name] = value(self._locals[name], self._scope())
        return self._worked_out[name]

    def _scope(self) -> Body:
        return {"var": self.given, "local": self, "data": DATA, **self._references}

    def resources(self) -> Iterator[Resource]:
        """Every resource that is made under these variables."""
        for block in self._named("resource", "ephemeral"):
            for label, scope in self._rounds(block):
                told = self._body(block, self._scope() | scope)
                yield Resource(block.labels[0], camel(label), told, block.kind == "resource")

    def _rounds(self, block: _Block) -> Iterator[tuple[str, Body]]:
        """How often a block is a resource: its label or key each time, and what `each` stands for."""
        if "for_each" in block.attributes:
            for key, held in value(block.attributes["for_each"], self._scope()).items():
                yield key, {"each": {"key": key, "value": held}}
        else:
            often = value(block.attributes["count"], self._scope()) if "count" in block.attributes else 1
            yield from [(block.labels[1], {})] * often

    def references(self, block: _Block) -> Reference | dict[Any, Reference]:
        """What stands for a block's resource, or for each of them by its key or number."""
        made = [label for label, _ in self._rounds(block)]
        if "for_each" in block.attributes:
            return {key: Reference(f"${{{camel(key)}}}") for key in made}
        if "count" in block.attributes:
            return {nth: Reference(f"${{{camel(label)}}}") for nth, label in enumerate(made)}
        return Reference(f"${{{camel(made[0])}}}")

    def outputs(self) -> dict[str, Body]:
        """What is told of it in the end; without those that come to nothing."""
        told = {each.labels[0]: self._body(each, self._scope()) for each in self._named("output")}
        return {name: each for name, each in told.items() if "value" in each}

    def _body(self, block: _Block, scope: Body) -> Body:
        """What a block is told. What comes to null is not told."""
        worked_out = {
            name: value(tree, scope) for name, tree in block.attributes.items() if name not in ASIDE
        }
        told = {name: held for name, held in worked_out.items() if held is not None}
        for inner in block.blocks:
            if inner.kind == "dynamic":
                told.setdefault(inner.labels[0], []).extend(self._dynamic(inner, scope))
            else:
                told.setdefault(inner.kind, []).append(self._body(inner, scope))
        return {name: held for name, held in told.items() if held != [] or name in worked_out}

    def _dynamic(self, block: _Block, scope: Body) -> Iterator[Body]:
        over = value(block.attributes["for_each"], scope)
        (content,) = block.blocks
        for key, held in over.items() if isinstance(over, Mapping) else zip(over, over, strict=True):
            yield self._body(content, scope | {block.labels[0]: {"key": key, "value": held}})


class _Block:
    """A block of the language: its kind, its labels, its attributes as trees, and the blocks in it."""

    def __init__(self, tree: Tree) -> None:
        _, (_, self.kind), *rest = tree
        self.labels = [each[1] if each[0] == "identifier" else each[2][1] for each in rest[:-3]]
        body = rest[-2][1:]
        self.attributes: dict[str, Tree] = {each[1][1]: each[3] for each in body if each[0] == "attribute"}
        self.blocks = [_Block(each) for each in body if each[0] == "block"]


class _Later:
    """A resource that somebody refers to, found out when it is asked for: its keys may need other resources."""

    def __init__(self, module: Module, block: _Block) -> None:
        self._module, self._block = module, block

    def attribute(self, name: str) -> Reference:
        found = self._module.references(self._block)
        assert isinstance(found, Reference), f"{self._block.labels}: which of them?"
        return found.attribute(name)

    def __getitem__(self, key: Any) -> Reference:
        found = self._module.references(self._block)
        assert isinstance(found, dict), f"{self._block.labels}: there is only one"
        return found[key]
