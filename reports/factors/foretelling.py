"""What the score said about the returns after it: correlation over time, its decay, returns by quantile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.bars import bars_by_group
from reports.charts import Look, Series, lines_over_time
from reports.flow import Block, Section
from reports.grid import Field, grid
from reports.palette import AMBER, BLUE, GREEN, INK, MUTED, ORANGE, PINK, WHITE, mixed
from reports.scales import nice_digits, percent, ratio
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.sheet import Sheet

WINDOWS: Final = (126, 63, 26, 12)  # scoring dates: the longest that fits four times
COLOURS: Final = (BLUE, ORANGE, GREEN, AMBER, PINK, INK)
LINES_MOST: Final = 6
CHART_LEAST: Final = 230.0
CHART_MOST: Final = 470.0


def rolling_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean of the numbers among the last `window` values, NaN where the last or half of them are missing."""
    found = np.full(len(values), np.nan)
    if len(values) >= window:
        stretches = np.lib.stride_tricks.sliding_window_view(values, window)
        there = np.isfinite(stretches)
        count = there.sum(axis=1)
        sums = np.where(there, stretches, 0.0).sum(axis=1)
        found[window - 1 :] = np.where((count >= window / 2) & there[:, -1], sums / np.maximum(count, 1), np.nan)
    return found


def over_time(content: Mapping[str, Any], room: float) -> Section:
    """Return the main horizon's IC date by date with its rolling mean, and every horizon's running sum beneath."""
    begun = since_first(content)
    dates, ics, main = content["dates"][begun], content["ic"][:, begun], content["horizon"]
    window = next((w for w in WINDOWS if np.isfinite(ics[main]).sum() >= 4 * w), 6)
    lines = [
        Series(f"Mean of {window} dates", rolling_mean(ics[main], window), colour=ORANGE, weight=1.4),
        Series("Each date", ics[main], colour=mixed(BLUE, WHITE, 0.62), weight=0.5),
    ]
    upper = Look(f"Rank IC, {ahead(content)} ahead", labels=nice_digits, mark=0.0, dates=False, ticks=6)
    sums = by_horizon(content, [_summed(one) for one in ics])
    lower = Look("Running sum of rank IC", labels=nice_digits, mark=0.0, ticks=6)

    def draw(sheet: Sheet, box: Box) -> None:
        half = box.height * 0.46
        above = Box(box.left, box.bottom + half + 8, box.width, box.height - half - 8)
        lines_over_time(sheet, above, dates, lines, upper)
        lines_over_time(sheet, Box(box.left, box.bottom, box.width, half), dates, sums, lower)

    return Section("Information coefficient", [Block(min(max(room, CHART_LEAST), CHART_MOST), draw)])


def since_first(content: Mapping[str, Any]) -> slice:
    """Return the dates from the first with a score on."""
    there = np.flatnonzero(content["scored"])
    return slice(int(there[0]) if len(there) else 0, None)


def ahead(content: Mapping[str, Any], k: int | None = None) -> str:
    """Return a horizon, by default the main one, in words."""
    sessions = content["horizons"][content["horizon"] if k is None else k]
    return f"{sessions} session{'s' * (sessions > 1)}"


def by_horizon(content: Mapping[str, Any], values: Iterable[np.ndarray]) -> list[Series]:
    """Return a series for each of the horizons, as many as there are colours."""
    drawn = list(zip(COLOURS, content["horizons"], values, strict=False))
    names = [*(str(horizon) for _, horizon, _ in drawn[:-1]), ahead(content, len(drawn) - 1)]
    return [Series(name, one, colour=colour) for name, (colour, _, one) in zip(names, drawn, strict=True)]


def _summed(series: np.ndarray) -> np.ndarray:
    """Return the running sum, NaN before the first number and after the last."""
    there = np.flatnonzero(np.isfinite(series))
    found = np.full(len(series), np.nan)
    if len(there):
        span = slice(there[0], there[-1] + 1)
        found[span] = np.cumsum(np.nan_to_num(series[span]))
    return found


