"""The adapter by itself: what becomes of paths, queries, headers, cookies and bodies on both ways."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from onpaid.errors import InvalidInput
from onpaid.runtime.aws_http import Answer, answer, as_event, read_event
from tests.runtime_aws.events import HOST, function_url, http_api, rest_api


def test_a_path_is_read_as_it_was_sent() -> None:
    """The HTTP API has decoded it but for the percent sign itself, the others have not."""
    assert read_event(http_api("/a b/ø%25")).scope["path"] == "/a b/ø%"
    assert read_event(function_url("/a%20b/%C3%B8%25", b"", {})).scope["path"] == "/a b/ø%"
    assert read_event(rest_api("/a%20b/%C3%B8%25")).scope["path"] == "/a b/ø%"


@pytest.mark.parametrize(
    ("stage", "sent", "read"),
    [
        ("$default", "/prod/x", "/prod/x"),
        ("prod", "/x", "/x"),
        ("prod", "", "/"),
        ("prod", "/prod/x", "/prod/x"),
    ],
)
def test_a_stage_is_no_part_of_the_path(stage: str, sent: str, read: str) -> None:
    assert read_event(http_api(sent, stage=stage)).scope["path"] == read


def test_a_path_that_only_begins_like_its_stage_is_kept() -> None:
    event = http_api("/x", stage="prod")
    event["rawPath"] = "/products"
    assert read_event(event).scope["path"] == "/products"


def test_queries_and_headers_keep_every_value() -> None:
    second = read_event(http_api("/x", query="a=1&a=2&b=%C3%B8"))
    assert second.scope["query_string"] == b"a=1&a=2&b=%C3%B8"
    first = rest_api("/x", query="a=1&a=2&b=%C3%B8")
    first["multiValueHeaders"]["X-Two"] = ["1", "2"]
    scope = read_event(first).scope
    assert scope["query_string"] == b"a=1&a=2&b=%C3%B8"
    assert [value for name, value in scope["headers"] if name == b"x-two"] == [b"1", b"2"]
    assert (scope["client"], scope["server"]) == (("192.0.2.1", 0), (HOST, 443))
    del first["multiValueHeaders"]
    assert (b"host", HOST.encode()) in read_event(first).scope["headers"]


def test_cookies_become_one_header() -> None:
    headers = read_event(http_api("/x", cookies=["a=1", "b=2"])).scope["headers"]
    assert [value for name, value in headers if name == b"cookie"] == [b"a=1; b=2"]


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"requestContext": {"elb": {}}}])
def test_what_is_no_request_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_event(event)


def test_bytes_go_in_and_out_as_they_are() -> None:
    every = bytes(range(256))

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": message["body"][:100], "more_body": True})
        await send({"type": "http.response.body", "body": message["body"][100:]})
        assert (await receive())["type"] == "http.disconnect"

    said = asyncio.run(answer(echo, read_event(http_api("/x", every, encoded=True))))
    assert (said.status, said.body) == (201, every)
    second, first = as_event(said, second=True), as_event(said, second=False)
    assert second["isBase64Encoded"]
    assert second["cookies"] == ["a=1", "b=2"]
    assert "set-cookie" not in second["headers"]
    assert first["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("media", "body", "text"),
    [
        (b"application/json", b"{}", True),
        (b"application/problem+json", b"{}", True),
        (b"text/html; charset=utf-8", "ø".encode(), True),
        (b"text/plain", b"\xff", False),
        (b"font/woff2", b"plain", False),
        (b"image/svg+xml", b"<svg/>", True),
        (b"font/woff2", b"", True),
    ],
)
def test_only_text_goes_back_as_text(media: bytes, body: bytes, text: bool) -> None:
    told = as_event(Answer(200, [(b"content-type", media)], body), second=True)
    assert told["isBase64Encoded"] is not text
