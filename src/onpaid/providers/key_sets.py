"""Where the public keys of bearer tokens are kept: a file, or an https address.

Only the address of the setting is ever asked: whatever a token says of keys is not followed. An answer has five
seconds and a quarter of a megabyte, and no redirect is taken.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from onpaid.errors import SettingsError, Unavailable
from onpaid.providers.http import Http

LARGEST: Final = 256 * 1024
SECONDS: Final = 5.0
NAME: Final = "JWT_JWKS"


class KeySetSource:
    """A JWKS as it is now."""

    def __init__(self, place: str) -> None:
        """`place` is the path of a file, or an https address. Raises SettingsError if it can be neither."""
        self._http: Http | None = None
        self._place = place.strip().removeprefix("file:")
        if "://" in self._place:
            try:
                parts = urlsplit(self._place)
            except ValueError:
                raise SettingsError(f"{NAME} is no address") from None
            clean = (
                self._place.isascii() and self._place.isprintable() and not set(self._place) & set(' \\"<>#')
            )
            if not clean:
                raise SettingsError(f"{NAME} must look like https://host/path, and hold nothing else")
            base = f"{parts.scheme}://{parts.netloc}"
            self._http = Http(NAME, base, timeout=SECONDS, largest=LARGEST)
            self._place = f"{base}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        elif not self._place:
            raise SettingsError(f"{NAME} is empty: name a file or an https address")

    async def read(self) -> bytes:
        """The set's text. Raises ProviderError; Unavailable if the file cannot be read."""
        if self._http is not None:
            return self._http.settled(await self._http.exchange("GET", self._place)).body
        try:
            return await asyncio.to_thread(_read, Path(self._place))
        except OSError as bad:
            raise Unavailable(f"{NAME}: the file cannot be read: {bad.strerror}") from None

    async def close(self) -> None:
        """Let go of all connections."""
        if self._http is not None:
            await self._http.close()


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise Unavailable(f"{NAME}: the file is larger than {LARGEST} bytes")
    return text
