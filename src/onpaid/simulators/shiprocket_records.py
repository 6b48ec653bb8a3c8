"""What Shiprocket keeps of an account: its shipments, and by what each is found.

Ids and AWBs come from the seed and the order's own id, so that two runs with one seed are alike. The search
lags: a new order or AWB is not in it for a moment. A shipment that is asked for by its id shows at once.
"""

from collections.abc import Container

from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_checks import one_of_ours, refused
from onpaid.simulators.shiprocket_shipment import Shipment


class Records:
    """The shipments, in the order in which they were made."""

    def __init__(self, plan: FaultPlan, clock: Clock, settings: Settings) -> None:
        self._plan, self._clock = plan, clock
        self._lag = settings.times.search_lag
        self.forget()

    def forget(self) -> None:
        self.shipments: dict[int, Shipment] = {}
        self.by_number: dict[str, Shipment] = {}
        self.by_order: dict[int, Shipment] = {}
        self.by_awb: dict[str, Shipment] = {}
        self._given: set[int] = set()

    def dice(self, *names: str) -> Dice:
        return Dice(self._plan.seed).at("shiprocket", *names)

    def make(self, number: str, asked: Json) -> Shipment:
        """A new order under the shop's own id, with its shipment."""
        dice = self.dice("order", number)
        order_id = _free(dice.whole("order", 2 * 10**8, 9 * 10**8), self.by_order)
        shipment_id = _free(dice.whole("shipment", 2 * 10**8, 9 * 10**8), self.shipments)
        made = Shipment(number, order_id, shipment_id, asked, self._clock.now())
        self.shipments[shipment_id] = self.by_order[order_id] = self.by_number[number] = made
        return made

    def give_awb(self, shipment: Shipment) -> None:
        """A new AWB, which may begin with zeros. An earlier one leads nowhere from now on."""
        self.by_awb.pop(shipment.awb, None)
        dice = self.dice("awb", shipment.number, str(len(shipment.awbs)))
        number = _free(dice.whole("awb", 1, 4 * 10**11), self._given)
        self._given.add(number)
        shipment.awb, shipment.assigned = f"{number:012d}", self._clock.now()
        shipment.awbs.append(shipment.awb)
        self.by_awb[shipment.awb] = shipment

    def shipment(self, given: object) -> Shipment:
        """The shipment of that id; refused if there is none."""
        found = self.shipments.get(one_of_ours(given, "shipment_id"))
        if found is None:
            raise refused(404, "Shipment not found.")
        return found

    def search(self, text: str) -> list[Shipment]:
        """Those whose AWB or order id contains the text, newest first, as far as the index has come."""
        known_before = self._clock.now() - self._lag
        return [
            each
            for each in reversed(self.shipments.values())
            if each.made <= known_before and (text in each.number or text in self.indexed_awb(each))
        ]

    def indexed_awb(self, shipment: Shipment) -> str:
        """The AWB as far as the search knows it by now."""
        return shipment.awb if shipment.assigned <= self._clock.now() - self._lag else ""


def _free(first: int, taken: Container[int]) -> int:
    """The first number from there on that is not taken."""
    while first in taken:
        first += 1
    return first
