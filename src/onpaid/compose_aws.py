"""The service as one sandbox of Lambda has it: settings by reference, a shared table, a bell that rings through SQS.

Nothing runs between invocations, so there is no loop and no chore of its own; `aws_lambda.py` calls upon it. What one
process may keep for itself and many may not is settled here: sessions, lanes, forged webhooks, the store's generation.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from onpaid.app.forgeries import Forgeries
from onpaid.clock import Clock, Instant, SystemClock
from onpaid.compose import Moving, Service, build
from onpaid.compose_delivery import kept_secret
from onpaid.compose_store import open_store
from onpaid.engine.recorder import Recorder
from onpaid.engine.runner import Engine
from onpaid.errors import SettingsError
from onpaid.runtime.aws import Queue, SqsBell, SqsQueue
from onpaid.runtime.aws_metrics import Emf
from onpaid.runtime.aws_tick import TICK, Schedules, Tick
from onpaid.runtime.aws_work import Work, longest_call
from onpaid.runtime.chores import Chore
from onpaid.settings import Settings, load, told
from onpaid.settings_secrets import SCHEMES, Fetch
from onpaid.store.generation import generation
from onpaid.store.moved import open_for_work
from onpaid.store.port import Store

log = structlog.get_logger("onpaid.aws")

FILES: Final = ("INVOICE_VAT_RULES", "WHATSAPP_TEMPLATES")
"""Settings that name a file: here a reference may stand for its text."""
SESSION_SECRET: Final = ("meta", "session-secret")
JUDGE_EVERY: Final = timedelta(minutes=1)
FRESH_MS: Final = 30_000
"""How long what is read of lanes counts before it is read again."""


def load_aws(environment: Mapping[str, str], fetch: Fetch) -> Settings:
    """The settings on Lambda: the environment, over what ONPAID_SETTINGS refers to. Raises SettingsError."""
    values: dict[str, str] = {}
    where = environment.get("ONPAID_SETTINGS", "").strip()
    if where:
        values = told(_text(where, "ONPAID_SETTINGS", fetch), f"ONPAID_SETTINGS ({where})")
    values |= {name: value for name, value in environment.items() if value.strip()}
    values.setdefault("ONPAID_TICKET_LOG", "-")
    values.setdefault("ONPAID_WORK_QUEUE_URL", values.get("STRIPE_RETRY_QUEUE_URL", ""))
    for name in FILES:
        if values.get(name, "").partition(":")[0] in SCHEMES:
            values[name] = _as_file(_text(values[name], name, fetch))
    return load(values, fetch=fetch)


def open_queue(settings: Settings) -> Queue:
    """The queue of these settings. Raises SettingsError."""
    if settings["ONPAID_WORK_QUEUE_URL"] is None:
        raise SettingsError("ONPAID_WORK_QUEUE_URL is not set: it names the SQS queue of runs that are due")
    return SqsQueue(settings["ONPAID_WORK_QUEUE_URL"])


class HeldForgeries(Forgeries):
    """Forged webhooks that are told of in the end: what looked forged may be signed by a secret that we read next."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        super().__init__(recorder, clock)
        self._seen: list[str] = []

    async def note(self, source: str) -> None:
        self._seen.append(source)

    def forget(self) -> None:
        """They were none: our secrets were old."""
        self._seen = []

    async def close(self) -> None:
        """Tell of them, and finish writing."""
        seen, self._seen = self._seen, []
        for source in seen:
            await super().note(source)
        await super().close()


class Ahead(SystemClock):
    """The machine's clock, ahead by so much."""

    def __init__(self, by: timedelta) -> None:
        self._by = round(by.total_seconds() * 1000)

    def now(self) -> Instant:
        return super().now() + self._by


class Called:
    """The runtime of a sandbox: whoever invokes it moves the runs."""

    def __init__(self, engine: Engine, chores: Sequence[Chore]) -> None:
        self.chores = tuple(chores)
        self._engine = engine

    async def start(self) -> None:
        await self._engine.open()

    async def stop(self) -> None:
        self._engine.workshop.stopping = True


