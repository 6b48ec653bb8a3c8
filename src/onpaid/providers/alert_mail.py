"""Alerts by mail, over the operator's own mail server.

What it is: one short mail of plain text, without any fact of the ticket.
How a thing is found again: it is not. An alert is told twice rather than never; a repeat has the same Message-ID, by
which most mailboxes drop it.
Its limits: the server's. A 4xx is tried again, a 5xx is not.
How it signs: we sign in with user and password, and only where the line is encrypted: TLS from the start on port 465,
STARTTLS elsewhere, and a server that offers none is refused unless it is this machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from onpaid.acts import act
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.alert_words import LANE, LIMIT, body, mark, subject
from onpaid.providers.masking import masked
from onpaid.providers.roles import FiledTicket, TicketRef

PATIENCE = 10.0
"""Seconds for each exchange with the server."""
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True)
class Settings:
    """`sender` and `to` are plain addresses. `encrypt` is settled by the port unless it is said."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    encrypt: Literal["", "tls", "starttls"] = ""

    def __post_init__(self) -> None:
        wrong = [each for each in (self.sender, *self.to) if not _ADDRESS.fullmatch(each)]
        if wrong or not self.to:
            raise SettingsError(
                "alert mail: sender and recipients are plain addresses, such as ops@example.org"
            )
        if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", self.host) or not 0 < self.port < 65536:
            raise SettingsError("alert mail: say the mail server's name and its port, 465 or 587")
        if bool(self.user) != bool(self.password):
            raise SettingsError("alert mail: user and password belong together")

    @property
    def how(self) -> str:
        """`tls` from the first byte, `starttls`, or `perhaps`: this machine may do without."""
        if self.encrypt:
            return self.encrypt
        if self.port == 465:
            return "tls"
        return "perhaps" if _is_here(self.host) else "starttls"


class AlertMail:
    """An Alerting."""

    lanes = (LIMIT,)

    def __init__(self, settings: Settings, *, trust: ssl.SSLContext | None = None) -> None:
        """`trust` says which servers are believed; by default those that this machine believes."""
        self.settings = settings
        self._trust = trust

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=45))
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Send the mail. What a thread has begun it finishes, even if nobody waits for it any more."""
        await asyncio.to_thread(self._send, self.mail(ticket))
        return TicketRef(f"mail#{mark(ticket)}")

    def mail(self, ticket: FiledTicket) -> EmailMessage:
        """The mail: the same for every repeat."""
        mail = EmailMessage()
        mail["Subject"] = subject(ticket, 200)
        mail["From"], mail["To"] = self.settings.sender, ", ".join(self.settings.to)
        host = self.settings.sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{re.sub(r'[^A-Za-z0-9._-]', '-', mark(ticket))}@{host}>"
        with suppress(ValueError):
            mail["Date"] = format_datetime(datetime.fromisoformat(ticket.opened_at))
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body(ticket))
        return mail

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences: signs in and sends nothing."""
        try:
            await asyncio.to_thread(self._send, None)
        except ProviderError as error:
            return [f"Alerts: {error}"]
        return []

    async def close(self) -> None:
        """Nothing is kept open."""

    def _send(self, mail: EmailMessage | None) -> None:
        """Sign in, and send the mail if there is one."""
        sent = False
        try:
            with self._connect() as server:
                self._encrypt(server)
                if self.settings.user:
                    server.login(self.settings.user, self.settings.password)
                if mail is not None:
                    sent = True
                    server.send_message(mail, self.settings.sender, list(self.settings.to))
        except smtplib.SMTPAuthenticationError as bad:
            if bad.smtp_code < 500:
                error: ProviderError = Unavailable(self._words("cannot sign us in now", bad))
            else:
                error = Unauthorised(self._words("does not accept our user and password", bad))
        except smtplib.SMTPResponseException as bad:
            error = self._answered(bad.smtp_code, bad)
        except smtplib.SMTPRecipientsRefused as bad:
            error = self._answered(max(code for code, _ in bad.recipients.values()), bad)
        except ssl.SSLCertVerificationError as bad:
            error = Unauthorised(self._words("has a certificate that is not believed", bad))
        except (smtplib.SMTPException, OSError) as bad:
            words = self._words("was lost" if sent else "cannot be reached", bad)
            error = Doubtful(words) if sent else Unavailable(words)
        else:
            return
        raise error  # outside the handlers, since smtplib's errors hold what was said

    def _connect(self) -> smtplib.SMTP:
        where = self.settings
        if where.how == "tls":
            return smtplib.SMTP_SSL(where.host, where.port, timeout=PATIENCE, context=self._context())
        return smtplib.SMTP(where.host, where.port, timeout=PATIENCE)

    def _encrypt(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if self.settings.how == "tls":
            return
        if server.has_extn("starttls"):
            server.starttls(context=self._context())
            server.ehlo()
        elif self.settings.how == "starttls":
            raise Unauthorised(
                f"the mail server {self.settings.host} offers no encryption, so nothing was sent"
            )

    def _context(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()

    def _answered(self, code: int, bad: Exception) -> ProviderError:
        if 400 <= code < 500:
            return Unavailable(self._words(f"answered {code}", bad))
        return Refused(self._words(f"answered {code}", bad))

    def _words(self, what: str, bad: Exception) -> str:
        """Without the server's words: it may quote addresses, and what we signed in with."""
        why = masked(bad.strerror) if isinstance(bad, OSError) and bad.strerror else type(bad).__name__
        return f"the mail server {self.settings.host} {what}: {why}"


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
