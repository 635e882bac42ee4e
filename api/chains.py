"""The head of a chain as it is given to those who keep it."""

from typing import TYPE_CHECKING, Any

from api.schemas.audit_trail import ChainSchema
from domain.errors import NotFound
from domain.identity import parse_cycle_name
from projections.chain import COMMON, Head

if TYPE_CHECKING:
    from api.wiring import Wired


def chain_shown(wired: "Wired", organization: str) -> dict[str, Any]:
    """An organization's head with the catalog's, as ``ChainSchema`` wants them."""
    chain = wired.audit_trail.chain
    return shown(chain.head(organization), chain.head(COMMON))


def shown(own: Head, catalog: Head) -> dict[str, Any]:
    """Two heads in one value."""
    return {"organization": own.organization, **_head(own), "catalog": _head(catalog)}


def chain_json(wired: "Wired", organization: str) -> dict[str, Any]:
    """The same in JSON."""
    dumped: dict[str, Any] = ChainSchema().dump(chain_shown(wired, organization))
    return dumped


def chain_of_cycle(wired: "Wired", cycle: str) -> dict[str, Any]:
    """The same for the organization of a cycle.

    Raises:
        NotFound: the text names no cycle.
    """
    parsed = parse_cycle_name(cycle)
    if parsed is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return chain_shown(wired, parsed[0])


def _head(head: Head) -> dict[str, Any]:
    return {
        "position": head.position,
        "events": head.events,
        "head": head.head.hex(),
        "at": head.at,
    }
