"""The story of delivery as its faces see it: everything that a page, a door or a command needs, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from onpaid.app.checkout import CheckoutDesk
from onpaid.app.delivering import Delivering
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.messages import Messages
from onpaid.repositories.orders import Orders
from onpaid.repositories.shipments import Shipments


@dataclass(frozen=True, slots=True)
class Delivery:
    """`desk` takes carts, `hands` are the operator's; the rest is for looking."""

    desk: CheckoutDesk
    hands: Delivering
    orders: Orders
    catalogue: Catalogue
    checkouts: CheckoutRecords
    fulfilments: Fulfilments
    shipments: Shipments
    messages: Messages
