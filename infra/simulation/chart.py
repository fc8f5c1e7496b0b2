"""A chart of policies side by side, as SVG: workers above the line, those that run something darker; backlog below."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.simulation.events import Sample
    from infra.simulation.measures import Result

WIDTH: Final = 860
LEFT: Final = 44
RIGHT: Final = 12
TOP: Final = 46
UP: Final = 64  # pixels for the workers
DOWN: Final = 40  # pixels for the backlog
PANEL: Final = UP + DOWN + 34
COLUMNS: Final = 400  # of a panel; each shows the most of what it covers
HOUR_S: Final = 3600.0
STYLE: Final = (
    "text{font:11px system-ui,sans-serif;fill:#333}.t{font-size:14px;font-weight:600}.p{font-weight:600}"
    ".n{fill:#777}.w{fill:#b9d3ee}.r{fill:#2f6fb0}.q{fill:#e0853d}.a{stroke:#999;stroke-width:.6}"
    ".g{stroke:#ddd;stroke-width:.6}"
)


def draw(results: Sequence[Result], title: str) -> str:
    """Return the chart; all panels have one scale, so that heights compare."""
    samples = [sample for result in results for sample in result.trace.samples]
    end_s = max(sample.at_s for sample in samples)
    most, deepest = max(s.workers for s in samples) or 1, max(s.queued for s in samples) or 1
    height = TOP + PANEL * len(results) + 18
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="18">{escape(title)}</text>',
        *_legend(),
    ]
    for place, result in enumerate(results):
        parts += _panel(result, TOP + PANEL * place, end_s, most, deepest)
    parts += _hours(end_s, TOP + PANEL * len(results))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    x = LEFT
    for style, text in (("w", "workers"), ("r", "of them running a job"), ("q", "jobs waiting (downwards)")):
        yield f'<rect class="{style}" x="{x}" y="27" width="10" height="10"/><text x="{x + 14}" y="36">{text}</text>'
        x += 30 + 6 * len(text)


def _panel(result: Result, top: int, end_s: float, most: int, deepest: int) -> Iterator[str]:
    line, found = top + 20 + UP, result.figures
    text = (
        f"start wait p95 {found.p95_s:.0f} s, {found.within:.1%} within the target, "
        f"{found.worker_hours:.1f} worker-hours, {found.changes:.0f} changes/h"
    )
    yield f'<text class="p" x="{LEFT}" y="{top + 12}">{escape(result.policy.title)}</text>'
    yield f'<text class="n" x="{WIDTH - RIGHT}" y="{top + 12}" text-anchor="end">{text}</text>'
    yield from _labels(line, most, deepest)
    shapes: tuple[tuple[str, Callable[[Sample], int], float], ...] = (
        ("w", lambda sample: sample.workers, -UP / most),
        ("r", lambda sample: sample.running, -UP / most),
        ("q", lambda sample: sample.queued, DOWN / deepest),
    )
    for style, value, scale in shapes:
        steps = _columns(result.trace.samples, value, end_s)
        yield f'<path class="{style}" d="{_path(steps, line, scale)}"/>'
    yield f'<line class="a" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{line}" y2="{line}"/>'


def _labels(line: int, most: int, deepest: int) -> Iterator[str]:
    for y, text in ((line - UP, most), (line, 0), (line + DOWN, deepest)):
        yield f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="n" x="{LEFT - 5}" y="{y + 4}" text-anchor="end">{text}</text>'


def _hours(end_s: float, y: int) -> Iterator[str]:
    step = next((step for step in (0.25, 0.5, 1, 2, 4, 12, 24) if end_s / HOUR_S / step <= 12), 168)  # noqa: PLR2004
    for tick in range(int(end_s / HOUR_S / step) + 1):
        x = LEFT + tick * step * HOUR_S / end_s * (WIDTH - LEFT - RIGHT)
        yield f'<text class="n" x="{x:.0f}" y="{y + 8}" text-anchor="middle">{tick * step:g} h</text>'


def _columns(samples: Sequence[Sample], value: Callable[[Sample], int], end_s: float) -> Iterator[tuple[int, int]]:
    """Yield (column, value) wherever the value changes, the most of each column; 0 after the last sample."""
    shown, column = 0, -1
    for column, these in groupby(samples, key=lambda sample: min(int(sample.at_s / end_s * COLUMNS), COLUMNS - 1)):
        if (most := max(map(value, these))) != shown:
            yield column, most
            shown = most
    if shown:
        yield column + 1, 0


def _path(steps: Iterator[tuple[int, int]], line: int, scale: float) -> str:
    """Return a filled staircase from the line and back to it."""
    wide = (WIDTH - LEFT - RIGHT) / COLUMNS
    drawn = "".join(f"H{LEFT + column * wide:.4g}V{line + value * scale:.4g}" for column, value in steps)
    return f"M{LEFT} {line}{drawn}V{line}Z"
