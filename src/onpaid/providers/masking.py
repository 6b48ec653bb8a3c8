"""What may be repeated of other people's text: short, on one line, without secrets or personal data.

Providers quote back what they were sent. Their words go into errors, and from there into logs, tickets and the
console; so known secrets, anything shaped like one, e-mail addresses, long digit groups (cards, phone numbers) and
whatever the caller names as private are replaced first. Ids such as `pi_3Q` stay: a person needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 300
_LOOKED_AT = 4000
_HIDDEN = "***"

_PATTERNS = (
    re.compile(r"\b(?:sk|rk|pk|whsec|ek)_[A-Za-z0-9_*]{4,}"),
    re.compile(r"\bBearer\s+[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"),
    re.compile(r"[^\s\"'<>(),;:=@]{1,64}@[^\s\"'<>(),;:=]{1,255}"),
    re.compile(r"(?<![A-Za-z0-9_.:-])(?!\d{4}-\d\d-\d\d(?!\d))\+?\d(?:[ -]?\d){7,}(?![A-Za-z0-9_])"),
)


def masked(text: str, private: Iterable[str] = ()) -> str:
    """`text` on one line, without anything secret or personal, cut to LONGEST characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:_LOOKED_AT]).split())
    for word in sorted({" ".join(word.split()) for word in private}, key=len, reverse=True):
        if len(word) >= 3:
            line = re.sub(re.escape(word), _HIDDEN, line, flags=re.IGNORECASE)
    for pattern in _PATTERNS:
        line = pattern.sub(_HIDDEN, line)
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
