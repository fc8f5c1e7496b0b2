"""What a trade costs: commission, half the spread, square-root impact. All are debited from cash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Costs:
    """Rates as fractions of the traded notional; `min_commission` in currency a trade.

    `impact` is the coefficient k of `k · σ · √(notional / ADV) · notional`, with σ the daily volatility of returns
    and ADV the average daily traded notional (Almgren, Thum, Hauptmann, Li 2005, with exponent ½); 0 for none.
    """

    commission: float = 0.0
    half_spread: float = 0.0
    min_commission: float = 0.0
    impact: float = 0.0

    @property
    def linear(self) -> bool:
        """Say whether the cost of a basket follows from its traded notional alone."""
        return self.min_commission == 0.0 and self.impact == 0.0

    def commissions(self, notional: np.ndarray) -> np.ndarray:
        """Return the commission of each trade; `notional` (…) ≥ 0, zero where there is no trade."""
        commissions = self.commission * notional
        if self.min_commission:
            commissions = np.where(notional > 0.0, np.maximum(commissions, self.min_commission), 0.0)
        return np.asarray(commissions)

    def impacts(self, notional: np.ndarray, sigma: np.ndarray, adv: np.ndarray) -> np.ndarray:
        """Return the impact cost of each trade; shapes (…) alike. Where σ or ADV is not positive there is no trade."""
        usable = (adv > 0.0) & (sigma >= 0.0)
        share = np.divide(notional, adv, out=np.zeros_like(notional), where=usable)
        return np.where(usable, self.impact * sigma * np.sqrt(share) * notional, 0.0)


@dataclass(frozen=True)
class Liquidity:
    """What was known of each name before each rebalance: `sigma` daily volatility and `adv` notional, both (K, N)."""

    sigma: np.ndarray
    adv: np.ndarray


def liquidity(returns: np.ndarray, traded: np.ndarray, rows: np.ndarray, window: int) -> Liquidity:
    """Return volatility and average traded notional over the `window` sessions before each row.

    Shapes: `returns` and `traded` (close · volume) (T, N), `rows` (K,) → (K, N). The row itself is not used: its
    volume is not known before its trade. NaN cells are left out of the means; ADV is NaN without one observation,
    σ (ddof 1) is NaN with fewer than two, then replaced by the row's median name.
    """
    sigma = trailing_std(returns, rows, window)
    count, total = _trailing(np.isfinite(traded), rows, window), _trailing(np.nan_to_num(traded), rows, window)
    adv = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return Liquidity(_with_median(sigma), adv)


def trailing_std(values: np.ndarray, rows: np.ndarray, window: int, minimum: int = 2) -> np.ndarray:
    """Return the standard deviation (ddof 1) of the `window` rows that end just before each of `rows`.

    Shapes: `values` (T, N), `rows` (K,) → (K, N). NaN cells are left out; NaN with fewer than `minimum` left.
    """
    found = np.full((len(rows), values.shape[1]), np.nan)
    for k, row in enumerate(rows.tolist()):
        block = values[max(0, row - window) : row]
        seen = np.isfinite(block)
        n = seen.sum(axis=0)
        kept = np.where(seen, block, 0.0)
        mean = kept.sum(axis=0) / np.maximum(n, 1)
        square = np.where(seen, (block - mean) ** 2, 0.0).sum(axis=0)
        enough = n >= max(minimum, 2)
        found[k, enough] = np.sqrt(square[enough] / (n[enough] - 1))
    return found


def _trailing(values: np.ndarray, rows: np.ndarray, window: int) -> np.ndarray:
    """Return the sums over the `window` rows before each of `rows`."""
    return np.array(
        [values[max(0, row - window) : row].sum(axis=0, dtype=np.float64) for row in rows.tolist()]
    ).reshape(len(rows), values.shape[1])


def _with_median(sigma: np.ndarray) -> np.ndarray:
    for row in sigma:
        missing = np.isnan(row)
        if missing.any() and not missing.all():
            row[missing] = np.median(row[~missing])
    return sigma
