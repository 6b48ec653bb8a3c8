"""Atlassian's document format: what we build is always acceptable, what people write can always be read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.providers.jira_adf import LONGEST, clean, cut, document, one_line, plain

TEXTS = st.text(max_size=300) | st.text(alphabet="a \n\r\t\x00\ud800⟦", max_size=50)


def texts_of(node: Any) -> list[str]:
    found = [node["text"]] if "text" in node else []
    return found + [text for child in node.get("content", []) for text in texts_of(child)]


def test_lines_are_paragraphs_and_code_is_a_block() -> None:
    made = document("One\n\n  \nTwo", '{"a": 1}')
    assert made == {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "One"}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "Two"}]},
            {
                "type": "codeBlock",
                "attrs": {"language": "json"},
                "content": [{"type": "text", "text": '{"a": 1}'}],
            },
        ],
    }
    assert plain(made) == 'One\nTwo\n{"a": 1}'


@given(TEXTS, TEXTS)
def test_no_text_makes_a_document_that_jira_refuses(text: str, code: str) -> None:
    made = document(text, code)
    json.dumps(made, ensure_ascii=False).encode()
    assert made["content"]
    for told in texts_of(made):
        assert told.strip()
        assert all(character == "\n" or character.isprintable() for character in told)


def test_a_long_text_is_cut_and_says_so() -> None:
    told = texts_of(document("x" * 40_000, "y" * 40_000))
    assert sum(map(len, told)) <= LONGEST
    assert told[0].endswith("(cut)")
    both = texts_of(document("x" * 29_000, "y" * 40_000))
    assert sum(map(len, both)) == LONGEST
    assert both[1].startswith("yyy")


def test_pieces() -> None:
    assert one_line("a\r\n b\tc\x00d", 255) == "a b cd"
    assert len(one_line("word " * 100, 255)) == 255
    assert clean("a\x1bb\ud800c\u202e") == "abc"
    assert cut("abc", 3) == "abc"
    assert cut("abcdefghijk", 9) == " … (cut)" or len(cut("abcdefghijk", 9)) == 9
    assert cut("abc", 0) == ""


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (None, ""),
        ("words", ""),
        ([], ""),
        ({"type": "doc", "content": "odd"}, ""),
        ({"type": "doc", "content": [None, 7, {"type": "text", "text": 7}]}, ""),
        (
            {
                "type": "doc",
                "content": [
                    {
                        "type": "bulletList",
                        "content": [
                            {
                                "type": "listItem",
                                "content": [
                                    {
                                        "type": "paragraph",
                                        "content": [
                                            {"type": "text", "text": "[onpaid "},
                                            {"type": "text", "text": "3f/2]", "marks": [{"type": "strong"}]},
                                        ],
                                    }
                                ],
                            }
                        ],
                    }
                ],
            },
            "[onpaid 3f/2]",
        ),
    ],
)
def test_any_document_can_be_read(node: Any, text: str) -> None:
    assert plain(node) == text


def test_a_deep_document_is_read_without_depth() -> None:
    node: Any = {"type": "text", "text": "deep"}
    for _ in range(5000):
        node = {"type": "blockquote", "content": [node]}
    assert plain(node) == "deep"
