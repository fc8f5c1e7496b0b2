"""Where the time of one attempt went: seconds by stage, for the line that the platform's own log has of every job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Stages:
    """A stopwatch that is told the name of what has just ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._at = clock, clock()
        self.seconds: dict[str, float] = {}

    def end(self, stage: str) -> None:
        """Count the time since the last stage's end for this one."""
        now = self._clock()
        self.seconds[stage], self._at = now - self._at, now

    def as_extra(self) -> dict[str, float]:
        """Return the seconds as a log record carries them."""
        return {f"{stage}_s": round(seconds, 4) for stage, seconds in self.seconds.items()}
