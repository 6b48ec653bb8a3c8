"""The steps of an invoice, as the flow tells them: on top of what is kept of an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from onpaid.domain.orders import OrderLine
from onpaid.repositories.orders import TakenLine
from onpaid.repositories.references import REFERENCES, Reference
from tests.web.seed import Told


class Story(Told):
    """One order, from the shop's first word to the mail with its invoice."""

    def opening(self) -> Self:
        """The steps up to the contact, when all goes well."""
        paid = self.paid[-1]
        told = {"payment_id": paid.payment_id, "captured": True, "amount": paid.amount, "disputed": False}
        self.step("order", kind="wait", answered=self.key)
        self.step("lines to pay for", kind="wait", answered=True)
        self.step("read payment", "Stripe.fetch_payment", ms=34, asked=paid, answered=told)
        self.take()
        self.step(
            "fetch customer", "Stripe.fetch_customer", ms=28, asked=paid.customer_id, answered=self.customer
        )
        return self.step("file contact", "file_contact", "call", answered={"contact_id": 8_801_230})

    def take(self, lines: Sequence[OrderLine] | None = None) -> Self:
        """The payment takes lines that no other has taken."""
        paid = self.paid[-1]
        free = [line for line in self.revisions[-1].lines if line.key not in self.allocation.taken]
        for line in lines or free:
            self.allocation.taken[line.key] = TakenLine(paid.key, line, len(self.revisions))
        self.allocation.amounts[paid.key] = paid.amount
        return self.step("take lines", "Orders.take_lines", "wait", answered={"order": self.key})

    def invoice(self, invoice_id: int, number: int, **more: Any) -> Self:
        """The invoice is made, read back and noted."""
        paid = self.paid[-1]
        draft = {
            "uuid": "0b6f6a2e-0f4e-5d41-9a53-5d1c2b7a9e10",
            "order_reference": self.number,
            "contact_id": 8_801_230,
            "total": paid.amount,
            "our_reference": paid.payment_id,
            "lines": [{"name": line.name, "gross": str(line.unit_price)} for line in self.lines],
        }
        look = ("look", "absent", 61, "")
        tries = more.pop("tries", [look, ("act", "done", 412, "")])
        answered = {"invoice_id": invoice_id, "uuid": draft["uuid"]}
        self.step(
            "create invoice", "Fiken.create_invoice", "find", asked=draft, answered=answered, tries=tries
        )
        booked = {"invoice_id": invoice_id, "number": number, "total": paid.amount}
        self.step("read invoice", "Fiken.fetch_invoice", ms=88, asked=invoice_id, answered=booked)
        self.step("note invoice", "References.note", "local", answered=True)
        self.writes.append(REFERENCES.put(Reference("invoice", str(invoice_id), self.key, self.now)))
        self.writes.append(REFERENCES.put(Reference("invoice-number", str(number), self.key, self.now)))
        return self.step("count dispatches", "Fiken.count_dispatches", ms=57, asked=invoice_id, answered=0)

    def receipt(self, invoice_id: int) -> dict[str, Any]:
        """What is asked when the mail is sent."""
        return {
            "invoice_id": invoice_id,
            "to_email": self.customer.email,
            "to_name": self.customer.name,
            "message": f"Hei {self.customer.name},\n\ntakk for handelen! Vedlagt finner du faktura.",
        }

    def mail(self, invoice_id: int) -> Self:
        """The mail goes out."""
        answered = {"invoice_id": invoice_id, "count": 1, "method": "email"}
        asked = self.receipt(invoice_id)
        return self.step("send receipt", "Fiken.send_receipt", "find", ms=640, asked=asked, answered=answered)

    def ends(self) -> Self:
        self.run.state, self.run.ended, self.run.result = "done", self.now, self.run.steps[-4].result
        return self

    def well(self, invoice_id: int, number: int) -> Self:
        """From payment to mail without a hitch."""
        return self.opening().invoice(invoice_id, number).mail(invoice_id).ends()
