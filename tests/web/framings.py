"""Requests that two readers could read differently, as raw bytes: all must be refused, none may be half-believed.

`framings` answers name to bytes. Each ends with a request for `/smuggled`, which must never be answered.
"""

from __future__ import annotations

import re
import socket
from typing import Any

BODY = b'{"a":1}'
START = b"POST /webhooks/stripe HTTP/1.1\r\n"
HOST = b"Host: shop\r\n"
MEDIA = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: 7\r\n"
END = b"\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def framings() -> dict[str, bytes]:
    """Malformed requests by name."""
    head = START + HOST + MEDIA
    whole = {
        "length and chunks": head + b"Content-Length: 4\r\n" + CHUNKED + END + b"0\r\n\r\n",
        "chunks and length": head + CHUNKED + LENGTH + END + BODY,
        "two lengths": head + LENGTH + b"Content-Length: 8\r\n" + END + BODY,
        "the same length twice": head + LENGTH + LENGTH + END + BODY,
        "a list of lengths": head + b"Content-Length: 7, 7\r\n" + END + BODY,
        "a length below zero": head + b"Content-Length: -7\r\n" + END + BODY,
        "a length with a sign": head + b"Content-Length: +7\r\n" + END + BODY,
        "a hexadecimal length": head + b"Content-Length: 0x7\r\n" + END + BODY,
        "a length beyond numbers": head + b"Content-Length: 99999999999999999999999\r\n" + END + BODY,
        "a space before the colon": head + b"Content-Length : 7\r\n" + END + BODY,
        "two hosts": START + HOST + b"Host: other\r\n" + MEDIA + LENGTH + END + BODY,
        "no host": START + MEDIA + LENGTH + END + BODY,
        "an empty host": START + b"Host:\r\n" + MEDIA + LENGTH + END + BODY,
        "a host with a path": START + b"Host: shop/../x\r\n" + MEDIA + LENGTH + END + BODY,
        "bare line feeds": (head + LENGTH + END).replace(b"\r\n", b"\n") + BODY,
        "one bare line feed": START + b"Host: shop\n" + MEDIA + LENGTH + END + BODY,
        "a bare carriage return": START + b"Host: shop\rX: y\r\n" + MEDIA + LENGTH + END + BODY,
        "a folded header": head + b"X: a\r\n b\r\n" + LENGTH + END + BODY,
        "a fold before all": START + b" X: a\r\n" + HOST + MEDIA + LENGTH + END + BODY,
        "a header of 70 kB": head + b"X: " + b"a" * 70_000 + b"\r\n" + LENGTH + END + BODY,
        "2,000 headers": head + b"".join(b"X%d: a\r\n" % n for n in range(2000)) + LENGTH + END + BODY,
        "a zero byte in a header": head + b"X: a\x00b\r\n" + LENGTH + END + BODY,
        "a header without a name": head + b": x\r\n" + LENGTH + END + BODY,
        "a header without a colon": head + b"nothing\r\n" + LENGTH + END + BODY,
        "an unknown encoding": head + b"Transfer-Encoding: xchunked\r\n" + END + b"0\r\n\r\n",
        "two encodings": head + b"Transfer-Encoding: gzip, chunked\r\n" + END + b"0\r\n\r\n",
        "chunked twice": head + CHUNKED + CHUNKED + END + b"0\r\n\r\n",
        "chunks in HTTP/1.0": START.replace(b"1.1", b"1.0") + HOST + MEDIA + CHUNKED + END + b"0\r\n\r\n",
        "a chunk of no size": head + CHUNKED + END + b"zz\r\n{}\r\n0\r\n\r\n",
        "a chunk below zero": head + CHUNKED + END + b"-2\r\n{}\r\n0\r\n\r\n",
        "a chunk beyond numbers": head + CHUNKED + END + b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "a chunk that runs on": head + CHUNKED + END + b"2\r\n{}0\r\n\r\n",
        "chunks with line feeds": head + CHUNKED + END + b"2\n{}\n0\n\n",
        "HTTP/0.9": b"POST /webhooks/stripe\r\n\r\n",
        "HTTP/2.0 in the clear": START.replace(b"1.1", b"2.0") + HOST + MEDIA + LENGTH + END + BODY,
        "HTTP/1.10": START.replace(b"1.1", b"1.10") + HOST + MEDIA + LENGTH + END + BODY,
        "a method in two words": b"PO ST /webhooks/stripe HTTP/1.1\r\n" + HOST + LENGTH + END + BODY,
        "an upgrade": head + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH + END + BODY,
        "a tunnel": b"CONNECT shop:443 HTTP/1.1\r\n" + HOST + END,
        "a path of 70 kB": b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + LENGTH + END + BODY,
        "a zero byte in the path": b"POST /a\x00b HTTP/1.1\r\n" + HOST + LENGTH + END + BODY,
    }
    return {name: raw + SMUGGLED for name, raw in whole.items()}


def answers_to(raw: bytes, port: int, host: str = "127.0.0.1") -> list[bytes]:
    """The status lines that a server sends back to these bytes, until it closes or falls silent."""
    received = b""
    with socket.create_connection((host, port), timeout=10) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
        except OSError:
            # Refused in the middle of a long head: what was answered before the reset is what counts.
            received += _rest(connection)
    return re.findall(rb"HTTP/1\.[01] \d{3}", received)


def refused(answers: list[bytes]) -> bool:
    """Whether a server refused the whole: one error and no more, or no answer at all."""
    return len(answers) <= 1 and not any(line[9:10] == b"2" for line in answers)


def _rest(connection: Any) -> bytes:
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except OSError:
        pass
    return received
