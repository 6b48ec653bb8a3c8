"""Parcels whose webhook is silent are asked about: the safety net under the courier's own word.

Only reads leave from here, and what they bring goes the same way as a webhook's fact. One look at a time; what cannot
be had now is asked for at the next.
"""

from __future__ import annotations

import structlog

from onpaid.clock import Clock
from onpaid.domain.shipments import ParcelTold, Shipment
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, ProviderError
from onpaid.providers.roles_delivery import Shipping
from onpaid.repositories.shipments import Shipments

log = structlog.get_logger("onpaid.following")

MOST = 50
TRIES = 20


class Following:
    """Looks after parcels that nobody tells of."""

    def __init__(self, recorder: Recorder, shipments: Shipments, shipping: Shipping, clock: Clock) -> None:
        self._recorder = recorder
        self._shipments = shipments
        self._shipping = shipping
        self._clock = clock

    async def look(self) -> int:
        """Ask about the parcels that have been silent longest. Returns how many moved."""
        silent = await self._shipments.silent(self._clock.now(), MOST)
        if not silent:
            return 0
        try:
            told = await self._shipping.track([shipment.awb for shipment in silent])
        except ProviderError as error:
            log.warning("parcels could not be asked about; the next look asks again", why=str(error))
            return 0
        by_awb = {word.awb: word for word in told}
        moved = 0
        for shipment in silent:
            moved += await self._keep(shipment, by_awb.get(shipment.awb))
        return moved

    async def _keep(self, shipment: Shipment, told: ParcelTold | None) -> bool:
        for _ in range(TRIES):
            if told is None:
                writes, moved = await self._shipments.postpone(shipment, self._clock.now()), False
            else:
                (writes, _), moved = await self._shipments.receive(told, self._clock.now()), True
            if not writes:
                return False
            try:
                await self._recorder.record(writes)
            except Conflict:
                continue  # a webhook came at the same moment
            return moved
        return False
