"""What customers say in the demo: problems with a bill, whether it was clear, and spend alerts."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from api.demo.by_hand import CORRECTED
from api.demo.calendar import TwoCycles
from api.demo.cast import STARRING
from api.demo.client import Client

SEEN_TWICE = "Our CPU hours look doubled after the restart of the sixth. Can you check?"
ANSWER = "You are right: the meter counted twice. The difference is on your next bill."
SLOW = "We were told that the days of the slow disk are free. Are they?"

FEEDBACK: tuple[tuple[str, dict[str, Any]], ...] = (
    ("mistral", {"clear": True}),
    ("kite-labs", {"clear": False, "comment": "What is the difference between ams and fra?"}),
)
"""Who said what of the bill of the previous cycle."""

ALERTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (STARRING, "monthly-budget", {"amount": 40_000}),
    (STARRING, "growth", {"of": "forecast", "percent": 110}),
)


def speak(
    sides: Callable[[str], Client],
    support: Client,
    cycles: Mapping[str, TwoCycles],
    say: Callable[[str], None],
) -> None:
    """Customers report, rate and watch their bills; support answers one of them.

    sides: a client with an organization's own key.
    """
    corrected = cycles[CORRECTED].previous_name
    _report(sides(CORRECTED), CORRECTED, corrected, "twice", SEEN_TWICE)
    case = f"/v1/cases/{CORRECTED}.twice"
    told = support("GET", f"/v1/organizations/{CORRECTED}/cases/{CORRECTED}.twice")
    if told["status"] != "resolved":  # a demo that was interrupted goes on
        support("POST", f"{case}/acknowledge", {})
        resolution = {"kind": "corrected", "text": ANSWER, "cycle": corrected}
        support("POST", f"{case}/resolve", resolution)
    _report(sides("fjord"), "fjord", cycles["fjord"].previous_name, "slow-disk", SLOW)
    for organization, feedback in FEEDBACK:
        cycle = quote(cycles[organization].previous_name)
        sides(organization)("PUT", f"/v1/invoices/{cycle}/feedback", feedback)
    for organization, alert, wanted in ALERTS:
        sides(organization)("PUT", f"/v1/organizations/{organization}/alerts/{alert}", wanted)
    say(f"2 cases reported, {len(FEEDBACK)} bills rated, {len(ALERTS)} spend alerts set")


def _report(customer: Client, organization: str, cycle: str, case: str, text: str) -> None:
    body = {"case": case, "cycle": cycle, "text": text}
    customer("POST", f"/v1/organizations/{organization}/cases", body)
