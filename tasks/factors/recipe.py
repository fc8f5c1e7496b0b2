"""How a recipe is written: its factors with their own parameters, and the steps that turn them into one score."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import ValidationError, post_load, validate, validates_schema

from tasks.factors.factor_params import FACTOR_PARAMS
from tasks.params import Choice, Number, Params, Text, Whole, fields, section

DEFAULT_LIMITS: Final = {"quantile": [0.01, 0.99], "mad": [-3.0, 3.0], "sigma": [-3.0, 3.0], "none": []}
LABEL: Final = r"[a-z][a-z0-9_]{0,40}"


class Factor(Params):
    """One factor of the recipe. Larger values are better; `direction` -1 turns that round."""

    name = Choice(FACTOR_PARAMS, required=True)
    label = Text(
        pattern=LABEL,
        max_length=41,
        load_default=None,
        allow_none=True,
        metadata={"description": "the name of its columns; the factor's own name by default"},
    )
    weight = Number(above=0.0, maximum=1e6, load_default=1.0)
    direction = fields.Integer(strict=True, load_default=1, validate=validate.OneOf([1, -1]))
    params = fields.Dict(
        keys=fields.String(),
        load_default=dict,
        metadata={
            "description": "by factor, e.g. momentum: lookback, skip, min_coverage; expression: see docs/expressions.md"
        },
    )

    @post_load
    def _with_defaults(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        try:
            params = FACTOR_PARAMS[data["name"]]().load(data["params"])
        except ValidationError as error:
            raise ValidationError({"params": error.messages}) from None
        return data | {"params": params, "label": data["label"] or data["name"]}


class Winsorize(Params):
    """How outliers are clipped before a factor is standardised."""

    method = Choice(DEFAULT_LIMITS, load_default="quantile")
    limits = fields.List(
        Number(),
        load_default=None,
        allow_none=True,
        metadata={
            "description": "quantile: two shares, [0.01, 0.99]; mad, sigma: two multiples of the deviation, [-3, 3]"
        },
    )

    @post_load
    def _with_limits(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        method, limits = data["method"], data["limits"]
        if method == "none" or limits is None:
            return data | {"limits": DEFAULT_LIMITS[method]}
        smallest, largest = (0.0, 1.0) if method == "quantile" else (-1e6, 1e6)
        if len(limits) != 2 or not smallest <= limits[0] < limits[1] <= largest:  # noqa: PLR2004 - lower and upper
            wanted = "two ascending shares between 0 and 1" if method == "quantile" else "two ascending multiples"
            raise ValidationError({"limits": [f"{limits} does not suit method {method!r}; give {wanted}."]})
        return data


class Decay(Params):
    """A score leans on the symbol's past scores, each scoring date back counting less."""

    half_life = Number(
        above=0.0,
        maximum=10_000.0,
        required=True,
        metadata={"description": "in scoring dates: days when frequency is D"},
    )


class IcWeighting(Params):
    """`combine: ic_weighted`: each date weighs the factors by the mean of their past information coefficients."""

    horizon = Whole(
        minimum=1,
        maximum=504,
        load_default=21,
        metadata={"description": "sessions of the returns foretold; an IC counts from when they are over"},
    )
    window = Whole(
        minimum=2, maximum=2520, load_default=252, metadata={"description": "newest known ICs, in scoring dates"}
    )
    min_dates = Whole(
        minimum=1,
        maximum=2520,
        load_default=24,
        metadata={"description": "known ICs that every factor must have; before, the factors' own weights hold"},
    )
    negative = Choice(
        ("zero", "signed"),
        load_default="zero",
        metadata={"description": "a negative mean IC gives no weight, or turns the factor round"},
    )

    @validates_schema
    def _window_is_wide_enough(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data["min_dates"] > data["window"]:
            raise ValidationError(
                {"min_dates": [f"{data['min_dates']} never fit into a window of {data['window']}; give less."]}
            )


class RecipeParams(Params):
    """Winsorize, standardise, neutralise, standardise, combine, standardise, decay: in that order."""

    factors = fields.List(fields.Nested(Factor), required=True, validate=validate.Length(min=1, max=20))
    winsorize = section(Winsorize)
    standardize = Choice(("zscore", "rank", "rank_normal"), load_default="zscore")
    neutralize = fields.List(
        Choice(("sector", "beta", "log_market_cap")),
        load_default=list,
        metadata={"description": "one least-squares regression per date on all of these together"},
    )
    combine = Choice(
        ("weighted", "equal", "ic_weighted"),
        load_default="weighted",
        metadata={"description": "by the factors' weights, alike, or by what each foretold before that date"},
    )
    ic_weighting = section(IcWeighting, metadata={"description": "for combine `ic_weighted`"})
    min_coverage = Number(
        minimum=0.0,
        maximum=1.0,
        load_default=0.5,
        metadata={"description": "share of all weight that a name's known factors must carry"},
    )
    min_names = Whole(
        minimum=3,
        maximum=10_000,
        load_default=10,
        metadata={"description": "smaller cross-sections are null, and counted"},
    )
    decay = fields.Nested(Decay, load_default=None, allow_none=True)

    @validates_schema
    def _names_are_unique(self, data: dict[str, Any], **_kwargs: Any) -> None:
        labels = [factor["label"] for factor in data["factors"]]
        for i, label in enumerate(labels):
            if label in labels[:i]:
                raise ValidationError(
                    {
                        "factors": {
                            i: {"label": [f"{label!r} is taken by an earlier factor; give this one another label."]}
                        }
                    }
                )
        if len(set(data["neutralize"])) != len(data["neutralize"]):
            raise ValidationError({"neutralize": ["names an exposure twice; name each once."]})
