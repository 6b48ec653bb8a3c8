"""The console's proofs: what was paid against what exists, with every finding, its cause and the command that mends it.

A proof under way shows how far it is, and the page looks again by itself, without JavaScript too. The service's own
chore works on it; a page only looks.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from onpaid.app.proofs_shown import FindingShown, LineShown, lines_shown, proof_shown
from onpaid.domain.proof_rows import KINDS
from onpaid.repositories.proofs import Proof
from onpaid.web.pages import Pages
from onpaid.web.parameters import CURSOR, Parameter
from onpaid.web.proving import SHOWN, begun, proof_of, prover_of
from onpaid.web.table import Ask, Door, page_door

EARLIER = 8
TITLES = {
    "missing": ("Missing", "Expected, and not there."),
    "unexplained": ("Unexplained", "There, and nothing that was paid explains it."),
    "differs": ("Another amount", "There, and not over what was paid."),
    "double": ("Twice", "Two of something of which there should be one."),
}
SHOW = Parameter("show", "Only orders that are off, or all.", SHOWN)


class ConsoleProving:
    """Makes the pages about proofs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def newest(self, ask: Ask) -> Response:
        found = await prover_of(ask).proofs.newest(limit=1)
        return await self._page(ask, found.items[0] if found.items else None)

    async def one(self, ask: Ask) -> Response:
        return await self._page(ask, await proof_of(ask, ask.named("id")))

    async def begin(self, ask: Ask) -> Response:
        proof = await begun(ask, ask.form.get("since", ""), ask.form.get("until", ""))
        return self._pages.to(f"/console/proof/{proof.id}")

    async def _page(self, ask: Ask, proof: Proof | None) -> Response:
        prover, given = prover_of(ask), ask.given
        show = given["show"] or "off"
        lines, cursor = list[LineShown](), None
        if proof is not None and proof.ended:
            found = await lines_shown(prover.proofs, proof, given["cursor"], off_only=show == "off")
            lines, cursor = found.items, found.cursor
        earlier = await prover.proofs.newest(limit=EARLIER)
        return await self._pages.page(
            ask,
            "proof.html",
            proof=None if proof is None else proof_shown(proof),
            lines=lines,
            kinds=_by_kind(lines) if show == "off" else [],
            show=show,
            first=not given["cursor"],
            more=f"?{urlencode({'show': show, 'cursor': cursor})}" if cursor else "",
            earlier=[proof_shown(each) for each in earlier.items if proof is None or each.id != proof.id],
        )

    def doors(self) -> tuple[Door, ...]:
        """The pages as routes."""
        return (
            page_door(
                "GET",
                "/console/proof",
                self.newest,
                "viewer",
                "The newest proof.",
                takes=(SHOW, CURSOR),
                statuses=(404,),
            ),
            page_door(
                "GET",
                "/console/proof/{id}",
                self.one,
                "viewer",
                "One proof: totals, findings with cause and command, every order.",
                takes=(SHOW, CURSOR),
                statuses=(404,),
            ),
            page_door(
                "POST",
                "/console/proof",
                self.begin,
                "operator",
                "Begin to prove a period.",
                statuses=(303, 400, 404),
            ),
        )


Told = tuple[str, str, str, list[tuple[LineShown, FindingShown]]]


def _by_kind(lines: list[LineShown]) -> list[Told]:
    """The findings of these lines under their kinds: kind, title, what it means, and which."""
    found: list[Told] = []
    for kind in KINDS:
        told = [(line, each) for line in lines for each in line.findings if each.kind == kind]
        if told:
            found.append((kind, *TITLES[kind], told))
    return found
