"""Atlassian's document format, as far as we write and read it: paragraphs and a block of code.

Jira refuses a document with an empty text node, with a control character, or with more text than it keeps; what is
built here has none of these, whatever went in. Reading takes any document that people wrote, however deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LONGEST = 30_000
"""Characters of text in one document; Jira keeps a little more."""
CUT = " … (cut)"

Node = dict[str, Any]


def document(text: str, code: str = "") -> Node:
    """A document: the lines of `text` as paragraphs, then `code` as a block. Cut where it is too long."""
    text, code = clean(text), clean(code)
    text = cut(text, LONGEST)
    code = cut(code, LONGEST - len(text))
    content = [_paragraph(line) for line in text.split("\n") if line.strip()]
    if code.strip():
        content.append({"type": "codeBlock", "attrs": {"language": "json"}, "content": [_text(code)]})
    return {"type": "doc", "version": 1, "content": content or [{"type": "paragraph", "content": []}]}


def plain(node: object) -> str:
    """The text of a document; what stands in one block is joined, blocks are lines."""
    parts: list[str] = []
    waiting: list[object] = [node]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, dict):
            continue
        text = each.get("text")
        if isinstance(text, str):
            parts.append(text)
        children = each.get("content")
        if isinstance(children, list):
            if each.get("type") in ("paragraph", "codeBlock", "heading"):
                parts.append("\n")
            waiting.extend(reversed(children))
    return "".join(parts).strip()


def clean(text: str) -> str:
    """Without control characters (but for line breaks) and without halves of characters, which no JSON can carry."""
    return "".join(_clean(text))


def one_line(text: str, longest: int) -> str:
    """On one line, at most so long."""
    return cut(" ".join(clean(text).split()), longest)


def cut(text: str, longest: int) -> str:
    """At most so many characters, and it says so if some are missing."""
    if len(text) <= longest:
        return text
    return (text[: max(0, longest - len(CUT))] + CUT)[: max(0, longest)]


def _clean(text: str) -> Iterator[str]:
    for character in text.replace("\r\n", "\n").replace("\r", "\n"):
        if character == "\n" or character.isprintable():
            yield character
        elif character.isspace():
            yield " "


def _paragraph(line: str) -> Node:
    return {"type": "paragraph", "content": [_text(line)]}


def _text(text: str) -> Node:
    return {"type": "text", "text": text}
