"""Random price plans and random usage, as Hypothesis draws them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from domain.pricing import MODELS
from domain.quantity import plain

Terms = dict[str, Any]

TIERED = ("graduated", "volume", "stairstep", "graduated_percentage")
PERCENTAGES = ("percentage", "graduated_percentage")


def decimals(highest: int, places: int = 4) -> st.SearchStrategy[str]:
    """Numbers of zero or more as JSON writes them; small whole ones come often."""
    any_place = st.decimals(0, highest, places=places).map(plain)
    return st.one_of(st.integers(0, min(highest, 20)).map(str), any_place)


AMOUNTS = decimals(10_000)
ABOVE_ZERO = decimals(5_000).filter(lambda text: Decimal(text) > 0)
BOUNDS = st.lists(ABOVE_ZERO, max_size=4, unique_by=Decimal).map(
    lambda texts: [*sorted(texts, key=Decimal), None]
)
SHARES = st.one_of(
    st.just(Fraction(1)),
    st.fractions(0, 1, max_denominator=2_678_400),
    st.integers(0, 31).map(lambda days: Fraction(days, 31)),
)
VALUES = st.one_of(
    st.integers(-5, 300).map(Fraction),
    st.decimals(-10, 100_000, places=6).map(Fraction),
)
RECORDS = st.lists(VALUES, max_size=12)


@st.composite
def tiers(draw: st.DrawFn, model: str) -> list[Terms]:
    """One to five tiers as the model takes them."""
    found: list[Terms] = []
    for up_to in draw(BOUNDS):
        tier: Terms = {"up_to": up_to, "flat_amount": draw(AMOUNTS)}
        if model == "graduated_percentage":
            tier["rate"] = draw(decimals(100))
        elif model != "stairstep":
            tier["unit_amount"] = draw(AMOUNTS)
        found.append(tier)
    return found


@st.composite
def model_terms(draw: st.DrawFn, model: str) -> Terms:
    """The fields of one model."""
    match model:
        case "flat":
            return {"amount": draw(AMOUNTS)}
        case "per_unit":
            return {"unit_amount": draw(AMOUNTS)}
        case "package":
            how = draw(st.sampled_from(["up", "down", "half_up", "exact"]))
            size, amount = draw(ABOVE_ZERO), draw(AMOUNTS)
            return {"package_size": size, "package_amount": amount, "round": how}
        case "percentage":
            return draw(percentage_terms())
    tiered = {"tiers": draw(tiers(model)), "prorate_tiers": draw(st.booleans())}
    return tiered | {"flat_at_zero": draw(st.booleans())}


@st.composite
def percentage_terms(draw: st.DrawFn) -> Terms:
    """A rate, and any of the terms for single records."""
    optional: Terms = {
        "fixed_amount": AMOUNTS,
        "included_records": st.integers(0, 5),
        "included_amount": AMOUNTS,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    terms = {name: draw(optional[name]) for name in sorted(chosen)}
    return {
        "rate": draw(decimals(100)),
        **terms,
        **draw(bounds("min_per_record", "max_per_record")),
    }


@st.composite
def bounds(draw: st.DrawFn, low: str, high: str) -> Terms:
    """Both, one or none of two limits, in order."""
    pair = sorted([draw(AMOUNTS), draw(AMOUNTS)], key=Decimal)
    return {name: text for name, text in zip((low, high), pair, strict=True) if draw(st.booleans())}


@st.composite
def plans(draw: st.DrawFn, models: tuple[str, ...] = tuple(MODELS)) -> Terms:
    """A metered price of any model with any modifiers, in its JSON form."""
    model = draw(st.sampled_from(models))
    terms: Terms = {"price": "p", "currency": "usd", "kind": "metered", "meter": "m"}
    terms |= {"model": model, **draw(model_terms(model))}
    if draw(st.booleans()):
        how = draw(st.sampled_from(["none", "up", "down", "half_up"]))
        terms["unit_conversion"] = {"divide_by": draw(ABOVE_ZERO), "round": how}
    if model not in ("flat", *PERCENTAGES) and draw(st.booleans()):
        terms["included_quantity"] = draw(AMOUNTS)
    return terms | draw(bounds("minimum_amount", "maximum_amount"))
