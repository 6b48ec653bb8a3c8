"""`onpaid demo` and `onpaid simulate`: everything without a single account anywhere."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path

import typer

from onpaid.cli import logs
from onpaid.cli.ending import input_ends, signals_set
from onpaid.simulators import Settings, Target, UnknownFault, parse, serve


def demo(
    *,
    orders: int,
    faults: str,
    seed: int | None,
    once: bool,
    as_json: bool,
    database: Path | None,
    factor: float,
    port: int,
) -> int:
    """Play a demo; the exit code."""
    from rich.console import Console

    from onpaid.cli.demo.options import Options
    from onpaid.cli.demo.run import run

    logs.configure("warning", "text")
    options = Options(
        orders=orders,
        faults=_checked(faults),
        seed=secrets.randbelow(10_000) if seed is None else seed,
        once=once,
        as_json=as_json,
        database=database,
        factor=factor,
        port=port,
    )
    try:
        return asyncio.run(run(options, Console(stderr=as_json, highlight=False)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("onpaid: stopped before the proof; everything was cleaned up\n")
        return 130


def simulate(
    *,
    host: str,
    port: int,
    faults: str,
    seed: int,
    target: str | None,
    stripe_params: Path | None,
    as_json: bool,
    until_input_ends: bool,
) -> int:
    """Run the simulators until told to stop; the exit code."""
    from onpaid.cli import reach

    logs.configure("warning", "text")
    ours = reach.settings()
    to = Target()
    settings = Settings(
        target=Target(
            base=(target or f"http://{ours['ONPAID_HOST']}:{ours['ONPAID_PORT']}").rstrip("/"),
            stripe_secrets=ours["STRIPE_WEBHOOK_SECRET"] or to.stripe_secrets,
            konverzky_auth=ours["KONVERZKY_AUTH"],
            konverzky_secrets=ours["KONVERZKY_WEBHOOK_SECRET"] or to.konverzky_secrets,
        ),
        faults=_checked(faults),
        seed=seed,
        stripe_params=stripe_params,
    )
    with asyncio.Runner() as runner:
        return runner.run(_simulate(settings, host, port, as_json=as_json, until_input_ends=until_input_ends))


async def _simulate(
    settings: Settings, host: str, port: int, *, as_json: bool, until_input_ends: bool
) -> int:
    stopped = asyncio.Event()
    signals_set(stopped)
    watching = asyncio.create_task(input_ends(stopped)) if until_input_ends else None
    try:
        served = await serve(settings, host=host, port=port)
    except OSError as error:
        from onpaid.cli.output import fail

        return fail(f"{host}:{port} cannot be listened on ({error.strerror}): name another with --port")
    if as_json:
        bases = {"base": served.base, "stripe": served.stripe_base, "fiken": served.fiken_base}
        sys.stdout.write(json.dumps(bases) + "\n")
    else:
        sys.stdout.write(_how_to_use(served.base, served.stripe_base, served.fiken_base, settings))
    sys.stdout.flush()
    await stopped.wait()
    if watching is not None:
        watching.cancel()
    await served.stop()
    return 0


def _how_to_use(base: str, stripe: str, fiken: str, settings: Settings) -> str:
    """What to set, and what to ask for."""
    return f"""The shop, Stripe and Fiken are simulated at {base}; webhooks go to {settings.target.base}.
Faults: {settings.faults}. Seed: {settings.seed}.

Point a service at them (add STRIPE_WEBHOOK_SECRET and KONVERZKY_WEBHOOK_SECRET, the same for both processes):
  STRIPE_API_BASE={stripe}  STRIPE_API_KEY={settings.stripe_key}
  FIKEN_API_BASE={fiken}  FIKEN_API_TOKEN={settings.fiken_token}
  FIKEN_COMPANY_SLUG={settings.company_slug}  FIKEN_BANK_ACCOUNT_CODE={settings.bank_accounts[0]}
  FIKEN_PAYMENT_ACCOUNT={settings.bank_accounts[-1]}  KONVERZKY_PRICES_INCLUDE_VAT=true

Then play a day, and look at what really happened:
  curl -X POST {base}/_play -d '{{"orders": 20}}'
  curl {base}/_ledger
  curl -X PUT {base}/_faults -d '{{"faults": "all", "seed": 7}}'

Ctrl-C ends them; they remember nothing.
"""


def _checked(faults: str) -> str:
    """The faults as they were named. Bad usage if one is unknown."""
    try:
        parse(faults)
    except UnknownFault as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--faults") from None
    return faults
