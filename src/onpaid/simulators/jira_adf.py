"""Atlassian's document format, as strictly as Jira reads it: a text where a document is due is refused.

Every objection is a sentence, None means that the document is right. Known are the nodes that tickets are
written with: paragraphs, headings, code, lists, panels, quotes, rules, tables, and texts with marks.
"""

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

LONGEST: Final = 32_767
NOT_A_DOCUMENT: Final = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
BLOCKS: Final = frozenset(
    {"paragraph", "heading", "codeBlock", "bulletList", "orderedList", "panel", "blockquote", "rule", "table"}
)
INLINES: Final = frozenset({"text", "hardBreak", "inlineCard", "mention", "emoji"})
CHILDREN: Final[dict[str, frozenset[str]]] = {
    "doc": BLOCKS,
    "paragraph": INLINES,
    "heading": INLINES,
    "codeBlock": frozenset({"text"}),
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": frozenset({"paragraph", "codeBlock", "bulletList", "orderedList"}),
    "panel": BLOCKS - {"panel", "table"},
    "blockquote": frozenset({"paragraph"}),
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": BLOCKS - {"table"},
    "tableHeader": BLOCKS - {"table"},
}
NEEDS_CHILDREN: Final = frozenset(CHILDREN) - {"doc", "paragraph", "heading", "codeBlock"}
NEEDED: Final = {"heading": "level", "panel": "panelType", "inlineCard": "url", "mention": "id"}
MARKS: Final = frozenset(
    {"strong", "em", "code", "link", "strike", "underline", "textColor", "subsup", "backgroundColor"}
)
FIELDS: Final = frozenset({"type", "content", "attrs", "text", "marks"})
DEEPEST: Final = 50


def objection(document: Any) -> str | None:
    """What is wrong with a document, if anything."""
    if not isinstance(document, dict):
        return NOT_A_DOCUMENT
    if document.get("type") != "doc" or document.get("version") != 1:
        return "INVALID_INPUT: a document has the type doc and the version 1"
    if document.keys() - {"type", "version", "content"}:
        return "INVALID_INPUT: a document has no other fields"
    if not isinstance(document.get("content"), list):
        return "INVALID_INPUT: a document has content"
    bad = next(_objections(document, "doc", 0), None)
    if bad is not None:
        return f"INVALID_INPUT: {bad}"
    if len(text_of(document)) > LONGEST:
        return f"The entered text is too long. It exceeds the allowed limit of {LONGEST:,} characters."
    return None


def _objections(node: dict[str, Any], kind: str, depth: int) -> Iterator[str]:
    children = node.get("content", [])
    if depth > DEEPEST:
        yield "nested too deep"
        return
    if not isinstance(children, list) or (kind in NEEDS_CHILDREN and not children):
        yield f"{kind} needs content"
        return
    for child in children:
        inner = child.get("type") if isinstance(child, dict) else None
        if not isinstance(inner, str) or inner not in CHILDREN[kind]:
            yield f"unsupported content in {kind}"
            continue
        if child.keys() - FIELDS:
            yield f"unknown fields in {inner}"
        attrs = child.get("attrs", {})
        if not isinstance(attrs, dict) or NEEDED.get(inner, "") not in ("", *attrs):
            yield f"{inner} lacks its attributes"
        if inner == "text":
            yield from _text(child, kind)
        elif inner in CHILDREN:
            yield from _objections(child, inner, depth + 1)
        elif "content" in child:
            yield f"{inner} has no content"


def _text(node: dict[str, Any], inside: str) -> Iterator[str]:
    text, marks = node.get("text"), node.get("marks", [])
    if not isinstance(text, str) or not text:
        yield "a text must not be empty"
    elif any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        yield "unsupported content: a control character"
    if not isinstance(marks, list) or (marks and inside == "codeBlock"):
        yield "marks have no place here"
        return
    for mark in marks:
        kind = mark.get("type") if isinstance(mark, dict) else None
        attrs = mark.get("attrs") if isinstance(mark, dict) else None
        if not isinstance(kind, str) or kind not in MARKS:
            yield "unknown mark"
        elif kind == "link" and not (isinstance(attrs, dict) and attrs.get("href")):
            yield "a link needs its address"


def text_of(node: Any) -> str:
    """The text of a document, a line for each block."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    inner = [(child, text_of(child)) for child in node.get("content", [])]
    return "".join(text if child.get("type") in INLINES else f"{text}\n" for child, text in inner).strip("\n")
