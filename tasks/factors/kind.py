"""The declaration of `factors`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from tasks.factors.expression_columns import fault_of
from tasks.factors.factor_params import NEEDS_FUNDAMENTALS
from tasks.factors.recipe import RecipeParams
from tasks.kind import Artifact, Column, JobKind, Limits
from tasks.params import Choice, Day, Flag, Number, Params, TableRef, Text, Whole, fields, section


class Evaluate(Params):
    """What the scores are judged by: the returns that follow them."""

    horizons = fields.List(
        Whole(minimum=1, maximum=504),
        load_default=lambda: [1, 5, 21],
        validate=validate.Length(min=1, max=12),
        metadata={"description": "sessions that the return spans, from the score's close (plus `lag`) on; ascending"},
    )
    quantiles = Whole(minimum=2, maximum=20, load_default=5)
    lag = Whole(
        minimum=0,
        maximum=10,
        load_default=0,
        metadata={"description": "sessions between the score's close and the start of the return; 1 is the backtest's"},
    )

    @validates_schema
    def _ascending(self, data: dict[str, Any], **_kwargs: Any) -> None:
        horizons = data["horizons"]
        if any(a >= b for a, b in pairwise(horizons)):
            raise ValidationError({"horizons": [f"{horizons} is not strictly ascending; sort it and name each once."]})


class FactorsParams(Params):
    """A recipe and the tables it is cooked from."""

    prices = TableRef(
        required=True, metadata={"description": "date, symbol, close; adj_factor where prices need adjusting"}
    )
    fundamentals = TableRef(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "symbol, available_from, period_end?, market_cap or shares_outstanding, other figures"
        },
    )
    classifications = TableRef(
        load_default=None,
        allow_none=True,
        metadata={"description": "symbol, sector; valid_from (or date) and valid_to where sectors changed"},
    )
    universe = TableRef(
        load_default=None,
        allow_none=True,
        metadata={"description": "date, symbol: members from that date until the next"},
    )
    start = Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "the first date to score; what lies before it still serves lookbacks and decay"},
    )
    end = Day(
        load_default=None, allow_none=True, metadata={"description": "nothing after it is read, for returns neither"}
    )
    frequency = Choice(
        ("D", "W", "M"),
        load_default="D",
        metadata={"description": "score every session, or the last of each week or month; the newest always counts"},
    )
    recipe = fields.Nested(
        RecipeParams, required=True, metadata={"description": "the factors, and the steps that make one score of them"}
    )
    evaluate = section(Evaluate, metadata={"description": "the horizons and quantiles that scores are judged by"})

    report = Flag(load_default=False, metadata={"description": "whether to draw `tearsheet.pdf` as well"})

    @validates_schema
    def _hangs_together(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data["start"] and data["end"] and data["start"] > data["end"]:
            raise ValidationError({"end": [f"{data['end']} is before start {data['start']}."]})
        neutralize = data["recipe"]["neutralize"]
        if "sector" in neutralize and data["classifications"] is None:
            raise ValidationError({"classifications": ["is missing; neutralizing to sector needs it."]})
        if "log_market_cap" in neutralize and data["fundamentals"] is None:
            raise ValidationError({"fundamentals": ["is missing; neutralizing to log_market_cap needs it."]})
        for factor in data["recipe"]["factors"]:
            if factor["name"] in NEEDS_FUNDAMENTALS and data["fundamentals"] is None:
                raise ValidationError({"fundamentals": [f"is missing; the factor {factor['name']!r} needs it."]})
        _refuse_absent_columns(data)


def _refuse_absent_columns(data: dict[str, Any]) -> None:
    """Refuse expressions that read a table which was not given."""
    given = {name: data[name] is not None for name in ("fundamentals", "classifications")}
    faults: dict[int, Any] = {}
    for i, factor in enumerate(data["recipe"]["factors"]):
        fault = fault_of(factor["params"]["expression"], **given) if factor["name"] == "expression" else None
        if fault is not None:
            faults[i] = {"params": {"expression": [fault]}}
    if faults:
        raise ValidationError({"recipe": {"factors": faults}})


class HorizonResult(Params):
    """One horizon's judgement of the score."""

    horizon = Whole(required=True)
    mean_ic = Number(allow_none=True, metadata={"description": "mean rank correlation with the returns that follow"})
    icir = Number(allow_none=True, metadata={"description": "mean over standard deviation, per scoring date"})
    t = Number(allow_none=True, metadata={"description": "Newey-West where horizons overlap"})
    spread = Number(allow_none=True, metadata={"description": "mean return of the top quantile less the bottom's"})
    dates = Whole(required=True)


