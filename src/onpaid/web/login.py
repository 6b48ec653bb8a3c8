"""Logging in and out: a token typed into a form, or a link that works once.

The form carries a token against forged requests too, tied to a cookie of its own: nobody can be logged in as somebody
else behind their back.
"""

from __future__ import annotations

import hmac
import secrets

import structlog
from starlette.responses import Response

from onpaid.web.access import CSRF_FIELD
from onpaid.web.pages import Pages, safe_next
from onpaid.web.parameters import Parameter
from onpaid.web.settings import Role
from onpaid.web.spent import spend
from onpaid.web.table import Ask, Door, NotAllowed, page_door

log = structlog.get_logger("onpaid.web")

BEFORE = "onpaid_before"


class Login:
    """The doors to the console."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def form(self, ask: Ask) -> Response:
        key = str(ask.given["key"])
        if key and ask.request.method != "HEAD":
            ticket = ask.parts.access.redeem(key)
            if ticket is None or not await spend(ask.parts.engine.store, ticket):
                return self._show(
                    ask, "This link was used already, or is older than ten minutes. Use a token.", 401
                )
            return self._let_in(ask, ticket.role, "/console")
        return self._show(ask, "", 200)

    async def enter(self, ask: Ask) -> Response:
        before = ask.request.cookies.get(BEFORE, "")
        if not before or not hmac.compare_digest(
            _form_token(ask, before), ask.form.get(CSRF_FIELD, "").encode()
        ):
            raise NotAllowed("This form is not one of ours, or cookies are off: load the page again")
        role = ask.parts.access.role_of(ask.form.get("token", "").strip())
        if role is None:
            log.warning("login refused")
            return self._show(ask, "This is not one of the tokens. Look at ONPAID_ADMIN_TOKEN.", 401)
        return self._let_in(ask, role, safe_next(ask.form.get("next", "")))

    async def leave(self, ask: Ask) -> Response:
        if ask.caller.session is not None:
            ask.parts.access.close_session(ask.caller.session)
            await spend(ask.parts.engine.store, ask.caller.session)
        answer = self._pages.to("/login")
        answer.delete_cookie(
            ask.parts.access.cookie, httponly=True, samesite="lax", secure=ask.parts.settings.https
        )
        return answer

    def _let_in(self, ask: Ask, role: Role, path: str) -> Response:
        settings, access = ask.parts.settings, ask.parts.access
        answer = self._pages.to(path)
        answer.set_cookie(
            access.cookie,
            access.open_session(role),
            max_age=int(settings.session_life.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=settings.https,
        )
        return answer

    def _show(self, ask: Ask, wrong: str, status: int) -> Response:
        before = ask.request.cookies.get(BEFORE, "") or secrets.token_urlsafe(18)
        wanted = ask.form.get("next", "") or str(ask.given.get("next", ""))
        content = self._pages.render(
            "login.html", csrf=_form_token(ask, before).decode(), wrong=wrong, next=safe_next(wanted)
        )
        answer = Response(content, status, media_type="text/html; charset=utf-8")
        secure = ask.parts.settings.https
        answer.set_cookie(BEFORE, before, max_age=3600, httponly=True, samesite="lax", secure=secure)
        return answer

    def doors(self) -> tuple[Door, ...]:
        """The doors as routes."""
        key = Parameter("key", "The key of a login link.", longest=1000)
        wanted = Parameter("next", "Where to go afterwards.", longest=1500)
        return (
            page_door(
                "GET",
                "/login",
                self.form,
                None,
                "The form, or a link that logs in once.",
                takes=(key, wanted),
                statuses=(303, 401),
            ),
            page_door("POST", "/login", self.enter, None, "Log in with a token.", statuses=(303, 401, 403)),
            page_door("POST", "/logout", self.leave, "viewer", "Log out.", statuses=(303,)),
        )


def _form_token(ask: Ask, before: str) -> bytes:
    secret = ask.parts.settings.session_secret.encode()
    return hmac.digest(secret, f"before login {before}".encode(), "sha256").hex()[:40].encode()
