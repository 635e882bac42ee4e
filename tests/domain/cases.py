"""Worked examples of other billing systems, for the models and modifiers they share with ours.

The amounts stand in the unit the source uses; every rule here is the same in any unit.

Left out, because our rules say otherwise:
- prices in which every tier has blocks of a size of its own (Kill Bill's ``kb-all-03``,
  ``kb-top-01``, ``kb-top-03``): a price has one package size, or one unit conversion;
- OpenMeter's cap taken off line by line in order of time (the lines of ``om-grad-05``): ours is
  taken off the whole, so only its total is here;
- the end of FlexPrice's last stair (``fp-doc-pack``): our last tier has none;
- Kill Bill's months of 30 days (``kb-prorate30-01``, ``-03``, ``-05``): a full period is as long
  as it is, from anchor to anchor;
- the tax on Lago's credits (``lago-credit-01``, ``-03``): tax is Stripe's.
A few quantities stand beside those the source works out, where its own tiers leave no doubt.
Those about time, meters, rounding and sharing out: ``tests/application/test_rating_cases.py``.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Rows = list[tuple[str | None, str, str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Terms, what was measured, and what it comes to. ``before``: the sum already owed for."""

    source: str
    terms: dict[str, Any]
    amount: str
    quantity: str = "0"
    before: str | None = None
    share: str = "1"
    records: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What was measured, and who says so."""
        measured = " + ".join(self.records) or self.quantity
        after = f" after {self.before}" if self.before else ""
        return f"{measured}{after} is {self.amount} ({self.source})"


def tiered(model: str, rows: Rows, **more: Any) -> dict[str, Any]:
    """Rows of (up to, unit amount or percent, flat amount)."""
    unit = "rate" if model == "graduated_percentage" else "unit_amount"
    tiers = [{"up_to": up_to, unit: each, "flat_amount": flat} for up_to, each, flat in rows]
    return {"model": model, "tiers": tiers, **more}


def rows(source: str, terms: dict[str, Any], **amounts: str) -> list[Case]:
    """Cases of one source; ``q12_5="3"`` says that 12.5 comes to 3."""
    return [
        Case(source=source, terms=terms, quantity=name[1:].replace("_", "."), amount=amount)
        for name, amount in amounts.items()
    ]


OM_FLATS = tiered(
    "graduated",
    [("5", "0", "100"), ("10", "0", "50"), ("15", "5", "0"), (None, "1", "0")],
)
OM_TOTALS = tiered(
    "graduated",
    [("5", "0", "100"), ("10", "0", "50"), ("15", "10", "0"), (None, "5", "0")],
)
OM_GRADUATED = "OpenMeter, tieredgraduated_test.go"
LAGO_GRADUATED = tiered("graduated", [("10", "10", "2"), ("20", "5", "3"), (None, "5", "3")])
STRIPE_TIERS: Rows = [("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0")]
AUTUMN: Rows = [("1000", "0.01", "0"), ("10000", "0.008", "0"), (None, "0.005", "0")]
KILL_BILL: Rows = [("10", "1.5", "0"), ("110", "1", "0"), (None, "0.5", "0")]
ADJACENT: Rows = [("0.1", "10", "0"), ("1", "5", "0"), (None, "2", "0")]

GRADUATED = [
    Case(
        source=f"{OM_GRADUATED} 'single period multiple tier usage'",
        terms=OM_FLATS,
        quantity="22",
        amount="182",
        charges=("0", "100", "0", "50", "25", "7"),
    ),
    *rows(f"{OM_GRADUATED} totals", OM_TOTALS, q3="100", q5_001="150", q12="170"),
    *rows("Lago, graduated_service_spec.rb", LAGO_GRADUATED, q0="2", q10="102", q12="115"),
    *rows("Lago, 'decimal adjacent ranges'", tiered("graduated", ADJACENT), q0_05="0.5"),
    *rows("Stripe, tiered pricing", tiered("graduated", STRIPE_TIERS), q5="35"),
    *rows("Autumn, graduated pricing", tiered("graduated", AUTUMN), q15000="107"),
    *rows("Kill Bill, all tiers", tiered("graduated", KILL_BILL), q111="115.5"),
    Case(source=OM_GRADUATED, terms=OM_FLATS, before="12", quantity="10", amount="22"),
    Case(source=OM_GRADUATED, terms=OM_TOTALS, before="3", quantity="4", amount="50"),
    Case(source=OM_GRADUATED, terms=OM_TOTALS, before="5", quantity="5", amount="50"),
    Case(source=OM_GRADUATED, terms=OM_TOTALS, before="6", quantity="0", amount="0"),
]

OM_VOLUME = tiered(
    "volume",
    [("5", "0", "100"), ("10", "0", "150"), ("15", "10", "0"), (None, "5", "0")],
)
LAGO_VOLUME = tiered("volume", [("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50")])
LAGO_DOC_VOLUME: Rows = [
    ("10000", "0.0010", "10"),
    ("50000", "0.0008", "10"),
    ("100000", "0.0006", "10"),
    (None, "0.0004", "10"),
]

VOLUME = [
    *rows("OpenMeter, tieredvolume_test.go", OM_VOLUME, q0="100", q5="100", q15="150", q100="500"),
    *rows("OpenMeter: more can cost less", OM_VOLUME, q16="80"),
    *rows("Lago, volume_service_spec.rb", LAGO_VOLUME, q0="10", q100="210", q101="101", q300="200"),
    *rows("Lago: just above the bound", LAGO_VOLUME, q100_5="100.5"),
    *rows("Lago, guide to volume prices", tiered("volume", LAGO_DOC_VOLUME), q65000="49"),
    *rows("Stripe, tiered pricing", tiered("volume", STRIPE_TIERS), q1="7", q6="39", q25="150"),
    *rows(
        "Kill Bill, top tier of blocks",
        tiered("volume", [("10", "10", "0"), (None, "1", "0")])
        | {"unit_conversion": {"divide_by": "100", "round": "up"}},
        q2000="20",
    ),
]

STAIRS = {
    "model": "stairstep",
    "tiers": [
        {"up_to": "1000", "flat_amount": "50"},
        {"up_to": "5000", "flat_amount": "200"},
        {"up_to": None, "flat_amount": "350"},
    ],
}
STAIRSTEP = rows("FlexPrice, package prices", STAIRS, q1000="50", q4500="200", q10000="350")


def package(size: str, amount: str, **more: str) -> dict[str, Any]:
    """Packages of a size."""
    return {"model": "package", "package_size": size, "package_amount": amount, **more}


PACKAGE = [
    *rows("OpenMeter, number of packages", package("10", "1"), q0="0", q9="1", q11="2"),
    *rows("OpenMeter, package_test.go", package("10", "15"), q5="15"),
    Case(
        source="OpenMeter, 'overflow into second package'",
        terms=package("10", "15"),
        before="17",
        quantity="5",
        amount="15",
    ),
    *rows("Lago, package spec", package("10", "100", included_quantity="10"), q121="1200"),
    *rows("Lago, guide", package("100", "5", included_quantity="100"), q201="10"),
    *rows("Stripe, quantity transformation", package("5", "10"), q3="10", q6="20"),
    *rows("FlexPrice, tiered prices", package("1000", "1.00"), q4500="5"),
    Case(
        source="Kill Bill, testComputeMissingItems",
        terms=package("100", "1"),
        before="100",
        quantity="301",
        amount="4",
    ),
]


def per_unit(amount: str, **more: Any) -> dict[str, Any]:
    """So much for each unit."""
    return {"model": "per_unit", "unit_amount": amount, **more}


PER_UNIT = [
    *rows("OpenMeter, unit_test.go", per_unit("10"), q0="0"),
    *rows("Lago, standard_service_spec.rb", per_unit("5.12345"), q10="51.2345"),
    *rows("Zuplo, pricing models", per_unit("0.001"), q100000="100"),
    *rows(
        "OpenMeter, unit conversion",
        per_unit("10", unit_conversion={"divide_by": "1000", "round": "up"}),
        q1400="20",
    ),
    Case(
        source="OpenMeter, discountusage_test.go",
        terms=per_unit("1", included_quantity="10"),
        before="5",
        quantity="15",
        amount="10",
    ),
]

FLAT = [
    Case(source=source, terms={"model": "flat", "amount": full}, share=share, amount=amount)
    for source, full, share, amount in (
        ("Lago, trial of 3 days", "100", "28/31", "2800/31"),
        ("Lago, week from its third day on", "100", "5/7", "500/7"),
        ("Lago, part of a quarter", "91000", "32/91", "32000"),
        ("Kill Bill, unused days", "12", "6/30", "2.4"),
    )
]

LAGO_RECORDS = ("50", "100", "250", "400")
LAGO_BOUNDED = ("10", "80", "10000")
PERCENTAGE = [
    Case(
        source="Lago, percentage_service_spec.rb",
        terms={"model": "percentage", **terms},
        records=records,
        amount=amount,
    )
    for terms, records, amount in (
        (
            {
                "rate": "1.3",
                "fixed_amount": "2",
                "included_records": 3,
                "included_amount": "250",
            },
            LAGO_RECORDS,
            "11.15",
        ),
        ({"rate": "1.3", "fixed_amount": "2", "included_records": 3}, LAGO_RECORDS, "7.2"),
        (
            {
                "rate": "1.3",
                "fixed_amount": "2",
                "included_records": 3,
                "included_amount": "500",
            },
            LAGO_RECORDS,
            "7.2",
        ),
        ({"rate": "2.9"}, ("1", "1", "1", "1"), "0.116"),
        (
            {"rate": "2.99", "min_per_record": "1.75", "max_per_record": "12"},
            LAGO_BOUNDED,
            "16.142",
        ),
        (
            {
                "rate": "2.99",
                "included_records": 2,
                "min_per_record": "1.75",
                "max_per_record": "12",
            },
            LAGO_BOUNDED,
            "12",
        ),
        (
            {
                "rate": "2.99",
                "included_records": 3,
                "included_amount": "10000",
                "min_per_record": "1.75",
                "max_per_record": "12",
            },
            LAGO_BOUNDED,
            "2.691",
        ),
    )
]

LAGO_SHARES = tiered(
    "graduated_percentage", [("10", "1", "200"), ("20", "2", "300"), (None, "3", "400")]
)
LAGO_DOC_SHARES = tiered(
    "graduated_percentage", [("1000", "1", "200"), ("10000", "2", "300"), (None, "3", "400")]
)
GRADUATED_PERCENTAGE = [
    *rows("Lago, graduated_percentage spec", LAGO_SHARES, q0="200", q10="200.1", q12="500.14"),
    *rows("Lago, guide", LAGO_DOC_SHARES, q500="205"),
    Case(source="Lago, guide", terms=LAGO_DOC_SHARES, before="1050", quantity="4000", amount="80"),
]

BOUNDED = [
    ("OpenMeter, top-up of the last line", {"minimum_amount": "1000"}, "100", "1000"),
    ("OpenMeter, usage over the minimum", {"minimum_amount": "100"}, "500", "500"),
    ("OpenMeter, minimum without usage", {"minimum_amount": "100"}, "0", "100"),
    ("Lago, create_true_up_service_spec.rb", {"minimum_amount": "1000"}, "700", "1000"),
    ("OpenMeter, cap in the middle of a tier", {"maximum_amount": "170"}, "182", "170"),
    ("OpenMeter, equal to the cap", {"maximum_amount": "100"}, "100", "100"),
    ("OpenMeter, package over the cap", {"maximum_amount": "100"}, "165", "100"),
]


def exact(text: str | None) -> Fraction:
    """A number as the cases write it."""
    return Fraction(text or "0")
