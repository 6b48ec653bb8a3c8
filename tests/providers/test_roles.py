"""One suite a role, over every provider of it. A new provider is added to `listed.py`, and has then to pass.

What the engine relies on: what a look-up says after a creation, after a creation whose answer was lost, and before
any; that errors are of our tree; that a declaration exists for each act.
"""

import importlib
import inspect
import json
import pkgutil
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import onpaid.providers as package
from onpaid.acts import Absent, Found, LaneLimit, Unsure, act_of
from onpaid.domain.events import Envelope
from onpaid.domain.invoices import ContactRef
from onpaid.errors import BadSignature, Doubtful, InvalidInput, Problem, ProviderError, Unavailable
from onpaid.providers import fiken, roles, stripe, ticket_log
from onpaid.simulators import Served
from onpaid.simulators.stripe import Pay
from tests.providers.listed import PROVIDERS, READS, SOURCES, TOKEN, TRIALS, Source
from tests.providers.samples import CONTACT, NOW, ORDER, altered, draft, event
from tests.providers.scripted import Reply, closed_port, reply, scripted
from tests.providers.test_fiken import receipt
from tests.providers.test_fiken import settings as fiken_settings
from tests.providers.test_stripe_api import PAID
from tests.providers.test_ticket_log import TICKET


def read(each: Source, body: bytes) -> Envelope:
    """The envelope, as it is read from the address that was called."""
    return each.source.read(body, NOW, token=each.prove(each.body)[1])


over_sources = pytest.mark.parametrize("each", SOURCES.values(), ids=SOURCES.keys())


@over_sources
def test_a_source_lets_its_sender_in_and_nobody_else(each: Source) -> None:
    headers, token = each.prove(each.body)
    each.source.verify(headers, each.body, NOW, token=token)
    with pytest.raises(BadSignature):
        each.source.verify({}, each.body, NOW)
    wrong = {name: value[:-1] for name, value in headers.items()}
    with pytest.raises(BadSignature):
        each.source.verify(wrong, each.body, NOW, token=token[:-1] if token else None)


@over_sources
def test_a_source_names_itself_and_its_account(each: Source) -> None:
    envelope = read(each, each.body)
    assert envelope.source == each.source.name
    assert envelope.account.split("/")[0] == each.source.name
    assert envelope.account.split("/")[-1] == ("live" if envelope.live else "test")
    assert envelope.event_id


@over_sources
def test_a_source_is_pure(each: Source) -> None:
    envelope = read(each, each.body)
    assert read(each, each.body) == envelope
    assert each.source.judge(envelope, each.body, NOW) == each.source.judge(envelope, each.body, NOW)


@over_sources
def test_a_source_judges_to_facts_or_a_reason(each: Source) -> None:
    judged = each.source.judge(read(each, each.body), each.body, NOW)
    assert judged.facts
    assert judged.ignored is None
    other = each.source.judge(read(each, each.other_type), each.other_type, NOW)
    assert other.facts == ()
    assert other.ignored


@over_sources
def test_a_source_keeps_no_secret_of_its_address(each: Source) -> None:
    assert TOKEN not in repr(read(each, each.body))
    assert TOKEN not in repr(each.source)


@given(name=st.sampled_from(sorted(SOURCES)), seed=st.integers(0, 2**32))
def test_a_source_raises_nothing_odd_over_odd_bodies(name: str, seed: int) -> None:
    """Bodies with pieces of JSON put in, taken out and doubled."""
    each, dice = SOURCES[name], random.Random(seed)
    body = bytearray(each.body)
    pieces = [
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b'"x"',
        b"1e5",
        b"true",
        b",",
        b'"',
        b"}",
        b"\\u0000",
        b"\xff",
        b"9" * 30,
    ]
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(body))
        body[start : start + dice.choice((0, 1, 5, 12))] = dice.choice(pieces)
    raw = bytes(body)
    with suppress(InvalidInput, Problem):
        each.source.judge(read(each, raw), raw, NOW)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.text(max_size=5)
    | st.just([])
    | st.just({})
    | st.floats(0, 1)
)
PLACES = ["id", "type", "created", "livemode", "api_version", "data", "data.object", "data.object.id"]
PLACES += [
    f"data.object.{name}"
    for name in ("currency", "amount_captured", "captured", "metadata", "customer", "status")
]
PLACES += [
    "data.object.metadata.order_number",
    "data.object.billing_details",
    "data.object.billing_details.address",
]


