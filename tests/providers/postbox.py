"""A mail server and an SNS endpoint on loopback: small, strict, and able to misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Postbox:
    """A running mail server. `answers` overrides what a command is answered; `drop` hangs up at it instead."""

    answers: Mapping[str, str] = field(default_factory=dict)
    drop: str = ""
    tls: ssl.SSLContext | None = None
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    encrypted: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            command = line.split()[0].upper()
            self.said.append(line)
            if command == self.drop:
                return
            if command == "STARTTLS" and self.tls is not None:
                writer.write(b"220 go\r\n")
                await writer.drain()
                await writer.start_tls(self.tls)
                self.encrypted = True
                continue
            writer.write(self._answer(command).encode())
            await writer.drain()
            if command == "DATA" and command not in self.answers:
                raw = await reader.readuntil(b"\r\n.\r\n")
                if self.drop == "END":
                    return
                if "END" not in self.answers:
                    self.mails.append(message_from_bytes(raw[:-5], policy=policy.default))  # type: ignore[arg-type]
                writer.write(self.answers.get("END", "250 kept\r\n").encode())
            if command == "QUIT":
                return

    def _answer(self, command: str) -> str:
        if command in self.answers:
            return self.answers[command]
        if command == "EHLO":
            offers = "250-STARTTLS\r\n" if self.tls is not None and not self.encrypted else ""
            return f"250-here\r\n{offers}250 AUTH PLAIN\r\n"
        told = {"AUTH": "235 yes", "DATA": "354 go on", "QUIT": "221 bye"}
        return told.get(command, "250 ok") + "\r\n"


@asynccontextmanager
async def postbox(**more: Any) -> AsyncIterator[Postbox]:
    """Run a mail server."""
    made = Postbox(**more)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def published(body: bytes) -> dict[str, str]:
    """What an SNS endpoint was posted, checked as SNS does. Raises AssertionError."""
    told = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    assert told["Version"] == "2010-03-31"
    if told["Action"] == "Publish":
        subject = told["Subject"]
        assert 0 < len(subject) < 100
        assert subject.isascii()
        assert subject.isprintable()
        assert told["Message"]
        assert ("MessageGroupId" in told) is told["TopicArn"].endswith(".fifo")
        assert ("MessageDeduplicationId" in told) is told["TopicArn"].endswith(".fifo")
        values = [value for name, value in told.items() if name.endswith("StringValue")]
        assert all(values), "an empty attribute is refused"
    return told


def attributes(told: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a published message."""
    prefix = "MessageAttributes.entry."
    numbers = {name.removeprefix(prefix).partition(".")[0] for name in told if name.startswith(prefix)}
    return {told[f"{prefix}{n}.Name"]: told[f"{prefix}{n}.Value.StringValue"] for n in numbers}


PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId>'
    b"</PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>"
)


def refused(code: str) -> bytes:
    """An SNS refusal."""
    return (
        b'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>'
        + code.encode()
        + b"</Code><Message>no</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )
