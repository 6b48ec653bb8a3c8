"""The commands for whoever keeps the service: doctor, backup, restore, settings, version, login link."""

from __future__ import annotations

import asyncio
import platform
from pathlib import Path

from onpaid import __version__
from onpaid.cli import reach
from onpaid.cli.output import console, facts, print_json, say, table
from onpaid.clock import SystemClock
from onpaid.errors import NotPossible, SettingsError
from onpaid.settings import TABLE


def version(*, as_json: bool) -> None:
    """The version, and of what it runs on."""
    import apsw

    told = {
        "onpaid": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if as_json:
        print_json(told)
    else:
        facts(told)


def settings(*, as_json: bool) -> None:
    """Every setting."""
    values = reach.settings().shown()
    if as_json:
        print_json(
            [
                {"name": s.name, "value": values[s.name], "secret": s.secret, "meaning": s.meaning}
                for s in TABLE
            ]
        )
        return
    table(
        ("setting", "value", "meaning"),
        ((s.name, _value(values[s.name]), s.meaning) for s in TABLE),
        empty="",
    )


def _value(text: str) -> tuple[str, str]:
    return ("not set", "todo") if text in ("None", "not set", "") else (text, "")


def doctor(*, as_json: bool) -> int:
    """What is missing or wrong; the exit code."""
    from onpaid.cli.examining import examine

    findings = asyncio.run(examine())
    ready = not any(finding.wrong for finding in findings)
    if as_json:
        print_json({"ready": ready, "findings": findings})
    else:
        for finding in findings:
            mark, style = ("✗", "red") if finding.wrong else ("·", "")
            say(f"{mark} {finding.says}", style)
        if ready:
            say("Ready: `onpaid serve` can take webhooks and do its work.", "green")
        else:
            say("Not ready yet.", "bold red")
    return 0 if ready else 1


def backup(target: Path, *, as_json: bool) -> None:
    """Copy the database, beside a running server or not."""
    from rich.progress import Progress

    from onpaid.store.sqlite_backup import backup as copy

    source = reach.database(reach.settings())
    if not source.exists():
        raise NotPossible(f"there is no database at {source}: look at ONPAID_DATABASE")
    with Progress(console=console(errors=True), transient=True) as progress:
        bar = progress.add_task("copying")
        size = copy(
            source,
            target,
            instant=SystemClock().now(),
            progress=lambda done, of: progress.update(bar, completed=done, total=of),
        )
    if as_json:
        print_json({"backup": str(target.resolve()), "bytes": size})
    else:
        say(f"{target} holds a copy of {source} ({size / 1e6:.1f} MB), checked. Keep it on another disk.")


def restore(source: Path, *, force: bool, as_json: bool) -> None:
    """Put a backup in place, and have a person look before any call leaves."""
    from onpaid.cli.restoring import pause_all
    from onpaid.store.sqlite_backup import restore as put_back

    target = reach.database(reach.settings())
    if target.exists() and not force:
        raise NotPossible(
            f"{target} exists already: --force replaces it, and keeps it beside as {target.name}.replaced"
        )
    raised = put_back(source, target, force=force)
    lanes = asyncio.run(pause_all(target, raised))
    if as_json:
        print_json(
            {"database": str(target.resolve()), "generation": raised.generation, "paused_lanes": lanes}
        )
        return
    say(f"{target} is restored, as generation {raised.generation}.")
    say(
        f"Its lanes ({', '.join(lanes)}) are paused. What was done since the backup is looked up before it is done "
        "again; where nothing can be looked up, a ticket asks you. Start the service, let the shop, Stripe and "
        "Razorpay send again what came since, look at `onpaid tickets list`, then: onpaid lanes resume NAME"
    )


def login_link(*, as_json: bool) -> None:
    """A link that logs a browser in at the running server."""
    from onpaid.cli.assembling import web_settings
    from onpaid.web.access import make_login_link

    values = reach.settings()
    address = reach.holder(reach.database(values))
    if address is None:
        raise NotPossible("no server is running on this database: start `onpaid serve` first")
    missing = values.missing("ONPAID_ADMIN_TOKEN", "ONPAID_SESSION_SECRET")
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} must be set, to the same as the server's, since a login link is signed with it: "
            f"until then log in at {address}/login with the admin token"
        )
    link = make_login_link(web_settings(values, address=address), "operator", SystemClock().now())
    if as_json:
        print_json({"link": link})
    else:
        print(link)