@given(path=st.sampled_from(PLACES), value=VALUES)
def test_stripe_fields_of_any_kind(path: str, value: Any) -> None:
    raw = json.dumps(altered(json.loads(event()), path, value)).encode()
    source = SOURCES["stripe"].source
    with suppress(InvalidInput, Problem):
        source.judge(source.read(raw, NOW), raw, NOW)


ORDER_PLACES = [
    "webhook_type",
    "webhook_id",
    "created_at",
    "order",
    *(f"order.{name}" for name in ORDER["order"]),
]
ORDER_PLACES += [f"order.items.0.{name}" for name in ("id", "name", "quantity", "unit_price", "vat")]
ORDER_PLACES += [f"order.customer.{name}" for name in ("name", "email", "address", "address.country")]


@given(path=st.sampled_from(ORDER_PLACES), value=VALUES)
def test_order_fields_of_any_kind(path: str, value: Any) -> None:
    raw = json.dumps(altered(ORDER, path, value)).encode()
    source = SOURCES["konverzky by hmac"].source
    with suppress(InvalidInput):
        source.judge(source.read(raw, NOW), raw, NOW)


@dataclass
class Accounts:
    """An Invoicing, its books as they really are, and a way to lose its answers."""

    invoicing: Any
    books: Any
    lose: Callable[[str | None], None]


@asynccontextmanager
async def _fiken(simulate: Any) -> AsyncIterator[Accounts]:
    served: Served = await simulate()
    made = fiken.Fiken(fiken_settings(served.fiken_base))
    lossy = simulate.losing[served.base]

    def lose(how: str | None) -> None:
        lossy.lose = how

    yield Accounts(made, served.simulators.fiken, lose)
    await made.close()


INVOICINGS = {"fiken": _fiken}


@pytest.fixture(params=INVOICINGS.values(), ids=INVOICINGS.keys())
async def accounts(request: pytest.FixtureRequest, simulate: Any) -> AsyncIterator[Accounts]:
    async with request.param(simulate) as made:
        yield made


async def test_an_invoicing_files_and_finds(accounts: Accounts) -> None:
    invoicing = accounts.invoicing
    assert await invoicing.find_contact(CONTACT) == Absent()
    contact = await invoicing.create_contact(CONTACT)
    assert await invoicing.find_contact(CONTACT) == Found(contact)
    wanted = draft(contact.contact_id)
    assert await invoicing.find_invoice(wanted) == Absent()
    invoice = await invoicing.create_invoice(wanted)
    found = await invoicing.find_invoice(wanted)
    assert isinstance(found, Found)
    assert found.value.invoice_id == invoice.invoice_id
    assert found.value.total == wanted.total
    assert await invoicing.fetch_invoice(invoice.invoice_id) == found.value


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_rule_06_a_lost_answer_is_a_doubt_and_a_look_settles_it(accounts: Accounts, how: str) -> None:
    invoicing = accounts.invoicing

    async def lost(act: Any, argument: Any) -> None:
        accounts.lose(how)
        with pytest.raises(Doubtful) as caught:
            await act(argument)
        assert caught.value.answered is (how == "503")
        accounts.lose(None)

    await lost(invoicing.create_contact, CONTACT)
    contact = await invoicing.find_contact(CONTACT)
    assert isinstance(contact, Found)
    assert isinstance(contact.value, ContactRef)
    wanted = draft(contact.value.contact_id)
    await lost(invoicing.create_invoice, wanted)
    invoice = await invoicing.find_invoice(wanted)
    assert isinstance(invoice, Found)
    mail = receipt(invoice.value.invoice_id)
    assert isinstance(await invoicing.find_dispatch(mail), Unsure)
    await lost(invoicing.send_receipt, mail)
    sent = await invoicing.find_dispatch(mail)
    assert isinstance(sent, Found)
    assert sent.value.count == 1
    assert (len(accounts.books.contacts), len(accounts.books.invoices), len(accounts.books.mails)) == (
        1,
        1,
        1,
    )


async def test_rule_13_silence_about_a_mail_proves_nothing(accounts: Accounts) -> None:
    invoicing = accounts.invoicing
    contact = await invoicing.create_contact(CONTACT)
    invoice = await invoicing.create_invoice(draft(contact.contact_id))
    await invoicing.send_receipt(receipt(invoice.invoice_id))
    again = receipt(
        invoice.invoice_id, dispatches_before=await invoicing.count_dispatches(invoice.invoice_id)
    )
    assert isinstance(await invoicing.find_dispatch(again), Unsure)


