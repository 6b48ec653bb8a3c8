"""Being logged in at Shiprocket: one token, renewed in time, and no loop on credentials that are refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.shiprocket_login import DAY, renewed_after
from onpaid.simulators import Served
from tests.providers.conftest import within
from tests.providers.parcels import (
    AT_ONCE,
    BOOKED,
    EMAIL,
    PARCEL,
    PASSWORD,
    TOKEN,
    HandClock,
    at,
    jwt,
    logged_in,
)
from tests.providers.samples import SECONDS
from tests.providers.scripted import Reply, closed_port, reply, scripted

NOBODY_THERE = reply(200, {})


def logins(server: Any) -> int:
    return sum(request.target.endswith("/auth/login") for request in server.requests)


async def test_one_login_serves_many_calls_at_once(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    await asyncio.gather(*(shiprocket.find_order(PARCEL) for _ in range(8)))
    assert served.simulators.shiprocket.sessions.logins == 1
    await shiprocket.close()


async def test_what_a_login_sends() -> None:
    async with scripted(logged_in(), NOBODY_THERE) as server:
        shiprocket = at(server)
        await shiprocket.track(["00123456789012"])
        login, call = server.requests
        assert (login.method, login.target) == ("POST", "/v1/external/auth/login")
        assert login.json() == {"email": EMAIL, "password": PASSWORD}
        assert "authorization" not in login.headers
        assert call.headers["authorization"] == f"Bearer {TOKEN}"
        await shiprocket.close()


async def test_a_token_is_renewed_a_day_before_its_end() -> None:
    clock = HandClock()
    async with scripted(logged_in(), *[NOBODY_THERE] * 2, logged_in("second"), NOBODY_THERE) as server:
        shiprocket = at(server, clock)
        await shiprocket.track(["00123456789012"])
        clock.passed = 9 * DAY - 1
        await shiprocket.track(["00123456789012"])
        assert logins(server) == 1
        clock.passed = 9 * DAY
        await shiprocket.track(["00123456789012"])
        assert logins(server) == 2
        assert server.requests[-1].headers["authorization"] == "Bearer second"
        await shiprocket.close()


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (jwt(iat=SECONDS, exp=SECONDS + 10 * 86_400), 9 * DAY),
        (jwt(exp=SECONDS + 10 * 86_400), 9 * DAY),
        (jwt(iat=SECONDS - 10**8, exp=SECONDS - 10**8 + 10 * 86_400), 9 * DAY),
        (jwt(iat=SECONDS, exp=SECONDS + 60), 30),
        (jwt(iat=SECONDS, exp=SECONDS + 2 * 86_400), DAY),
        (jwt(iat=SECONDS, exp=SECONDS), 9 * DAY),
        (jwt(iat=SECONDS, exp=10**400), 9 * DAY),
        (jwt(exp="soon"), 9 * DAY),
        (jwt(exp=None), 9 * DAY),
        (jwt(), 9 * DAY),
        ("eyJhbGciOiJIUzI1NiJ9.W10.x", 9 * DAY),
        ("eyJhbGciOiJIUzI1NiJ9.e30", 9 * DAY),
        ("a.%%%.c", 9 * DAY),
        ("opaque", 9 * DAY),
        ("", 9 * DAY),
    ],
)
def test_how_long_a_token_is_used(token: str, seconds: float) -> None:
    """By what it says of its age, so that a clock that is wrong does no harm; by the documents if it says nothing."""
    assert renewed_after(token, SECONDS) == seconds


async def test_a_read_that_meets_a_dead_token_is_made_again(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    served.simulators.shiprocket.sessions.forget()
    assert await shiprocket.doctor() == []
    served.simulators.shiprocket.sessions.forget()
    await shiprocket.find_awb(made)
    await shiprocket.close()


async def test_a_write_that_meets_a_dead_token_is_not_made_again_by_itself() -> None:
    """An act makes one request: the engine repeats it, and by then there is a new token."""
    created = reply(200, {"order_id": 16161616, "shipment_id": 15151515, "status_code": 1})
    dead = reply(401, {"message": "Token has expired"})
    async with scripted(logged_in(), dead, logged_in("second"), created) as server:
        shiprocket = at(server)
        with pytest.raises(Unavailable, match="nothing was done"):
            await shiprocket.create_order(PARCEL)
        assert len(server.requests) == 2
        assert await shiprocket.create_order(PARCEL) == BOOKED
        assert server.requests[-1].headers["authorization"] == "Bearer second"
        await shiprocket.close()


async def test_of_several_calls_that_meet_a_dead_token_one_asks_for_another(
    simulate: Callable[..., Any],
) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    await shiprocket.find_order(PARCEL)
    sessions = served.simulators.shiprocket.sessions
    sessions.forget()
    await asyncio.gather(*(shiprocket.find_order(PARCEL) for _ in range(6)))
    assert sessions.logins == 1
    await shiprocket.close()


async def test_a_token_that_is_refused_as_soon_as_it_is_given_pauses_the_lane() -> None:
    """Else every call would log in anew, for ever."""
    dead = reply(401, {"message": "Unauthorized."})
    async with scripted(logged_in(), dead, logged_in(), dead) as server:
        shiprocket = at(server)
        with pytest.raises(Unauthorised, match="refuses the token"):
            await shiprocket.find_order(PARCEL)
        assert len(server.requests) == 4
        await shiprocket.close()


async def test_two_dead_tokens_with_a_good_call_between_are_no_trouble() -> None:
    dead = reply(401, {})
    answers = [logged_in(), dead, logged_in(), NOBODY_THERE, dead, logged_in(), NOBODY_THERE]
    async with scripted(*answers) as server:
        shiprocket = at(server)
        for _ in range(2):
            assert await shiprocket.track(["00123456789012"]) == []
        await shiprocket.close()


async def test_a_refused_order_proves_the_token_as_well_as_a_good_one() -> None:
    dead, refused = (
        reply(401, {}),
        reply(422, {"message": "Oops! Invalid Data.", "errors": {"weight": ["odd"]}}),
    )
    async with scripted(logged_in(), dead, logged_in(), refused, dead, logged_in(), NOBODY_THERE) as server:
        shiprocket = at(server)
        for error in (Unavailable, Refused, Unavailable):
            with pytest.raises(error) as caught:
                await shiprocket.create_order(PARCEL)
            assert type(caught.value) is not Unauthorised
        assert await shiprocket.track(["00123456789012"]) == []
        await shiprocket.close()


REFUSED = [
    (400, {"message": "Invalid email and password combination"}, "SHIPROCKET_PASSWORD"),
    (401, {"message": "Unauthorized"}, "SHIPROCKET_PASSWORD"),
    (422, {"message": "Oops! Invalid Data.", "errors": {"email": ["is required"]}}, "SHIPROCKET_EMAIL"),
    (200, {"message": "This user may not log in"}, "SHIPROCKET_EMAIL"),
    (403, b"<html>Forbidden", "firewall"),
]


@pytest.mark.parametrize(("status", "body", "why"), REFUSED)
async def test_refused_credentials_are_not_shown_again_for_ten_minutes(
    status: int, body: Any, why: str
) -> None:
    clock = HandClock()
    async with scripted(reply(status, body), logged_in(), NOBODY_THERE) as server:
        shiprocket = at(server, clock)
        calls = (shiprocket.create_order, shiprocket.find_order, shiprocket.create_order)
        for call in calls:
            with pytest.raises(Unauthorised, match=why) as caught:
                await call(PARCEL)
            assert PASSWORD not in str(caught.value)
            assert EMAIL not in str(caught.value)
            clock.passed += 199
        assert len(server.requests) == 1
        clock.passed = 600
        assert await shiprocket.track(["00123456789012"]) == []
        await shiprocket.close()


async def test_the_simulator_locks_nobody_out_who_is_refused(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    mistaken = at(served, password="wrong-password")
    for _ in range(10):
        with pytest.raises(Unauthorised):
            await mistaken.find_order(PARCEL)
    await mistaken.close()
    sessions = served.simulators.shiprocket.sessions
    assert (sessions.failures, sessions.logins) == (1, 0)
    right = at(served)
    await right.find_order(PARCEL)
    assert sessions.logins == 1
    await right.close()


LOST: list[tuple[Reply, type[ProviderError], str]] = [
    (Reply(then="reset"), Unavailable, "only the login"),
    (reply(200, b"{", content_length="9", then="close"), Unavailable, "only the login"),
    (reply(500, {"message": "Server Error"}), Unavailable, "nothing else was sent"),
    (reply(503, b"busy"), Unavailable, "nothing else was sent"),
    (reply(302, b"", location="/elsewhere"), Unavailable, "nothing else was sent"),
    (reply(200, b"<html>maintenance"), Unavailable, "nothing else was sent"),
    (reply(200, b"[]"), Unavailable, "nothing else was sent"),
    (reply(429, {}, retry_after="7"), Unavailable, "too many"),
    (reply(301, b"", location="https://elsewhere"), Unauthorised, "SHIPROCKET_API_BASE"),
    (reply(404, {"message": "404 Not Found"}), Unauthorised, "SHIPROCKET_API_BASE"),
    (logged_in("line\nbreak"), Unauthorised, "SHIPROCKET_EMAIL"),
]


@pytest.mark.parametrize(("answer", "expected", "why"), LOST)
async def test_whatever_becomes_of_the_login_nothing_of_the_act_was_sent(
    answer: Reply, expected: type[ProviderError], why: str
) -> None:
    async with scripted(answer) as server:
        shiprocket = at(server)
        with pytest.raises(expected, match=why) as caught:
            await shiprocket.create_order(PARCEL)
        assert type(caught.value) is expected
        assert len(server.requests) == 1
        await shiprocket.close()


async def test_a_429_at_the_login_is_waited_out() -> None:
    async with scripted(reply(429, {}, retry_after="7")) as server:
        shiprocket = at(server)
        with pytest.raises(Unavailable) as caught:
            await shiprocket.create_order(PARCEL)
        assert caught.value.retry_after == 7
        await shiprocket.close()


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with scripted() as server:
        server.port = closed_port()
        shiprocket = at(server)
        with pytest.raises(Unavailable, match="was not sent"):
            await shiprocket.create_order(PARCEL)
        await shiprocket.close()


async def test_a_login_that_hangs_leaves_the_act_unsent_and_its_call_time_to_say_so() -> None:
    """Of a call under way it may take half: else the whole call would time out, and that is a doubt."""
    async with scripted() as server:
        shiprocket = at(server)
        with within(5.0, send_by=0.1), pytest.raises(Unavailable, match="nothing else was sent"):
            await shiprocket.create_order(PARCEL)
        assert [request.target for request in server.requests] == ["/v1/external/auth/login"]
        await shiprocket.close()


async def test_a_call_whose_time_has_run_out_does_not_even_log_in() -> None:
    async with scripted() as server:
        shiprocket = at(server)
        with within(5.0, send_by=0.0), pytest.raises(Unavailable):
            await shiprocket.create_order(PARCEL)
        assert server.requests == []
        await shiprocket.close()


async def test_an_act_whose_time_runs_out_while_it_logs_in_is_not_sent() -> None:
    """The clock jumps past the deadline between the login and the act."""
    moments = iter([0.0, 0.5, 0.5])
    async with scripted(logged_in()) as server:
        shiprocket = at(server)
        with (
            within(5.0, send_by=1.0, monotonic=lambda: next(moments, 2.0)),
            pytest.raises(Unavailable, match="nothing was sent"),
        ):
            await shiprocket.create_order(PARCEL)
        assert [request.target for request in server.requests] == ["/v1/external/auth/login"]
        await shiprocket.close()


async def test_a_login_that_was_lost_is_tried_again_by_the_next_call() -> None:
    async with scripted(Reply(then="reset"), logged_in(), NOBODY_THERE) as server:
        shiprocket = at(server)
        with pytest.raises(Unavailable):
            await shiprocket.find_order(PARCEL)
        assert await shiprocket.track(["00123456789012"]) == []
        await shiprocket.close()


async def test_a_lost_answer_to_the_act_itself_stays_a_doubt() -> None:
    async with scripted(logged_in(), Reply(then="reset")) as server:
        shiprocket = at(server)
        with pytest.raises(Doubtful) as caught:
            await shiprocket.create_order(PARCEL)
        assert not isinstance(caught.value, Refused)
        assert not caught.value.answered
        await shiprocket.close()
