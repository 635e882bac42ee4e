"""Money: whole minor units of a currency, with Stripe's exponents and steps."""

from fractions import Fraction

from domain.errors import InvalidInput


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
"""Currencies whose minor unit is the unit itself. Source: docs.stripe.com/currencies."""

THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
"""Three decimals, the last of which must be 0 in a payment."""

WHOLE_UNITS_ONLY = _codes("isk ugx")
"""Sent with two decimals that must both be 0."""

TWO_DECIMAL = _codes(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd "
    "cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd "
    "hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop "
    "mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar "
    "sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer "
    "zar zmw"
)


MINIMUM_CHARGE = {
    **dict.fromkeys(_codes("usd eur aud brl cad chf inr nzd sgd"), 50),
    **dict.fromkeys(_codes("aed pln ron"), 200),
    **{"bgn": 100, "czk": 1_500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17_500, "jpy": 50},
    **{"mxn": 1_000, "myr": 200, "nok": 300, "sek": 300, "thb": 1_000},
}
"""What Stripe collects at least, in minor units. Source: docs.stripe.com/currencies."""


def minimum_charge(currency: str) -> int:
    """The smallest amount that can be collected, in minor units; 0 where none is published.

    >>> minimum_charge("usd"), minimum_charge("jpy"), minimum_charge("isk")
    (50, 50, 0)
    """
    return MINIMUM_CHARGE.get(currency, 0)


def exponent(currency: str) -> int:
    """How many decimals the minor unit of a currency has.

    Raises:
        InvalidInput: Stripe does not know the currency.

    >>> exponent("usd"), exponent("jpy"), exponent("kwd"), exponent("isk")
    (2, 0, 3, 2)
    """
    if currency in ZERO_DECIMAL:
        return 0
    if currency in THREE_DECIMAL:
        return 3
    if currency in TWO_DECIMAL or currency in WHOLE_UNITS_ONLY:
        return 2
    raise InvalidInput(f"{currency!r} is not a currency Stripe bills in", field="currency")


def step(currency: str) -> int:
    """The smallest amount a line may have, in minor units.

    >>> step("usd"), step("jpy"), step("kwd"), step("ugx")
    (1, 1, 10, 100)
    """
    if currency in THREE_DECIMAL:
        return 10
    if currency in WHOLE_UNITS_ONLY:
        return 100
    exponent(currency)
    return 1


def rounded(amount: Fraction, currency: str) -> int:
    """An exact amount in minor units, rounded to the currency's step, halves away from zero.

    Done once for each invoice line, at its end.

    >>> rounded(Fraction("2.5"), "usd"), rounded(Fraction("-2.5"), "usd")
    (3, -3)
    >>> rounded(Fraction(15), "kwd"), rounded(Fraction(149), "isk")
    (20, 100)
    """
    unit = step(currency)
    above, below = amount.numerator, amount.denominator * unit
    whole = (2 * abs(above) + below) // (2 * below)
    return (whole if above >= 0 else -whole) * unit


def shown(amount: int, currency: str) -> str:
    """An amount as people write it, without a symbol.

    >>> shown(123456, "usd"), shown(-5, "usd"), shown(1200, "jpy")
    ('1,234.56', '-0.05', '1,200')
    """
    places = exponent(currency)
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**places)
    return f"{sign}{whole:,}" + (f".{part:0{places}d}" if places else "")