async def test_an_invoicing_claims_what_it_issues(accounts: Accounts) -> None:
    claim = act_of(accounts.invoicing.create_invoice).claim
    assert claim is not None
    contact = await accounts.invoicing.create_contact(CONTACT)
    first = await accounts.invoicing.create_invoice(draft(contact.contact_id))
    assert claim(first) == claim(await accounts.invoicing.fetch_invoice(first.invoice_id))


async def test_a_payment_source_reads(simulate: Any) -> None:
    served: Served = await simulate()
    source = stripe.Stripe(stripe.Settings(api_key="sk_test_simulated", api_base=served.stripe_base))
    paid = served.simulators.stripe.pay(Pay(49_800, "NOK", "10042", announce=False))
    details = await source.fetch_payment(
        replace(PAID, payment_id=paid.intent["id"], charge_id=paid.charge["id"])
    )
    assert (details.amount, details.live, details.captured) == (PAID.amount, False, True)
    await source.close()


async def test_a_ticketing_files_and_finds(tmp_path: Path) -> None:
    ticketing: roles.Ticketing = ticket_log.TicketLog(ticket_log.Settings(tmp_path / "t.jsonl"))
    assert await ticketing.find_ticket(TICKET) == Absent()
    made = await ticketing.file_ticket(TICKET)
    assert await ticketing.find_ticket(TICKET) == Found(made)


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(500, {}), Doubtful),
        (reply(429, {}), Unavailable),
        (Reply(then="reset"), Doubtful),
        (reply(200, b"{", content_length="9", then="close"), Doubtful),
        (None, Unavailable),
    ],
)
async def test_every_provider_tells_outcomes_alike(
    name: str, answer: Reply | None, expected: type[ProviderError]
) -> None:
    trial = TRIALS[name]
    async with scripted(*([*trial.before, answer] if answer else [])) as server:
        provider = trial.make(server.base if answer else f"http://127.0.0.1:{closed_port()}")
        with pytest.raises(expected):
            await trial.call(provider)
        await provider.close()


def methods_of(role: type) -> list[str]:
    return [
        name for name, value in vars(role).items() if inspect.isfunction(value) and not name.startswith("_")
    ]


@pytest.mark.parametrize(
    ("provider", "role"),
    [(provider, role) for provider, fulfilled in PROVIDERS.items() for role in fulfilled],
)
def test_a_provider_fulfils_its_role_and_declares_its_acts(provider: Any, role: Any) -> None:
    for name in methods_of(role):
        method, wanted = getattr(provider, name), getattr(role, name)
        assert list(inspect.signature(method).parameters) == list(inspect.signature(wanted).parameters)
        assert inspect.iscoroutinefunction(method) is inspect.iscoroutinefunction(wanted)
        if inspect.iscoroutinefunction(wanted):
            assert hasattr(method, "__act__"), f"{provider.__name__}.{name} declares nothing"
            assert act_of(method).repeatable is name.startswith(READS), f"{provider.__name__}.{name}"
            lanes = {lane.name for lane in provider.lanes}
            assert act_of(method).lane in (lanes or {None})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_creates_can_be_found(provider: Any) -> None:
    """Each creation has its look-up, or says in its docstring why there is none."""
    for name, method in inspect.getmembers(provider, inspect.isfunction):
        if name.startswith(("create_", "file_")):
            assert hasattr(provider, "find_" + name.partition("_")[2]), f"{provider.__name__}.{name}"
        assert method.__doc__ or name.startswith("_"), f"{provider.__name__}.{name} has no docstring"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_introduces_itself(provider: Any) -> None:
    module = inspect.getmodule(provider)
    assert module is not None
    for question in ("What it is:", "How a thing is found again:", "Its limits:", "How it signs:"):
        assert question in (module.__doc__ or ""), f"{module.__name__} does not say: {question}"
    settings = module.Settings
    assert is_dataclass(settings)
    assert settings.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(isinstance(lane, LaneLimit) for lane in provider.lanes)
    assert inspect.iscoroutinefunction(provider.doctor)


def test_files_are_of_a_readable_length_and_say_what_they_are_for() -> None:
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"onpaid.providers.{found.name}")
        assert module.__doc__, found.name
        assert len(inspect.getsource(module).splitlines()) <= 260, found.name


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    """A Lambda's first answer must not wait for clients that it does not use."""
    import subprocess
    import sys

    names = ", ".join(f"onpaid.providers.{found.name}" for found in pkgutil.iter_modules(package.__path__))
    heavy = ("aiohttp", "stripe", "requests", "pycountry", "yarl")
    code = f"import sys, {names}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
