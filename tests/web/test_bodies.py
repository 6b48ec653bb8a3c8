"""Bodies that break parsers or memory: a 4xx each, never a 500, and many at once cost next to nothing."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.web.client import operator
from tests.web.serving import Served, serving
from tests.web.world import SECRET, World

ODD = {
    "deep lists": b'{"step":' + b"[" * 30_000,
    "deep objects": b'{"step":' * 9_000,
    "a number of 5,000 digits": b'{"step":"a","attempt":' + b"1" * 5000 + b',"done":true}',
    "not a number": b'{"step":"a","attempt":NaN,"done":true}',
    "infinity": b'{"step":"a","attempt":1e999,"done":true}',
    "a name twice": b'{"step":"a","attempt":1,"attempt":"x","done":true}',
    "a lone surrogate": b'{"step":"\\ud800","attempt":1,"done":false}',
    "bytes that are no text": b'{"step":"\xff\xfe","attempt":1,"done":false}',
    "a zero byte": b'{"step":"a\\u0000b","attempt":1,"done":false}',
    "an unknown field": b'{"step":"a","attempt":1,"done":false,"force":true}',
    "another type": b'{"step":1,"attempt":1,"done":false}',
    "no object": b"[]",
    "half": b'{"step":"a"',
    "a deep result": b'{"step":"a","attempt":1,"done":true,"result":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_body_is_refused_with_a_sentence(shop: World, name: str) -> None:
    path = "/api/runs/invoice_payment:stripe/default/test/pi_3Q10041bK/settle"
    answer = await operator(shop).post(path, body=ODD[name], headers={"content-type": "application/json"})
    assert 400 <= answer.status < 500, answer.text
    assert answer.problem


async def test_an_unknown_media_type_is_refused(shop: World) -> None:
    path = "/api/runs/invoice_payment:stripe/default/test/pi_3Q10041bK/retry"
    answer = await operator(shop).post(path, body=b"<run/>", headers={"content-type": "text/xml"})
    assert answer.status == 415


async def test_a_form_may_have_so_many_bytes(shop: World) -> None:
    answer = await operator(shop).post("/console/runs/retry", form={"run": "x" * 70_000})
    assert answer.status == 413


class TestManyLargeOnes:
    """A hundred senders with a hundred times what may be sent."""

    AT_ONCE = 100
    EACH = 100 << 20

    async def _one(self, served: Served, chunked: bool) -> bytes:
        """Send until it is refused; the answer's status line."""
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % self.EACH
        writer.write(
            b"POST /webhooks/stripe HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
            b"X-Secret: " + SECRET.encode() + b"\r\n" + how + b"\r\n\r\n"
        )
        piece = b"x" * 65_536
        if chunked:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        answer = asyncio.create_task(reader.readline())
        try:
            for _ in range(self.EACH // 65_536):
                if answer.done():
                    break
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        try:
            return await answer
        finally:
            writer.transport.abort()

    @pytest.mark.parametrize("chunked", [False, True])
    def test_they_are_refused_without_being_held(self, chunked: bool) -> None:
        async def all_at_once(served: Served) -> list[bytes]:
            return await asyncio.gather(*(self._one(served, chunked) for _ in range(self.AT_ONCE)))

        with serving() as served:
            answers = asyncio.run(all_at_once(served))
            statuses = {line.split(b" ")[1] for line in answers if line}
            assert statuses <= {b"413", b"503"}
            assert b"413" in statuses
            assert _still_answers(served)
            assert served.run(served.world.store.count("event", "all", "")) == 0


def _still_answers(served: Served) -> bool:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        return connection.recv(100).startswith(b"HTTP/1.1 200")
