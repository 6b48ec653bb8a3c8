"""Reads Terraform's language into JSON, and understands nothing of it.

Runs under .venv-aws, whose packages onpaid does not share, and therefore imports nothing of ours:

    terraform_tree.py --texts      reads a JSON list of texts, answers with the tree of each: ["rule", part, ...],
                                   where a part is a tree or a word

Comments, line ends and white space are left out. What the words mean is terraform_module.py's.
"""

from __future__ import annotations

import json
import sys
from typing import Any

LEFT_OUT = {"new_line_or_comment"}


def tree(node: Any) -> Any:
    """A node of the parser's tree, as lists and words."""
    if not hasattr(node, "data"):
        return str(node)
    parts = [tree(each) for each in node.children if getattr(each, "data", "") not in LEFT_OUT]
    return [str(node.data), *parts]


def read(text: str) -> Any:
    """The tree of what a file holds. Raises what the parser raises for one that it cannot read."""
    import hcl2

    return tree(hcl2.parses_to_tree(text))


def main(asked: list[str]) -> int:
    """What a command line asks for. 2 for one that is not understood."""
    if asked != ["--texts"]:
        print(__doc__, file=sys.stderr)
        return 2
    json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
