"""All simulators together, and the one place where they are reset and closed.

`Simulators` is what a test or the demo holds in its hands; the HTTP application around it is made in `server.py`.
"""

import json
from dataclasses import replace
from pathlib import Path

from onpaid.simulators.carts import Carts
from onpaid.simulators.fiken_books import FikenBooks
from onpaid.simulators.jira import Jira
from onpaid.simulators.kit import Background, Clock, Json, RealClock
from onpaid.simulators.konverzky import Konverzky
from onpaid.simulators.meta import Meta
from onpaid.simulators.msg91 import Msg91
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.progress import Progress
from onpaid.simulators.razorpay import Razorpay
from onpaid.simulators.sender import Sender
from onpaid.simulators.settings import Settings, Target
from onpaid.simulators.shiprocket import Shiprocket
from onpaid.simulators.sink import Sinks
from onpaid.simulators.sns import Sns
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_form import Parameters
from onpaid.simulators.stripe_sales import Sales
from onpaid.simulators.twilio import Twilio
from onpaid.simulators.wati import Wati


class Simulators:
    """The shop, Stripe and Fiken, and those of the parcels, with one fault plan and one sender."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings or Settings()
        self.clock = clock or RealClock()
        times = self.settings.times
        self.plan = FaultPlan(times, self.settings.faults, self.settings.seed)
        self.sender = Sender(self.clock, times)
        self.landing = Background()
        self.errands = Background()
        livemode, includes_vat = self.settings.livemode, self.settings.prices_include_vat
        self.stripe = Stripe(self.plan, self.clock, self.sender, livemode=livemode)
        self.sales = Sales(self.stripe, self.clock)
        self.sales.sessions.prefix = self.settings.session_prefix
        self.sinks = Sinks()
        self.sns = Sns(self.clock, self.settings.sns_topics)
        self.stripe_params = Parameters(_document(self.settings.stripe_params))
        self.konverzky = Konverzky(self.plan, self.clock, self.sender, prices_include_vat=includes_vat)
        self.fiken = FikenBooks(self.clock, self.settings)
        self.carts = Carts(self.settings.products)
        shared = (self.plan, self.clock, self.sender, self.settings)
        self.razorpay = Razorpay(*shared)
        self.shiprocket = Shiprocket(*shared)
        self.meta = Meta(*shared)
        self.twilio = Twilio(*shared)
        self.msg91 = Msg91(*shared)
        self.wati = Wati(*shared)
        self.jira = Jira(*shared)
        services = (self.meta, self.twilio, self.msg91, self.wati)
        self.of_parcels = (self.carts, self.razorpay, self.shiprocket, *services, self.jira)
        self.progress: Progress | None = None
        self.aim(self.settings.target)

    def aim(self, target: Target) -> None:
        """Send webhooks there from now on."""
        self.target = target
        self.stripe.aim(target.base + target.stripe_path, target.stripe_secrets)
        self.konverzky.aim(
            target.base + target.konverzky_path, target.konverzky_auth, target.konverzky_secrets
        )
        self.razorpay.aim(target.base + target.razorpay_path, target.razorpay_secrets)
        self.shiprocket.aim(target.base + target.tracking_path, target.tracking_token)
        self.meta.aim(target.base + target.whatsapp_path, target.meta_app_secret)
        self.twilio.aim(target.base)
        self.msg91.aim(target.base + target.msg91_path)
        self.wati.aim(target.base + target.wati_path)

    def aim_at(self, base: str) -> None:
        """The same paths and secrets at another base address."""
        self.aim(replace(self.target, base=base.rstrip("/")))

    async def settled(self) -> None:
        """Until every webhook has been acknowledged, no lost call can still land, and no parcel moves."""
        moving = self.shiprocket.tracking.moving
        while True:
            await self.sender.idle()
            if not len(self.landing) and not len(moving):
                return
            await self.landing.finished()
            await moving.finished()

    async def reset(self) -> None:
        """Forget everything that happened; faults, seed, rates and target stay."""
        await self.close()
        self.plan.forget()
        self.sender.forget()
        self.stripe.forget()
        self.sales.forget()
        self.sinks.forget()
        self.sns.forget()
        self.konverzky.forget()
        self.fiken.forget()
        for each in self.of_parcels:
            each.forget()
        self.progress = None

    async def close(self) -> None:
        """Stop everything that still runs in the background."""
        await self.errands.close()
        await self.shiprocket.close()
        await self.landing.close()
        await self.sender.close()


def _document(path: Path | None) -> Json | None:
    if path is None or not path.is_file():
        return None
    document: Json = json.loads(path.read_text(encoding="utf-8"))
    return document
