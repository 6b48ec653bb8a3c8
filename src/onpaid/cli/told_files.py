"""Files that a person hands over: read whole, and refused in one sentence that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from onpaid.errors import InvalidInput

T = TypeVar("T")


def read_rows(file: Path, read: Callable[[str], T]) -> T:
    """What `read` makes of the file's text. Raises InvalidInput, naming each wrong row."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8 text: save it as CSV in UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from None
    try:
        return read(text)
    except InvalidInput as bad:
        raise InvalidInput(f"{file}, {bad}. Nothing was kept") from None