def decay(content: Mapping[str, Any], width: float) -> Section:
    """Return mean IC in windows that follow each other, and what each factor foretold by itself."""
    rows = content["decay"]
    means, errors = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("mean", "error"))
    look = Look("Rank IC by window", "sessions after the score, with 95% errors", labels=nice_digits, ticks=6)

    def draw(sheet: Sheet, box: Box) -> None:
        bars_by_group(sheet, box, [row["window"] for row in rows], [Series("IC", means)], look, errors=1.96 * errors)

    table = _factor_table(content["factors"], ahead(content), width)
    return Section("Decay, and the factors by themselves", [Block(160.0, draw), *table], together=3)


def _factor_table(factors: Sequence[Mapping[str, Any]], horizon: str, width: float) -> list[Block]:
    fields = (
        Field("Factor", 2.2), Field("Weight", 0.8, "right"), Field("Coverage", 1, "right"),
        Field(f"Mean IC, {horizon}", 1.5, "right"), Field("ICIR", 0.8, "right"), Field("t", 0.8, "right"),
    )  # fmt: skip
    rows = [
        (
            str(one["label"]), f"{one['weight']:g}", percent(one["coverage"], 1), ratio(one["mean_ic"], 4),
            ratio(one["icir"]), ratio(one["t"]),
        )
        for one in factors
    ]  # fmt: skip
    return grid(fields, rows, width)


def quantiles(content: Mapping[str, Any]) -> Section:
    """Return mean return by quantile, the growth of each, and of the highest against the lowest."""
    found, count = content["quantiles"], content["quantiles"]["means"].shape[1]
    names = [f"Q{q + 1}" for q in range(count)]
    names[0], names[-1] = f"{names[0]} lowest", f"{names[-1]} highest"
    bars = by_horizon(content, found["means"] * 1e4)
    drawn = sorted({round(q) for q in np.linspace(count - 1, 0, min(count, LINES_MOST)).tolist()}, reverse=True)
    growth = [Series(names[q], found["growth"][:, q], colour=shade(q, count)) for q in drawn]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_of = [Series("Highest over lowest", found["growth"][:, -1] / found["growth"][:, 0], colour=INK)]
    held = f"growth of 1, held {found['sessions']} session{'s' * (found['sessions'] > 1)} a time, before costs"
    above = Look("Mean return by quantile of the score", "bps a session", labels=nice_digits, ticks=6)
    middle = Look("Quantiles over time", held, labels=nice_digits, ticks=6, log=_spans(found["growth"]))
    below = Look("Highest over lowest", "growth of one over that of the other", labels=nice_digits, mark=1.0, ticks=5)
    return Section(
        "Returns by quantile",
        [
            Block(122.0, lambda sheet, box: bars_by_group(sheet, box.inset(bottom=6), names, bars, above)),
            Block(
                156.0, lambda sheet, box: lines_over_time(sheet, box.inset(bottom=6), found["dates"], growth, middle)
            ),
            Block(112.0, lambda sheet, box: lines_over_time(sheet, box, found["dates"], ratio_of, below)),
        ],
        together=3,
    )


def shade(quantile: int, count: int) -> str:
    """Return a quantile's colour: orange for the lowest, blue for the highest, pale grey between."""
    place = quantile / max(count - 1, 1)
    end = BLUE if place >= 0.5 else ORANGE  # noqa: PLR2004 - the middle
    return mixed(end, mixed(MUTED, WHITE, 0.45), 1.0 - abs(2.0 * place - 1.0))


def _spans(growth: np.ndarray) -> bool:
    """Say whether growth needs a logarithmic scale."""
    return bool(growth.size and growth.min() > 0.0 and growth.max() / growth.min() > 4.0)  # noqa: PLR2004 - fourfold
