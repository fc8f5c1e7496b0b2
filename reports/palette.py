"""The colours of every chart: told apart by colour-blind readers and in grey print (after Okabe and Ito, 2008)."""

from __future__ import annotations

from typing import Final

INK: Final = "#18212b"
MUTED: Final = "#5c6775"
RULE: Final = "#c9d0d8"
GRID: Final = "#e6eaee"
WASH: Final = "#f4f6f8"
WHITE: Final = "#ffffff"

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
AMBER: Final = "#e69f00"
PINK: Final = "#cc79a7"

GAIN: Final = BLUE
LOSS: Final = ORANGE
ACCENT: Final = "#0b4f6c"


def mixed(colour: str, with_: str, share: float) -> str:
    """Return `colour` with a share (0 to 1) of another mixed in."""
    pairs = [(int(colour[i : i + 2], 16), int(with_[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def diverging(value: float, largest: float) -> str:
    """Return the heat map's colour: white at zero, blue for gains, orange for losses, full at `largest`."""
    if not largest > 0:
        return WHITE
    strength = min(abs(value) / largest, 1.0) ** 0.7  # small months must still differ from none
    return mixed(WHITE, GAIN if value > 0 else LOSS, 0.85 * strength)


def readable_on(colour: str) -> str:
    """Return ink or white, whichever reads better on a colour (relative luminance as WCAG 2 weighs it)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]  # noqa: PLR2004 - sRGB
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if luminance > 0.30 else WHITE  # noqa: PLR2004 - where both have about the same contrast
