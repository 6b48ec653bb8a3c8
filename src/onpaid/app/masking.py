"""What the console and the API show of other people's words: enough to work with, nothing secret or personal.

A tree of JSON is masked twice: by the names of its fields (`email`, `line1`, `client_secret`) and by the looks of its
texts (an address, a card number, a token). What a field gave away as private is then hidden in every other text of
the same tree too, so that a mail's greeting does not tell the name. Ids such as `pi_3Q` stay: a person needs them.
Every pattern is bounded, so that no body, however odd, takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from onpaid.app.masks import HIDDEN, mask_email, mask_phone, mask_words
from onpaid.app.private_fields import DEEPEST, hider, is_person, private_in, squeezed

LONGEST = 2_000

_COMMON = re.compile(
    r"customer|deleted|fiken|invoice|konverzky|orders?|paid|payment|shop|stripe|test|webhook", re.IGNORECASE
)
"""Words that a name may hold and that hiding would make every sentence unreadable."""

_EMAIL = re.compile(r"([^\s\"'<>(),;:=@]{1,64})@([^\s\"'<>(),;:=@]{1,190})")
_TOKEN = re.compile(r"\b(sk|rk|pk|whsec|ek)_[A-Za-z0-9_*]{4,200}")
_BEARER = re.compile(r"\b(Bearer|Basic)\s{1,4}[^\s\"',;]{1,400}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{0,2000}){0,3}")
_PHONE = re.compile(r"(?<![\w.:+-])(?:\+|00)\d(?:[ -]?\d){6,14}(?![\w])")
_WHATSAPP = re.compile(r"\bwhatsapp:\+?\d{7,15}(?!\d)")
_LINK = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{6,300}\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{22}(?![\w-])")
"""A customer's link: whoever has it sees the order."""
_CARD = re.compile(r"(?<![\w.:-])[2-6]\d(?:[ -]?\d){12,17}(?![\w])")
"""Of 14 digits at least: our order numbers have 13, and begin as cards do."""


class Mask:
    """Hides what is private. `private` are words that are known to be: they are hidden wherever they appear."""

    def __init__(self, private: Iterable[str] = ()) -> None:
        self._words = _pattern(private)

    def text(self, text: str) -> str:
        """A text of unknown origin, on as many lines as it has."""
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}… ({len(text) - LONGEST:,} characters more)"
        if self._words is not None:
            text = self._words.sub(lambda found: mask_words(found.group()), text)
        if "@" in text:
            text = _EMAIL.sub(lambda found: mask_email(found.group()), text)
        text = _TOKEN.sub(lambda found: f"{found.group(1)}_{HIDDEN}", text)
        text = _BEARER.sub(lambda found: f"{found.group(1)} {HIDDEN}", text)
        text = _LINK.sub(HIDDEN, _JWT.sub(HIDDEN, text))
        if "whatsapp:" in text:
            text = _WHATSAPP.sub(lambda found: f"whatsapp:{mask_phone(found.group())}", text)
        text = _CARD.sub(lambda found: _mask_card(found.group()), text)
        return _PHONE.sub(lambda found: mask_phone(found.group()), text)

    def tree(self, value: Any) -> Any:
        """A tree of JSON."""
        learnt = Mask()
        learnt._words = _pattern([*private_in(value, "")], self._words)
        return learnt._walk(value, "", 0)

    def _walk(self, value: Any, room: str, depth: int) -> Any:
        if depth > DEEPEST:
            return "…"
        if isinstance(value, dict):
            person = is_person(value, room)
            shown = {}
            for name, held in value.items():
                field = squeezed(name)
                hide = hider(field, held, person=person)
                hidden = hide(held) if hide is not None and isinstance(held, str | int) and held else None
                clear = self._walk(held, field, depth + 1) if hidden is None else hidden
                shown[self.text(str(name))] = clear
            return shown
        if isinstance(value, list):
            return [self._walk(each, room, depth + 1) for each in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
            text = str(value)
            return _mask_card(text) if _CARD.fullmatch(text) and _luhn(text) else value
        return value


def _pattern(words: Iterable[str], more: re.Pattern[str] | None = None) -> re.Pattern[str] | None:
    """One pattern for all words; names count as a whole and each part of them that is long enough."""
    parts: set[str] = set()
    for word in words:
        text = " ".join(word.split())[:200]
        if len(text) >= 3 and not text.startswith(HIDDEN):
            parts.add(text)
            if "@" not in text:
                parts.update(part for part in text.split() if len(part) >= 4 and part.isalpha())
    parts = {part for part in parts if not _COMMON.fullmatch(part)}
    if not parts:
        return more
    each = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True)[:200])
    own = rf"(?<!\w)(?:{each})(?!\w)"
    return re.compile(own if more is None else f"{own}|{more.pattern}", re.IGNORECASE)


def _mask_card(number: str) -> str:
    return f"{HIDDEN}{number[-4:]}" if _luhn(number) else number


def _luhn(number: str) -> bool:
    digits = [int(each) for each in number if each.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 14 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