@dataclass
class House:
    """What one sandbox keeps between invocations."""

    settings: Settings
    service: Service
    bell: SqsBell
    queue: Queue
    work: Work
    schedules: Schedules
    """What the tick's function does, by name: who brings a schedule of its own registers it where this is built."""
    forgeries: HeldForgeries
    figures: Emf
    session_secret: str
    read_at: Instant
    asked_at: Instant

    async def may_work(self) -> None:
        """Ask, at most every half minute, whether the database was moved away meanwhile. Raises StoreError if so."""
        now = self.service.clock.now()
        if not 0 <= now - self.asked_at < FRESH_MS:
            await open_for_work(self.service.engine.store, now)
            self.asked_at = now

    async def look_around(self) -> None:
        """Read again what other sandboxes may have changed: paused lanes, their troubles, the store's generation.

        At most every half minute. Raises StoreError.
        """
        await self.may_work()
        now = self.service.clock.now()
        if 0 <= now - self.read_at < FRESH_MS:
            return
        engine = self.service.engine
        await engine.look_at_lanes()
        engine.recorder.generation = await generation(engine.store)
        self.read_at = now

    async def let_rest(self) -> None:
        """Leave nothing half done for the next thaw: forged webhooks are written, idle connections are closed.

        A connection that slept with us may be dead, and a request on it would be a doubt made of nothing.
        """
        await self.forgeries.close()
        for outside in self.outside():
            close = getattr(outside, "close", None)
            if close is not None:
                await close()

    def outside(self) -> list[Any]:
        """Everybody whom flows and webhooks know, each once."""
        there = (*self.service.guests.values(), *self.service.inbox.sources.values())
        return list({id(each): each for each in there if each is not self.service.store}.values())

    async def close(self) -> None:
        """Let go of everything."""
        await self.let_rest()
        await self.service.stop()
        await self.queue.close()


async def build_aws(
    settings: Settings,
    *,
    write: Callable[[str], object],
    store: Store | None = None,
    queue: Queue | None = None,
    clock: Clock | None = None,
    others: Mapping[str, Any] | None = None,
) -> House:
    """The service of a sandbox; `write` takes a line of figures, `others` are as for `build`.

    Raises SettingsError, StoreError.
    """
    clock = clock or Ahead(settings["ONPAID_CLOCK_AHEAD"])
    queue = queue or open_queue(settings)
    bell = SqsBell(queue)
    store = store or await open_store(settings)
    made: list[Called] = []

    def called(engine: Engine, _clock: Clock, chores: Sequence[Chore]) -> Called:
        made.append(Called(engine, chores))
        return made[0]

    moving = Moving(bell, called, sole=False, stays=False)
    service = await build(settings, store=store, clock=clock, moving=moving, others=others)
    forgeries = HeldForgeries(service.engine.recorder, clock)
    service.forgeries = forgeries
    await service.runtime.start()
    session = settings["ONPAID_SESSION_SECRET"] or await kept_secret(store, *SESSION_SECRET)
    figures = Emf(settings["ONPAID_PROJECT"], settings["ONPAID_ENVIRONMENT"], clock, write)
    chores = [*made[0].chores, Chore("judge again", JUDGE_EVERY, service.judge_once)]
    tick = Tick(service.engine, bell, queue, clock, chores, figures.tell)
    schedules = Schedules()
    schedules.register(TICK, tick.tick)
    longest = longest_call(service.guests.values())
    work = Work(service.engine, bell, longest=longest)
    now = clock.now()
    return House(settings, service, bell, queue, work, schedules, forgeries, figures, session, now, now)


def _text(reference: str, name: str, fetch: Fetch) -> str:
    """The text that a reference means, or that of a file. Raises SettingsError, naming the setting."""
    scheme, colon, place = reference.partition(":")
    if not (colon and scheme in SCHEMES):
        scheme, place = "file", reference
    try:
        return fetch(scheme, place)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _as_file(text: str) -> str:
    """A file with this text, whose name tells whether it is another one than before."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    path = Path(tempfile.gettempdir()) / f"onpaid-{digest}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)
