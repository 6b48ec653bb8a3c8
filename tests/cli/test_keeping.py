"""Backup and restore, settings, version, and what the command line says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from onpaid import __version__
from onpaid.settings import TABLE
from tests.cli.kit import NOWHERE, SECRETS, Onpaid

HEAVY = (
    "aiohttp",
    "stripe",
    "starlette",
    "uvicorn",
    "apsw",
    "structlog",
    "msgspec",
    "onpaid.compose",
    "onpaid.simulators",
)


def test_a_backup_brings_everything_back(stocked: Onpaid, tmp_path: Path) -> None:
    copied = stocked("backup", str(tmp_path / "copy.db"), "--json").well().json()
    assert copied["bytes"] == (tmp_path / "copy.db").stat().st_size
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    restored = stocked("restore", str(tmp_path / "copy.db"), "--json", ONPAID_DATABASE=fresh).well().json()
    assert restored["generation"] == 1
    listed = stocked("orders", "list", "--json", ONPAID_DATABASE=fresh).well().json()["items"]
    assert [row["number"] for row in listed] == ["10042"]


def test_after_a_restore_lanes_are_paused_and_a_ticket_says_why(stocked: Onpaid, tmp_path: Path) -> None:
    stocked("backup", str(tmp_path / "copy.db")).well()
    said = stocked("restore", str(tmp_path / "copy.db"), "--force").well().out
    assert "onpaid lanes resume" in said
    lanes = stocked("lanes", "list", "--json").well().json()["items"]
    assert {lane["name"] for lane in lanes if lane["paused"]} >= {"fiken", "stripe"}
    tickets = stocked("tickets", "list", "--json").well().json()["items"]
    assert [ticket["severity"] for ticket in tickets if ticket["category"] == "database"] == ["critical"]
    assert (tmp_path / "onpaid.db.replaced").exists()


def test_nothing_is_overwritten_unasked(stocked: Onpaid, tmp_path: Path) -> None:
    stocked("backup", str(tmp_path / "copy.db")).well()
    again = stocked("backup", str(tmp_path / "copy.db"))
    assert (again.code, "exists already" in again.err) == (1, True)
    back = stocked("restore", str(tmp_path / "copy.db"))
    assert (back.code, "--force" in back.err) == (1, True)


@pytest.mark.parametrize("words", [("backup", "copy.db"), ("restore", "nope.db")])
def test_a_file_that_is_missing_is_named(onpaid: Onpaid, words: tuple[str, ...]) -> None:
    ran = onpaid(*words)
    assert ran.code == 1
    assert ran.err.startswith("onpaid: ")
    assert "Traceback" not in ran.err


def test_settings_are_shown_without_secrets(onpaid: Onpaid) -> None:
    told = onpaid("settings", "--json").well().json()
    assert {row["name"] for row in told} == {setting.name for setting in TABLE}
    said = onpaid("settings").well().out
    assert all(setting.name in said for setting in TABLE)
    for secret in SECRETS:
        assert secret not in said
        assert secret not in str(told)


def test_wrong_settings_are_named_without_their_secrets(onpaid: Onpaid) -> None:
    ran = onpaid("settings", ONPAID_PORT="eighty", KONVERZKY_AUTH="magic")
    assert ran.code == 1
    assert "ONPAID_PORT" in ran.err
    assert "KONVERZKY_AUTH" in ran.err


def test_settings_come_from_a_file_too(onpaid: Onpaid, tmp_path: Path) -> None:
    (tmp_path / "onpaid.toml").write_text('order_wait = "7h"\n')
    told = onpaid("--settings", str(tmp_path / "onpaid.toml"), "settings", "--json").well().json()
    assert next(row["value"] for row in told if row["name"] == "ORDER_WAIT") == "7:00:00"
    ran = onpaid("--settings", str(tmp_path / "nope.toml"), "settings")
    assert (ran.code, "cannot be read" in ran.err) == (1, True)


def test_a_login_link_needs_a_running_server(onpaid: Onpaid) -> None:
    ran = onpaid("login-link")
    assert (ran.code, "no server is running" in ran.err) == (1, True)


def test_the_version(onpaid: Onpaid) -> None:
    assert onpaid("version", "--json").well().json()["onpaid"] == __version__
    assert __version__ in onpaid("version").well().out


def test_bad_usage_is_exit_code_2(onpaid: Onpaid) -> None:
    assert onpaid("nonsense").code == 2
    assert onpaid("demo", "--orders", "0").code == 2
    unknown = onpaid("demo", "--faults", "gremlins")
    assert (unknown.code, "late-landing" in unknown.err) == (2, True)


def test_help_is_shown_without_loading_the_house() -> None:
    asked = f"""
import sys
from onpaid.cli import main
sys.argv = ["onpaid", "--help"]
try:
    main()
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_doctor_says_what_is_missing_in_sentences(onpaid: Onpaid) -> None:
    ran = onpaid(
        "doctor", STRIPE_API_KEY="", ONPAID_ADMIN_TOKEN="", INVOICE_VAT_RULES="", FIKEN_COMPANY_SLUG=""
    )
    assert ran.code == 1
    for name in ("STRIPE_API_KEY", "ONPAID_ADMIN_TOKEN", "INVOICE_VAT_RULES", "FIKEN_COMPANY_SLUG"):
        assert f"✗ {name} is not set" in ran.out
    assert "Not ready yet." in ran.out


def test_the_doctor_asks_the_providers_and_prints_no_secret(stocked: Onpaid) -> None:
    ran = stocked("doctor", "--json")
    told = ran.json()
    assert (ran.code, told["ready"]) == (1, False)
    wrong = " ".join(each["says"] for each in told["findings"] if each["wrong"])
    assert "Stripe cannot be reached" in wrong
    assert "Fiken cannot be reached" in wrong
    notes = " ".join(each["says"] for each in told["findings"] if not each["wrong"])
    assert "can be written; its format is" in notes
    assert "signed off by Kari" in notes
    for secret in SECRETS:
        assert secret not in ran.out + ran.err


def test_the_doctor_changes_nothing(onpaid: Onpaid, tmp_path: Path) -> None:
    said = onpaid("doctor").out
    assert "the first start makes it" in said
    assert not (tmp_path / "onpaid.db").exists()


def test_the_doctor_sees_a_file_that_is_not_ours(onpaid: Onpaid, tmp_path: Path) -> None:
    (tmp_path / "onpaid.db").write_bytes(b"not a database, but long enough to look at" * 30)
    assert "is not a database" in onpaid("doctor").out.replace("\n", " ")


def test_the_doctor_wants_a_vat_table_that_somebody_vouches_for(onpaid: Onpaid, tmp_path: Path) -> None:
    table = tmp_path / "vat.toml"
    table.write_text(table.read_text().replace('"Kari"', '""'))
    assert "is not signed off" in onpaid("doctor").out.replace("\n", " ")
    assert "cannot be read" in onpaid("doctor", INVOICE_VAT_RULES=f"{tmp_path}/nope.toml").out.replace(
        "\n", " "
    )


def test_the_doctor_finds_settings_that_cannot_be_read(onpaid: Onpaid) -> None:
    ran = onpaid("doctor", ONPAID_PORT="eighty", STRIPE_API_BASE=NOWHERE)
    assert (ran.code, "ONPAID_PORT" in ran.out) == (1, True)
