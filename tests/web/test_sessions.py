"""Sessions, login links and tokens: how long they live, what ends them, and what never opens anything."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from itsdangerous import URLSafeSerializer

from onpaid.errors import SettingsError
from onpaid.web.access import make_login_link
from onpaid.web.settings import Role, WebSettings
from tests.web.client import Client, csrf_in, logged_in, nobody
from tests.web.world import OPERATOR, VIEWER, World, make_world, settings


async def opens(world: World, client: Client) -> bool:
    return (await client.get("/console")).status == 200


def path_of(link: str) -> str:
    return link[link.index("/login") :]


class TestToken:
    async def test_the_form_lets_in_and_leads_on(self, world: World) -> None:
        client = nobody(world)
        form = await client.get("/login?next=/console/events")
        answer = await client.post(
            "/login", form={"csrf": csrf_in(form), "token": OPERATOR, "next": "/console/events"}
        )
        assert (answer.status, answer.header("location")) == (303, "/console/events")
        cookie = next(value for name, value in answer.headers if name == "set-cookie")
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "secure" not in cookie.lower()

    async def test_a_wrong_token_is_told_so(self, world: World) -> None:
        client = nobody(world)
        csrf = csrf_in(await client.get("/login"))
        answer = await client.post("/login", form={"csrf": csrf, "token": "x" * 24})
        assert answer.status == 401
        assert "not one of the tokens" in answer.text
        assert not await opens(world, client)

    @pytest.mark.parametrize(
        "wanted", ["//evil.example", "https://evil.example", "/console\\evil", "/login", ""]
    )
    async def test_nobody_is_led_elsewhere(self, world: World, wanted: str) -> None:
        client = nobody(world)
        form = await client.get(f"/login?next={quote(wanted)}")
        answer = await client.post("/login", form={"csrf": csrf_in(form), "token": OPERATOR, "next": wanted})
        assert answer.header("location") == "/console"

    async def test_nobody_is_logged_in_behind_their_back(self, world: World) -> None:
        form = await nobody(world).get("/login")
        stranger = nobody(world)
        answer = await stranger.post("/login", form={"csrf": csrf_in(form), "token": OPERATOR})
        assert answer.status == 403

    @pytest.mark.parametrize(
        "given", ["", " ", "Bearer", "bearer ", "Basic eDp5", "Bearer  ", "Bearer \u00e9"]
    )
    async def test_an_empty_token_closes_its_role(self, given: str) -> None:
        world = make_world(admin_token="", viewer_token="")
        answer = await nobody(world).get("/api/orders", headers={"authorization": given})
        assert answer.status == 401

    def test_weak_tokens_are_refused(self) -> None:
        with pytest.raises(SettingsError, match="less than 16"):
            WebSettings(admin_token="admin")
        with pytest.raises(SettingsError, match="the same"):
            WebSettings(admin_token=VIEWER, viewer_token=VIEWER)

    @pytest.mark.parametrize(
        "wrong", [{"public_url": "shop.example"}, {"public_url": "ftp://x"}, {"time_zone": "Mars/Olympus"}]
    )
    def test_wrong_settings_are_refused(self, wrong: dict[str, str]) -> None:
        with pytest.raises(SettingsError):
            WebSettings(**wrong)  # type: ignore[arg-type]

    def test_secrets_are_not_printed(self) -> None:
        assert OPERATOR not in repr(settings())


class TestSession:
    async def test_it_ends_after_its_life(self, world: World) -> None:
        client = await logged_in(world)
        world.clock.move(timedelta(hours=11, minutes=59))
        assert await opens(world, client)
        world.clock.move(timedelta(minutes=1))
        assert not await opens(world, client)

    async def test_it_ends_with_a_logout(self, world: World) -> None:
        client = await logged_in(world)
        kept = dict(client.cookies)
        csrf = csrf_in(await client.get("/console"))
        answer = await client.post("/logout", form={"csrf": csrf})
        assert answer.header("location") == "/login"
        assert "onpaid_session" not in client.cookies
        client.cookies = kept
        assert not await opens(world, client)

    async def test_it_ends_when_its_token_changes(self, world: World) -> None:
        client = await logged_in(world)
        client.app = make_world(admin_token="another-token-of-the-operator").app()
        assert not await opens(world, client)

    async def test_a_changed_cookie_opens_nothing(self, world: World) -> None:
        client = await logged_in(world, VIEWER)
        name, value = next(item for item in client.cookies.items() if item[0] == "onpaid_session")
        for forged in (value[:-1], value + "x", "", "x", value.replace(".", ".."), "a" * 5000, value.upper()):
            client.cookies[name] = forged
            assert not await opens(world, client)

    async def test_over_https_the_cookie_is_bound_to_it(self) -> None:
        world = make_world(public_url="https://onpaid.example")
        client = nobody(world)
        csrf = csrf_in(await client.get("/login"))
        answer = await client.post("/login", form={"csrf": csrf, "token": OPERATOR})
        cookie = next(value for name, value in answer.headers if name == "set-cookie")
        assert cookie.startswith("__Host-onpaid=")
        assert "secure" in cookie.lower()
        assert "max-age" in answer.header("strict-transport-security")


class TestLink:
    @pytest.mark.parametrize("role", ["operator", "viewer"])
    async def test_it_logs_in_once(self, world: World, role: Role) -> None:
        link = make_login_link(world.settings, role, world.clock.now())
        assert link.startswith("http://127.0.0.1:8080/login?key=")
        client = Client(world.app())
        assert (await client.get(path_of(link))).header("location") == "/console"
        assert await opens(world, client)
        client.cookies.clear()
        again = await client.get(path_of(link))
        assert again.status == 401
        assert "used already" in again.text

    async def test_looking_ahead_does_not_use_it_up(self, world: World) -> None:
        link = path_of(make_login_link(world.settings, "operator", world.clock.now()))
        client = Client(world.app())
        await client.ask("HEAD", link)
        assert (await client.get(link)).status == 303

    async def test_it_grows_old(self, world: World) -> None:
        link = path_of(make_login_link(world.settings, "operator", world.clock.now()))
        world.clock.move(timedelta(minutes=10))
        assert (await nobody(world).get(link)).status == 401

    async def test_it_is_for_logging_in_and_nothing_else(self, world: World) -> None:
        key = make_login_link(world.settings, "operator", world.clock.now()).partition("key=")[2]
        client = nobody(world)
        client.cookies["onpaid_session"] = key
        assert not await opens(world, client)
        session = (await logged_in(world)).cookies["onpaid_session"]
        assert (await nobody(world).get(f"/login?key={quote(session)}")).status == 401

    async def test_forged_keys_open_nothing(self, world: World) -> None:
        told = {"role": "operator", "number": "n", "until": world.clock.now() + 1000}
        salts = ("", "onpaid login link operator", "onpaid session operator", "login link")
        keys = [
            str(URLSafeSerializer(secret, salt=salt).dumps(told)) for secret in ("x", "") for salt in salts
        ]
        for key in [*keys, "", "a.b", "e30.", ".", "null", "x" * 999]:
            client = nobody(world)
            await client.get(f"/login?key={quote(key)}")
            assert not await opens(world, client)

    async def test_a_closed_role_has_no_link(self) -> None:
        world = make_world(admin_token="")
        link = path_of(make_login_link(world.settings, "operator", world.clock.now()))
        assert (await nobody(world).get(link)).status == 401