class FactorResult(Params):
    """What one factor was made from."""

    label = Text(required=True)
    coverage = Number(allow_none=True, metadata={"description": "symbol-dates with a value, as a share of members"})
    parts = fields.List(Text(), metadata={"description": "what a composite is made of, by the columns there were"})


class FactorsResult(Params):
    """What was scored, and how well."""

    dates = Whole(required=True)
    symbols = Whole(required=True)
    start = Text(allow_none=True)
    end = Text(allow_none=True)
    scores = Whole(required=True, metadata={"description": "symbol-dates with a score"})
    coverage = Number(allow_none=True, metadata={"description": "scores as a share of members with a price"})
    null_cross_sections = Whole(required=True, metadata={"description": "dates without a score: too few names"})
    unclassified_symbols = Whole(required=True, metadata={"description": "symbols left out for want of a sector"})
    ic_weighted_dates = Whole(
        allow_none=True,
        metadata={"description": "dates whose weights come from past ICs; the others' are the recipe's own"},
    )
    autocorrelation = Number(allow_none=True, metadata={"description": "mean rank correlation with the date before"})
    turnover = Number(allow_none=True, metadata={"description": "mean share of new names in the top quantile"})
    factors = fields.List(fields.Nested(FactorResult), required=True)
    evaluation = fields.List(fields.Nested(HorizonResult), required=True)


def _columns(*described: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*column) for column in described)


ARTIFACTS = (
    Artifact(
        "scores",
        "table",
        "The score of every symbol on every scoring date, each factor before (`_z`) and after (`_n`) neutralising.",
        _columns(
            ("date", "date", "known at this date's close"),
            ("symbol", "text", ""),
            ("score", "number", "mean 0, standard deviation 1 on each date"),
            ("<label>_z", "number", "each factor, winsorised and standardised"),
            ("<label>_n", "number", "each factor, neutralised and standardised again"),
        ),
    ),
    Artifact("latest.csv", "csv", "The newest date's scores with ranks, raw factors and the view within each sector."),
    Artifact(
        "ic.csv",
        "csv",
        "Information coefficients of the score and of each factor: mean, standard deviation, ICIR, Newey-West t.",
    ),
    Artifact(
        "ic_series",
        "table",
        "The score's information coefficients date by date.",
        _columns(
            ("date", "date", ""),
            ("horizon", "integer", "sessions"),
            ("spearman", "number", "null where the horizon is not over or too few names are left"),
            ("pearson", "number", ""),
            ("names", "integer", "symbols with a score and a return"),
        ),
        csv_twin=True,
    ),
    Artifact("ic_decay.csv", "csv", "Mean rank correlation with the returns of consecutive, disjoint windows."),
    Artifact("quantile_returns.csv", "csv", "Mean return by quantile and horizon, with the long-short spread."),
    Artifact("turnover.csv", "csv", "Rank autocorrelation and the share of new names in each quantile, date by date."),
    Artifact(
        "correlation.csv", "csv", "Mean cross-sectional correlation of the factors, before and after neutralising."
    ),
    Artifact(
        "weights.csv",
        "csv",
        "The factors' weights date by date, with where they come from; for combine `ic_weighted`.",
        _columns(
            ("date", "date", ""),
            ("<label>_weight", "number", "the sizes of all sum to 1"),
            ("source", "text", "`past_ic`, or `given` while too few are known"),
        ),
        optional=True,
    ),
    Artifact(
        "histograms.json", "json", "How the score and each factor are distributed, over all dates and on the newest."
    ),
    Artifact(
        "tearsheet.pdf",
        "pdf",
        "The factors on paper: ICs, decay, quantiles, turnover, coverage, correlations; for `report: true`.",
        optional=True,
    ),
)

KIND = JobKind(
    name="factors",
    summary="Score stocks: winsorize, standardise, neutralise, combine and decay factors, and judge the scores.",
    params=FactorsParams,
    result=FactorsResult,
    permission="research.run",
    queue="compute",
    artifacts=ARTIFACTS,
    example={
        "prices": "ds_01970000-0000-7000-8000-000000000000",
        "classifications": "ds_01970000-0000-7000-8000-000000000001",
        "frequency": "W",
        "recipe": {
            "factors": [
                {"name": "momentum", "weight": 0.5, "params": {"lookback": 252, "skip": 21}},
                {"name": "low_volatility", "weight": 0.5},
            ],
            "neutralize": ["sector", "beta"],
            "decay": {"half_life": 4},
        },
    },
    limits=Limits(run_s=1800, memory_mb=4096),
)
