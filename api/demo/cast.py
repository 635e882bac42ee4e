"""Who is in the demo: a dozen organizations, and what they attach.

Times are told as (cycle, percent): cycle 0 is the previous one, 1 the current one of which only
the part until now counts. So the story fits whatever day it is played on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

When = tuple[int, int]

STARRING = "acme"
"""The organization that the hints look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attached:
    """A service on an organization. size: how busy it is, 1 being small.

    changes: other quantities from some time on. swaps: other services. until: when it is
    detached. trial_until: when fees begin.
    """

    id: str
    service: str
    size: int = 1
    quantity: str = "1"
    region: str = "fra"
    since: When = (0, 0)
    until: When | None = None
    changes: tuple[tuple[When, str], ...] = ()
    swaps: tuple[tuple[When, str], ...] = ()
    trial_until: When | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """An organization of the demo."""

    id: str
    name: str
    currency: str = "usd"
    zone: str = "UTC"
    anchor_day: int = 1
    members: tuple[str, ...] = ("owner",)
    policies: Mapping[str, Any] = field(default_factory=dict)
    attached: tuple[Attached, ...] = ()


def _network(region: str = "fra", size: int = 1) -> Attached:
    return Attached(id="net", service="network", region=region, size=size)


def _team(size: int = 1) -> Attached:
    return Attached(id="team", service="team", size=size)


QUICK = {"grace_s": 3_600}
"""So that the previous cycle can be issued soon after its end."""

CAST: tuple[Customer, ...] = (
    Customer(
        id=STARRING,
        name="Acme Robotics",
        zone="Europe/Berlin",
        members=("ada", "grace", "linus"),
        policies=QUICK,
        attached=(
            Attached(id="web", service="machine", size=4, quantity="2", changes=(((0, 40), "4"),)),
            Attached(
                id="jobs",
                service="machine",
                size=2,
                region="ams",
                since=(0, 20),
                swaps=(((0, 60), "machine-xl"),),
            ),
            Attached(id="spare", service="machine", region="ams", until=(0, 60)),
            Attached(id="db", service="database", size=2),
            Attached(id="files", service="volume", size=3),
            _network(size=4),
            _team(3),
        ),
    ),
    Customer(
        id="northwind",
        name="Northwind Traders",
        zone="America/New_York",
        members=("nancy", "andrew"),
        policies=QUICK,
        attached=(
            Attached(id="shop", service="machine", size=5, quantity="6", region="iad"),
            Attached(id="orders", service="database", size=4),
            Attached(id="assets", service="volume", size=4),
            _network("iad", 5),
            _team(4),
        ),
    ),
    Customer(
        id="kite-labs",
        name="Kite Labs GmbH",
        currency="eur",
        zone="Europe/Berlin",
        anchor_day=15,
        members=("hanna", "jonas"),
        policies={**QUICK, "collection": "send_invoice", "days_until_due": 14},
        attached=(
            Attached(id="api", service="machine", size=3, quantity="3"),
            Attached(id="main", service="database", size=2),
            _network(size=2),
            _team(2),
        ),
    ),
    Customer(
        id="sakura",
        name="Sakura Denki",
        currency="jpy",
        zone="Asia/Tokyo",
        members=("yuki", "haru"),
        policies=QUICK,
        attached=(
            Attached(id="line-1", service="machine", size=3, quantity="2", region="nrt"),
            Attached(id="line-2", service="machine", size=2, region="nrt", since=(0, 50)),
            Attached(id="store", service="volume", size=5),
            _network("nrt", 3),
        ),
    ),
    Customer(
        id="blue-bottle",
        name="Blue Bottle Studio",
        anchor_day=31,
        zone="America/Los_Angeles",
        policies=QUICK,
        attached=(Attached(id="site", service="machine", region="sjc"), _network("sjc")),
    ),
    Customer(
        id="fjord",
        name="Fjord Analytics AS",
        currency="eur",
        zone="Europe/Oslo",
        anchor_day=10,
        policies=QUICK,
        attached=(
            Attached(id="etl", service="machine", size=5, quantity="4", until=(1, 50)),
            Attached(id="lake", service="volume", size=8),
            Attached(id="meta", service="database"),
            _team(2),
        ),
    ),
    Customer(
        id="pampa",
        name="Pampa Logistics",
        zone="America/Argentina/Buenos_Aires",
        anchor_day=5,
        policies=QUICK,
        attached=(
            Attached(id="track", service="machine", size=2, region="gru"),
            Attached(id="db", service="database", size=2),
            _network("gru", 2),
        ),
    ),
    Customer(
        id="sundial",
        name="Sundial Games",
        zone="Europe/London",
        policies={**QUICK, "sync_interval_s": 60, "priority": "high"},
        attached=(
            Attached(id="lobby", service="machine", size=4, quantity="2", region="lhr"),
            Attached(
                id="arena",
                service="machine",
                size=4,
                region="lhr",
                since=(0, 30),
                changes=(((0, 70), "3"), ((1, 30), "2")),
            ),
            Attached(id="scores", service="database", size=3, trial_until=(0, 50)),
            _network("lhr", 6),
        ),
    ),
    Customer(
        id="kiwi-care",
        name="Kiwi Care",
        zone="Pacific/Auckland",
        anchor_day=20,
        policies={"grace_s": 2_419_200},
        attached=(Attached(id="portal", service="machine", region="syd"), _team(2)),
    ),
    Customer(
        id="mistral",
        name="Mistral Météo",
        currency="eur",
        zone="Europe/Paris",
        policies=QUICK,
        attached=(
            Attached(id="model", service="machine", size=6, quantity="8", region="cdg"),
            Attached(id="grid", service="volume", size=6),
            _network("cdg", 3),
        ),
    ),
    Customer(
        id="tiny",
        name="Tiny Blog",
        policies=QUICK,
        attached=(_network(), _team()),
    ),
    Customer(
        id="quito-pay",
        name="Quito Pay",
        zone="America/Guayaquil",
        policies=QUICK,
        attached=(
            Attached(id="core", service="machine", size=2, quantity="2", region="iad"),
            Attached(id="ledger", service="database", size=3),
            _network("iad"),
            _team(),
        ),
    ),
)
