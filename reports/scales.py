"""Axes: where ticks go and how numbers are written. Pure arithmetic, no drawing."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

import numpy as np

DAYS_SHORT: Final = 75
DASH: Final = "\u2013"  # what stands where there is no number
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # not the locale's


@dataclass(frozen=True)
class Scale:
    """A straight or logarithmic map from data to points on the page."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the positions of values, in points; NaN stays NaN."""
        low, high, values = (
            (math.log(self.low), math.log(self.high), np.log(values)) if self.log else (self.low, self.high, values)
        )
        return self.start + (values - low) * ((self.end - self.start) / (high - low))

    def at(self, value: float) -> float:
        """Return the position of one value."""
        return float(self(np.float64(value)))  # type: ignore[arg-type]  # a scalar maps as an array of none dimensions


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers, evenly spaced, that cover low to high: the first at or below, the last at or above."""
    if not high - low > abs(low) * 1e-12:
        air = max(abs(low) * 0.1, 1e-6)
        low, high = low - air, high + air
    rough = (high - low) / max(about - 1, 1)
    magnitude = math.floor(math.log10(rough))
    power = 10.0**magnitude
    step = power * next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 2 - magnitude) for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1-2-5 numbers within low to high, or evenly spaced ones where fewer than three fall inside."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**p for p in powers for m in (1, 2, 5)]
    inside = [t for t in ticks if low <= t <= high]
    return inside if len(inside) > 2 else [t for t in nice_ticks(low, high) if low <= t <= high]  # noqa: PLR2004


def date_ticks(first: dt.date, last: dt.date, about: int = 8) -> list[tuple[dt.date, str]]:
    """Return the starts of years, quarters or months (or days, of a short run) between two dates, with labels."""
    if (last - first).days <= DAYS_SHORT:
        step = max(1, -(-(last - first).days // about))
        days = [first + dt.timedelta(n) for n in range(0, (last - first).days + 1, step)]
        return [(day, f"{day.day} {MONTHS[day.month - 1]}") for day in days]
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((s for s in (1, 2, 3, 6, 12, 24, 60) if months / s <= about), 120)
    base = first.year * 12 + first.month - 1
    start = -(-base // step) * step if step <= 12 else -(-first.year // (step // 12)) * step  # noqa: PLR2004
    found = []
    for month in range(start, last.year * 12 + last.month, step):
        day = dt.date(month // 12, month % 12 + 1, 1)
        if first <= day <= last:
            found.append((day, f"{day.year}" if step >= 12 else f"{MONTHS[day.month - 1]} {day.year}"))  # noqa: PLR2004
    return found


def percent(value: float | None, digits: int = 2) -> str:
    """Return a fraction as a percentage."""
    return _or_dash(value, lambda v: f"{v * 100:,.{digits}f}%")


def ratio(value: float | None, digits: int = 2) -> str:
    """Return a plain number with fixed digits."""
    return _or_dash(value, lambda v: f"{v:,.{digits}f}")


def money(value: float | None) -> str:
    """Return an amount in whole units with thousands separated."""
    return _or_dash(value, lambda v: f"{v:,.0f}")


def count(value: float | None) -> str:
    """Return a whole number with thousands separated."""
    return money(value)


def short_money(value: float) -> str:
    """Return an amount for an axis: 1.2M, 350k, 12."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g}{letter}"
    return f"{value:,.4g}"


def axis_percent(ticks: list[float]) -> list[str]:
    """Return percentages for an axis with as many digits as the step between them needs."""
    step = abs(ticks[1] - ticks[0]) * 100 if len(ticks) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    digits += 1 if abs(step * 10**digits - round(step * 10**digits)) > 1e-6 else 0  # noqa: PLR2004 - 2.5 needs one more
    return [_unsigned_zero(f"{tick * 100:,.{digits}f}%") for tick in ticks]


def nice_digits(ticks: list[float]) -> list[str]:
    """Return plain numbers for an axis with as many digits as the step between them needs."""
    return [label[:-1] for label in axis_percent([tick / 100 for tick in ticks])]


def _or_dash(value: float | None, written: object) -> str:
    if value is None or not math.isfinite(value):
        return DASH
    assert callable(written)
    return _unsigned_zero(str(written(value)))


def _unsigned_zero(text: str) -> str:
    """Drop the minus of what rounds to zero."""
    return text[1:] if text.startswith("-") and not any(c in "123456789" for c in text) else text
