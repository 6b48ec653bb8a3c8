"""The way out: what each ending of a call is taken for, and what the client never does."""

import asyncio
import ssl
import traceback
from typing import Any

import pytest

from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.answers import retry_after
from onpaid.providers.http import Http
from tests.providers.conftest import within
from tests.providers.scripted import Reply, closed_port, reply, scripted

SECRET = "sk_test_canary51HxQ"


def client(base: str, **more: Any) -> Http:
    return Http("Testing", base, headers={"Authorization": f"Bearer {SECRET}"}, **more)


async def outcome(*replies: Reply, write: bool = False, seconds: float = 5.0) -> ProviderError | None:
    """How a call ends that gets these replies, with its error's looks checked for secrets."""
    async with scripted(*replies) as server:
        http = client(server.base)
        failed: ProviderError | None = None
        try:
            with within(seconds):
                answer = await (http.post("things", json={"a": 1}) if write else http.get("things"))
                answer.read(dict[str, Any])
        except ProviderError as error:
            failed = error
        await http.close()
    if failed is not None:
        looks = "".join(traceback.format_exception(failed)) + repr(failed.__dict__) + repr(failed.__context__)
        assert SECRET not in looks
        assert failed.__cause__ is None
    return failed


STATUSES: list[tuple[int, type[ProviderError] | None]] = [
    (200, None),
    (201, None),
    (301, Unauthorised),
    (302, Doubtful),
    (303, Doubtful),
    (304, Doubtful),
    (307, Unauthorised),
    (308, Unauthorised),
    (400, Refused),
    (401, Unauthorised),
    (402, Refused),
    (403, Unauthorised),
    (404, Refused),
    (405, Refused),
    (408, Doubtful),
    (409, Doubtful),
    (410, Refused),
    (413, Refused),
    (415, Refused),
    (422, Refused),
    (425, Doubtful),
    (429, Unavailable),
    (451, Refused),
    (500, Doubtful),
    (501, Doubtful),
    (502, Doubtful),
    (503, Doubtful),
    (504, Doubtful),
    (520, Doubtful),
    (599, Doubtful),
]


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_each_status_means_one_thing(
    status: int, expected: type[ProviderError] | None, write: bool
) -> None:
    error = await outcome(
        reply(status, b"" if status == 304 else {}, location="http://127.0.0.1:9/"), write=write
    )
    assert (type(error) if error else None) is expected
    if isinstance(error, Doubtful):
        assert error.answered


