"""What the composition itself promises: one mode for one database, and a second judgement after an upgrade."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from onpaid.compose import build
from onpaid.errors import SettingsError
from onpaid.repositories.events import EVENTS
from onpaid.settings import Settings


def settings(folder: Path, key: str = "sk_test_1") -> Settings:
    return Settings(
        {
            "ONPAID_DATABASE": f"sqlite:///{folder}/onpaid.db",
            "ONPAID_TICKET_LOG": f"{folder}/tickets.jsonl",
            "STRIPE_API_KEY": key,
            "STRIPE_WEBHOOK_SECRET": "whsec_1",
            "KONVERZKY_WEBHOOK_SECRET": "shop",
            "FIKEN_API_TOKEN": "token",
            "FIKEN_COMPANY_SLUG": "shop-as",
            "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
            "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
        }
    )


async def test_rule_04_a_database_that_has_seen_test_orders_never_becomes_a_live_one(tmp_path: Path) -> None:
    service = await build(settings(tmp_path))
    await service.stop()
    with pytest.raises(SettingsError, match="holds test orders"):
        await build(settings(tmp_path, "sk_live_1"))


async def test_rule_15_an_upgrade_judges_again_what_nobody_could_make_sense_of(tmp_path: Path) -> None:
    """An event of a version that we did not know is kept as unrouted; the next version looks at it again."""
    service = await build(settings(tmp_path))
    body = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "api_version": "2031-01-01.unheard",
            "created": int(time.time()),
            "livemode": False,
            "type": "charge.succeeded",
            "data": {"object": {"id": "ch_1", "object": "charge"}},
        }
    ).encode()
    t = int(time.time())
    signature = hmac.new(b"whsec_1", f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    receipt = await service.inbox.receive("stripe", {"stripe-signature": f"t={t},v1={signature}"}, body)
    assert receipt.verdict == "unrouted"
    before = await EVENTS.get(service.store, receipt.event)
    await service.start()
    after = await EVENTS.get(service.store, receipt.event)
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1, "it was judged again"
    assert await service.inbox.judge_unrouted_again() == 1
    await service.stop()
