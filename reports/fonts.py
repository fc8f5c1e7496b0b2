"""The two typefaces of every document, embedded: Noto Sans, and FiraGO for what Noto Sans does not draw.

Noto Sans has the figures (all of one width, so columns line up) and Latin, Greek and Cyrillic; FiraGO adds Arabic,
Hebrew, Thai, Georgian, Devanagari and symbols. A character that neither has is drawn as the replacement character
and reported by `undrawable`, so that a document can say so. Right-to-left text is put in the order in which it is
seen, as the Unicode bidirectional algorithm has it; Arabic letters are not joined.
"""

from __future__ import annotations

import io
import unicodedata
from functools import lru_cache
from importlib import import_module
from itertools import groupby
from typing import Any, Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_FILES: Final = {
    ("text", False): "NotoSans_Regular",
    ("text", True): "NotoSans_Bold",
    ("wide", False): "FiraGO_Regular",
    ("wide", True): "FiraGO_Bold",
}
RIGHT_TO_LEFT: Final = {"R", "AL", "RLE", "RLO", "RLI"}
REPLACEMENT: Final = "\ufffd"
ELLIPSIS: Final = "\u2026"


@lru_cache(maxsize=4)
def _font(family: str, bold: bool) -> Any:
    """Register one font file with reportlab; the wide ones are only read when a text needs them."""
    name = _FILES[family, bold]
    font = TTFont(name, io.BytesIO(import_module(f"pymupdf_fonts.{name}").fontbuffer))
    pdfmetrics.registerFont(font)
    return font


def font_name(bold: bool = False) -> str:
    """Return reportlab's name for the text face."""
    return str(_font("text", bold).fontName)


def runs(text: str, bold: bool = False) -> list[tuple[str, str]]:
    """Return a text as (font name, part) pairs, in the order they are seen; control characters become spaces."""
    text = _as_seen(clean(text))
    if _drawn_by(text, "text", bold):
        return [(font_name(bold), text)]
    drawable = "".join(REPLACEMENT if undrawable(character) else character for character in text)
    parts = groupby(drawable, key=lambda c: "text" if _drawn_by(c, "text", bold) else "wide")
    return [(str(_font(family, bold).fontName), "".join(part)) for family, part in parts]


@lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text is, in points."""
    return sum(float(pdfmetrics.stringWidth(part, name, size)) for name, part in runs(text, bold))


def fitted(text: str, room: float, size: float, bold: bool = False) -> str:
    """Return a text cut to a width, with an ellipsis where it was cut."""
    if width(text, size, bold) <= room:
        return text
    kept = len(text)
    while kept > 0 and width(text[:kept].rstrip() + ELLIPSIS, size, bold) > room:
        kept = min(kept - 1, int(kept * room / max(width(text[:kept], size, bold), 1.0)) + 1)
    return text[:kept].rstrip() + ELLIPSIS


def wrapped(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """Return a text as lines no wider than `room`; a word that is too long for a line is broken."""
    lines: list[str] = []
    line = ""
    for word in clean(text).split():
        longer = f"{line} {word}" if line else word
        if width(longer, size, bold) <= room:
            line = longer
            continue
        lines += [line] if line else []
        *full, line = _broken(word, room, size, bold)
        lines += full
    return [*lines, line] if line or not lines else lines


def undrawable(text: str) -> set[str]:
    """Return the characters of a text that neither typeface draws."""
    return {c for c in clean(text) if not _drawn_by(c, "text") and not _drawn_by(c, "wide")}


def clean(text: str) -> str:
    """Return a text without characters that draw nothing and could mislead: each becomes a space."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _as_seen(text: str) -> str:
    """Return a text in the order it is seen from left to right."""
    if text.isascii() or not any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text):
        return text
    from bidi import get_display  # noqa: PLC0415 - most documents need no ordering

    return str(get_display(text))


def _broken(word: str, room: float, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and width(pieces[-1] + character, size, bold) > room:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _drawn_by(text: str, family: str, bold: bool = False) -> bool:
    glyphs = _font(family, bold).face.charToGlyph
    return all(ord(character) in glyphs for character in text)
