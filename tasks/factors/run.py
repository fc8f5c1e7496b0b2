"""Runs a factors job: gathers the market, computes the recipe's scores, judges them, and writes both down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.factors import evaluate, write
from tasks.factors.market import gather
from tasks.factors.scored import Scored
from tasks.factors.tearsheet import tearsheet
from tasks.factors.values import exposures, factor_values
from tasks.inputs import Need
from tasks.outcome import Document, Outcome
from tasks.quant.ic_weights import Weighting, ic_weights
from tasks.quant.rebalance import schedule
from tasks.quant.scoring import Recipe, recombined, score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.factors.market import Market
    from tasks.inputs import Inputs, Tell
    from tasks.quant.ic_weights import DatedWeights
    from tasks.quant.scoring import Scores

TABLES = ("prices", "fundamentals", "classifications", "universe")


def needs(params: Mapping[str, Any]) -> dict[str, Need]:
    """Return the tables that the parameters name."""
    return {name: Need("table", params[name]) for name in TABLES if params[name] is not None}


def run(params: Mapping[str, Any], inputs: Inputs, tell: Tell) -> Outcome:
    """Score every symbol on every scoring date and judge the scores by the returns that followed."""
    tell(0.0, "reading")
    market = gather(params, inputs)
    scored = _scored(params, market, tell)
    tell(0.6, "evaluating")
    judged = evaluate.judged(scored, params["evaluate"], params["recipe"]["min_names"])
    tell(0.9, "writing")
    tables, documents = write.artifacts(scored, judged)
    if params["report"]:
        documents += (Document("tearsheet.pdf", tearsheet(scored, judged, params), template="factors"),)
    return Outcome(result=write.result(scored, judged), tables=tables, documents=documents)


def _scored(params: Mapping[str, Any], market: Market, tell: Tell) -> Scored:
    recipe = params["recipe"]
    rows = _rows(params, market)
    factors = []
    for i, factor in enumerate(recipe["factors"]):
        tell(0.1 + 0.2 * i / len(recipe["factors"]), "factors", factor["label"])
        factors.append(factor_values(market, factor, rows))
    found = score(
        [factor.values for factor in factors],
        replace(_recipe(recipe), half_life=None) if recipe["combine"] == "ic_weighted" else _recipe(recipe),
        exposures(market, recipe["neutralize"], rows),
        report=lambda done: tell(0.3 + 0.3 * done, "scoring"),
    )
    found, weights = _weighted(params, market, rows, found)
    labels = tuple(factor["label"] for factor in recipe["factors"])
    return Scored(market, labels, rows, tuple(factors), found, weights).since(params["start"])


def _weighted(
    params: Mapping[str, Any], market: Market, rows: np.ndarray, found: Scores
) -> tuple[Scores, DatedWeights | None]:
    """Return the scores combined by past information coefficients where the recipe says so, and those weights."""
    recipe, asked = params["recipe"], params["recipe"]["ic_weighting"]
    if recipe["combine"] != "ic_weighted":
        return found, None
    weighting = Weighting(asked["horizon"], asked["window"], asked["min_dates"], signed=asked["negative"] == "signed")
    given = [factor["weight"] for factor in recipe["factors"]]
    weights = ic_weights(found.after, market.prices, rows, given, weighting, min_names=recipe["min_names"])
    return recombined(found, weights.values, _recipe(recipe)), weights


def _rows(params: Mapping[str, Any], market: Market) -> np.ndarray:
    """Return the rows to score. Those before `start` are needed too where a score leans on earlier ones."""
    rows = schedule(market.dates, params["frequency"], open_period=True)
    start = params["start"]
    inside = rows if start is None else rows[market.dates[rows] >= np.datetime64(start)]
    if len(inside) == 0:
        first, last = market.dates[0], market.dates[-1]
        detail = f"{start} is after the last price of {last}; prices run from {first} to {last}."
        raise DataUnusable(detail, Violation("/params/start", detail))
    leans = params["recipe"]["decay"] or params["recipe"]["combine"] == "ic_weighted"
    return rows if leans else inside


def _recipe(recipe: Mapping[str, Any]) -> Recipe:
    equal = recipe["combine"] == "equal"
    winsorize, decay = recipe["winsorize"], recipe["decay"]
    return Recipe(
        weights=tuple(1.0 if equal else factor["weight"] for factor in recipe["factors"]),
        winsorize=winsorize["method"],
        limits=tuple(winsorize["limits"]) or (0.0, 0.0),
        standardize=recipe["standardize"],
        half_life=decay["half_life"] if decay else None,
        min_names=recipe["min_names"],
        min_coverage=recipe["min_coverage"],
    )
