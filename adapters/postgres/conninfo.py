"""Whether PostgreSQL's own library can read an address; nobody is asked yet."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from domain.errors import InvalidInput


def require_readable(url: str) -> None:
    """Refuse an address that nobody can connect to.

    Raises:
        InvalidInput: it is none.
    """
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its words may quote the password
        raise InvalidInput(
            "DATABASE_URL has to look like postgresql://user:password@host:5432/name, with every "
            "sign that stands for something in an address written as %..",
            field="DATABASE_URL",
        ) from None
