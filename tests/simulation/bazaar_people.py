"""What people and clocks do on a delivering shop's day: settle doubts, decide what is oversold, ask after silent parcels."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from onpaid.app.delivering import Delivering
from onpaid.app.following import Following
from onpaid.domain.messages import OutMessage
from onpaid.engine.testing import Died, VirtualClock
from onpaid.errors import NotPossible, StoreError
from onpaid.repositories.fulfilments import Choice
from onpaid.repositories.orders import Orders
from onpaid.store.memory import MemoryStore
from tests.flows.bazaar import SHOP
from tests.simulation.bazaar_day import Purchase
from tests.simulation.bazaar_world import Streets
from tests.simulation.lives import Life, Service
from tests.simulation.simulate import LOOK
from tests.simulation.verdict import all_runs

ASKED_AGAIN = timedelta(hours=25)
"""A parcel is asked about once a day, at the least."""
MOST_ASKED = 4


class People:
    """Whoever is asked. The day itself says what there is."""

    _service: Service
    _clock: VirtualClock
    _memory: MemoryStore
    _world: Streets
    _purchases: Sequence[Purchase]

    async def _life(self) -> Life:
        while self._service.life is None:
            await self._clock.sleep(LOOK)
        return self._service.life

    async def _settle(self) -> int:
        """What people do: say whether a message went out, compare two payments, and decide about what was oversold."""
        life, settled = await self._life(), 0
        for run in await all_runs(self._memory):
            if run.state == "failed" and run.reason.startswith("This was reported differently"):
                settled += 1
                with contextlib.suppress(NotPossible, Died, StoreError):
                    await life.operations.retry(run.id, by="a person")
            doubt = run.doubt
            if run.state == "doubtful" and doubt is not None and doubt.name == "send message":
                (message,) = msgspec.json.decode(bytes(doubt.input), type=tuple[OutMessage])
                out = any(each.ref == message.ref for each in self._world.messages)
                result = {"provider": "messenger", "provider_id": "", "state": "accepted"} if out else None
                settled += 1
                with contextlib.suppress(NotPossible, Died, StoreError):
                    await life.operations.settle(
                        run.id, step=doubt.name, attempt=doubt.tries, done=out, result=result, by="a person"
                    )
        return settled + await self._decide()

    async def _decide(self) -> int:
        decided, orders = 0, Orders(self._memory)
        for purchase in self._purchases:
            held = await orders.find(f"{SHOP}/{purchase.number}") if purchase.paid else None
            fulfilment = None if held is None else held.record.fulfilment
            if fulfilment is None or fulfilment.held != "oversold" or purchase.decided:
                continue
            choice: Choice = "ship" if purchase.nth % 2 else "refund"
            while not purchase.decided:
                await self._clock.sleep(1)
                given, recorder = (life := await self._life()).given, life.engine.recorder
                records = [given[name] for name in ("orders", "fulfilments", "shipments", "catalogue")]
                with contextlib.suppress(Died, StoreError):
                    await Delivering(recorder, *records, life.clock, SHOP).decide(
                        purchase.number, choice, by="a person"
                    )
                    purchase.decided = choice
            decided += 1
        return decided

    async def _follow(self) -> None:
        """Some days later: parcels of which nobody told are asked about."""
        life = await self._life()
        given = life.given
        following = Following(life.engine.recorder, given["shipments"], given["shipping"], life.clock)
        for _ in range(MOST_ASKED):
            self._clock.step(ASKED_AGAIN)
            await following.look()