BROKEN: dict[str, tuple[Reply, type[ProviderError], bool]] = {
    "closed without a word": (Reply(then="close"), Doubtful, False),
    "reset without a word": (Reply(then="reset"), Doubtful, False),
    "no answer in time": (Reply(then="hang"), Doubtful, False),
    "half a status line": (Reply(b"HTTP/1.1 20", "close"), Doubtful, False),
    "no HTTP": (Reply(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "close"), Doubtful, False),
    "headers without an end": (Reply(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", "close"), Doubtful, False),
    "a huge header": (
        Reply(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", "close"),
        Doubtful,
        False,
    ),
    "body cut short": (reply(200, b'{"a":', "close", content_length="99"), Doubtful, False),
    "body cut by a reset": (reply(200, b'{"a":', "reset", content_length="99"), Doubtful, False),
    "body that never ends": (reply(200, b'{"a":', "hang", content_length="99"), Doubtful, False),
    "chunks cut short": (
        reply(200, b"5\r\nhello\r\n", "close", transfer_encoding="chunked"),
        Doubtful,
        False,
    ),
    "bad chunks": (reply(200, b"zz\r\n", "close", transfer_encoding="chunked"), Doubtful, False),
    "200 with half the JSON": (reply(200, b'{"a":'), Doubtful, True),
    "200 with HTML": (reply(200, b"<html>busy</html>", content_type="text/html"), Doubtful, True),
    "200 with JSON said to be text": (reply(200, b"{}", content_type="text/plain"), Doubtful, True),
    "200 with nothing": (reply(200), Doubtful, True),
    "200 with another shape": (reply(200, [1]), Doubtful, True),
    "200 with NaN": (reply(200, b'{"a": NaN}'), Doubtful, True),
    "200 too deep": (reply(200, b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"), Doubtful, True),
    "200 too large": (reply(200, b'{"a": "' + b"x" * (5 << 20) + b'"}'), Doubtful, True),
    "500 cut short": (reply(500, b"oo", "close", content_length="99"), Doubtful, False),
}


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("name", BROKEN)
async def test_whatever_breaks_after_sending_is_in_doubt(name: str, write: bool) -> None:
    broken, expected, answered = BROKEN[name]
    error = await outcome(broken, write=write, seconds=0.3 if broken.then == "hang" else 5)
    assert type(error) is expected
    assert isinstance(error, Doubtful)
    assert error.answered is answered


async def test_nothing_is_sent_where_nobody_listens() -> None:
    http = client(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(Unavailable, match="not sent") as caught:
        await http.post("things", json={})
    assert caught.value.__context__ is None
    await http.close()


async def test_nothing_is_sent_to_a_name_that_is_not_known() -> None:
    http = client("https://onpaid.invalid")
    with within(2.0), pytest.raises(Unavailable, match="not sent"):
        await http.post("things", json={})
    await http.close()


async def test_nothing_is_sent_before_the_tls_handshake_is_over() -> None:
    async with scripted(Reply(b"no TLS here", "close")) as server:
        http = client(server.base.replace("http://", "https://"))
        with within(2.0), pytest.raises(Unavailable, match="not sent"):
            await http.post("things", json={})
        assert server.requests == []
        await http.close()


async def test_a_certificate_of_nobody_is_refused_before_anything_is_sent(tmp_path: Any) -> None:
    """An untrusted certificate ends the handshake: the key does not leave."""
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read(100))
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate no handshake succeeds
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    http = client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with within(2.0), pytest.raises(Unavailable, match="not sent"):
        await http.post("things", json={})
    assert received == b""
    await http.close()
    server.close()


async def test_a_timeout_while_connecting_sent_nothing() -> None:
    """The handshake never ends, so the time runs out before a byte of ours left."""
    async with scripted() as server:
        http = client(server.base.replace("http://", "https://"))
        with within(0.2), pytest.raises(Unavailable, match="no answer in time"):
            await http.post("things", json={})
        await http.close()


@pytest.mark.parametrize("checks_passed", [0, 1])
async def test_rule_08_a_write_that_is_late_does_not_leave(checks_passed: int) -> None:
    """A worker that was frozen, thawed after its time: before the headers, or between headers and body."""
    times = iter([0.0] * checks_passed + [9.0] * 9)
    async with scripted(reply(200, {})) as server:
        http = client(server.base)
        with within(send_by=1.0, monotonic=lambda: next(times)), pytest.raises(Unavailable, match="run out"):
            await http.post("things", json={"a": 1})
        await server.gone.wait()
        assert (server.connections, server.received) == (1, 0)
        await http.close()


async def test_rule_08_a_read_that_is_late_does_not_leave() -> None:
    async with scripted(reply(200, {})) as server:
        http = client(server.base)
        with within(send_by=1.0, monotonic=lambda: 1.0), pytest.raises(Unavailable, match="run out"):
            await http.get("things")
        await server.gone.wait()
        assert server.received == 0
        await http.close()


async def test_the_deadline_is_asked_for_at_the_last_moment() -> None:
    """A kept connection too: the second request is late, and the connection that it had is given up."""
    now = [0.0]
    async with scripted(reply(200, {}), reply(200, {})) as server:
        http = client(server.base)
        with within(send_by=1.0, monotonic=lambda: now[0]):
            await http.post("things", json={"a": 1})
            now[0] = 2.0
            with pytest.raises(Unavailable):
                await http.post("things", json={"a": 1})
        await server.gone.wait()
        assert len(server.requests) == 1
        await http.close()


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_dead_kept_connection_is_not_tried_again(then: Any) -> None:
    """aiohttp sends a GET again when the connection that it had kept breaks; ours goes out once."""
    async with scripted(reply(200, {}), Reply(then=then), reply(200, {})) as server:
        http = client(server.base)
        await http.get("things")
        with pytest.raises(Doubtful):
            await http.get("things")
        assert (server.connections, len(server.requests)) == (1, 2)
        await http.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    async with scripted() as other, scripted(reply(status, {}, location=f"{other.base}/x")) as server:
        http = client(server.base)
        with pytest.raises((Unauthorised, Doubtful)):
            await http.get("things")
        assert (other.connections, len(server.requests)) == (0, 1)
        await http.close()


async def test_what_a_request_looks_like() -> None:
    async with scripted(reply(200, {}), reply(200, {}), reply(200, {}, set_cookie="a=b")) as server:
        http = client(f"{server.base}/api/v2/")
        await http.get("a b", "../c", 7, params={"q": "x&y=ø", "inactive": False, "page": 0})
        await http.post("things", json={"ø": 1})
        await http.get("things")
        read, write, again = server.requests
        assert read.target == "/api/v2/a%20b/..%2Fc/7?q=x%26y%3D%C3%B8&inactive=false&page=0"
        assert read.headers["authorization"] == f"Bearer {SECRET}"
        assert (write.method, write.headers["content-type"], write.json()) == (
            "POST",
            "application/json",
            {"ø": 1},
        )
        assert "cookie" not in again.headers
        assert server.connections == 1
        await http.close()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a", "BASE@127.0.0.1:1/a", "BASE.evil.example/", "BASE/../a", "BASE/a/.."]
)
async def test_no_other_address_is_asked(url: str) -> None:
    async with scripted() as server:
        http = client(f"{server.base}/api")
        with pytest.raises(Refused, match="leads away"):
            await http.exchange("GET", url.replace("BASE", f"{server.base}/api"))
        assert server.connections == 0
        await http.close()


async def test_dots_are_no_path() -> None:
    http = client("https://api.example.org")
    for path in (("..",), ("a", "."), ("a", "")):
        with pytest.raises(Refused, match="no path"):
            await http.get(*path)


GOOD_BASES = [
    "https://api.fiken.no/api/v2",
    "http://127.0.0.1:8123/stripe",
    "http://localhost:8123",
    "http://[::1]:8123",
    "http://simulator:8123",
    "http://10.1.2.3",
    "https://203.0.113.7:8443/proxy",
]
BAD_BASES = [
    "",
    "api.fiken.no",
    "http://api.fiken.no",
    "http://fiken.evil.example",
    "ftp://api.fiken.no",
    "file:///etc/passwd",
    "https://",
    "https://user:pass@api.fiken.no",
    "https://api.fiken.no?x=1",
    "https://api.fiken.no#x",
    "https://api.fiken.no/a b",
    "https://api.fiken.no/\nx",
    "https://api.fiken.no\\@evil.example",
    "https://api.fiken.no:99999",
    "https://api.fiken.no/../x",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254",
    "http://[fe80::1]",
    "http://[::ffff:169.254.169.254]",
    "http://[::ffff:93.184.216.34]",
    "http://93.184.216.34",
    "http://2852039166/",
    "http://0x7f000001/",
    "http://127.1/",
    "http://0.0.0.0:80",
    "http://[::]:80",
    "http://224.0.0.1",
    "https://ｅvil.example",
]


@pytest.mark.parametrize("base", GOOD_BASES)
def test_bases_that_are_fine(base: str) -> None:
    assert client(f"{base}/").base == base


@pytest.mark.parametrize("base", BAD_BASES)
def test_bases_that_no_key_is_sent_to(base: str) -> None:
    with pytest.raises(SettingsError):
        client(base)


@pytest.mark.parametrize("key", ["a\n", "a\r\nX: y", "ä", "a\x00"])
def test_a_key_with_odd_characters_is_noticed_at_the_start(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Http("Testing", "https://a.example", headers={"Authorization": f"Bearer {key}"})
    assert key.strip() not in str(caught.value).split("Testing")[1] or key == "a\n"


async def test_errors_do_not_repeat_what_is_private() -> None:
    said = {
        "message": f"Ola Nordmann <ola@example.org> +47 912 34 567 4242 4242 4242 4242 {SECRET} Bearer abc pi_3SXo"
    }
    async with scripted(reply(400, said)) as server:
        http = client(server.base)
        with pytest.raises(Refused) as caught:
            await http.post("things", json={}, private=["Ola Nordmann"])
        text = str(caught.value)
        assert "pi_3SXo" in text
        for word in ("Ola", "ola@", "912", "4242", SECRET, "abc"):
            assert word not in text
        await http.close()


async def test_a_long_text_is_cut() -> None:
    async with scripted(reply(400, {"message": "no " * 500})) as server:
        http = client(server.base)
        with pytest.raises(Refused) as caught:
            await http.get("things")
        assert len(str(caught.value)) < 400
        await http.close()


async def test_the_request_id_is_passed_on() -> None:
    async with scripted(
        reply(400, {}, request_id="req_abc"), reply(400, {}, request_id="<script>")
    ) as server:
        http = client(server.base)
        with pytest.raises(Refused, match=r"\(req_abc\)"):
            await http.get("things")
        with pytest.raises(Refused) as caught:
            await http.get("things")
        assert "script" not in str(caught.value)
        await http.close()


async def test_a_query_is_not_repeated() -> None:
    async with scripted(reply(500, {})) as server:
        http = client(server.base)
        with pytest.raises(Doubtful) as caught:
            await http.get("contacts", params={"email": "ola at example"})
        assert "ola" not in str(caught.value)
        await http.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("99999999", 86_400.0),
        ("9" * 5000, None),
        ("Fri, 20 Nov 2026 10:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 09:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٧", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header, "date": "Fri, 20 Nov 2026 10:00:00 GMT"}) == seconds


def test_retry_after_without_a_date_to_compare_with() -> None:
    assert retry_after({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT"}) is None
    assert retry_after({}) is None


async def test_429_says_when() -> None:
    error = await outcome(reply(429, {}, retry_after="3"), write=True)
    assert isinstance(error, Unavailable)
    assert error.retry_after == 3.0


async def test_a_cancelled_call_stays_cancelled() -> None:
    async with scripted() as server:
        http = client(server.base)
        task = asyncio.create_task(http.post("things", json={}))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await http.close()


async def test_a_closed_client_opens_again() -> None:
    async with scripted(reply(200, {}), reply(200, {})) as server:
        http = client(server.base)
        await http.get("things")
        await http.close()
        await http.close()
        await http.get("things")
        assert server.connections == 2
        await http.close()
