"""The mean of a series whose neighbours are alike, and how sure one can be of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class MeanWithError:
    """A mean over `n` observations: their standard deviation (ddof 1), mean / std, and the t statistic.

    NaN where there are too few observations, or where the series does not vary.
    """

    n: int
    mean: float
    std: float
    t: float

    @property
    def ratio(self) -> float:
        """Mean over standard deviation: the ICIR of a series of information coefficients."""
        return self.mean / self.std if self.std > 0.0 else math.nan

    def as_columns(self) -> Mapping[str, float]:
        """Return the numbers by the names that tables use."""
        return {"mean": self.mean, "std": self.std, "icir": self.ratio, "t": self.t, "dates": float(self.n)}


def mean_with_error(series: np.ndarray, overlap: int = 0) -> MeanWithError:
    """Return the mean of a vector's numbers with a t statistic that allows for `overlap` shared neighbours.

    Newey and West (1987) with the Bartlett kernel: the variance of the mean is
    `(g_0 + 2 sum_{l<=L} (1 - l/(L+1)) g_l) / n`, g the autocovariances, times n/(n-1), so that without overlap it is
    the plain `std / sqrt(n)`. NaN are left out, as if the series had been recorded without them.
    """
    values = series[np.isfinite(series)]
    n = len(values)
    if n < 2:
        return MeanWithError(n, float(values[0]) if n else math.nan, math.nan, math.nan)
    mean = float(np.mean(values))
    centred = values - mean
    variance = float(centred @ centred) / n
    for lag in range(1, min(overlap, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (overlap + 1.0)) * float(centred[lag:] @ centred[:-lag]) / n
    error = math.sqrt(max(variance, 0.0) / (n - 1))
    std = math.sqrt(float(centred @ centred) / (n - 1))
    return MeanWithError(n, mean, std, mean / error if error > 0.0 else math.nan)
