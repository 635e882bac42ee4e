"""What Stripe's catalogue was seen to have, remembered for all processes."""

from adapters.postgres.database import Database

_IS_THERE = "SELECT EXISTS (SELECT FROM stripe_product WHERE id = %s)"
_ADD = "INSERT INTO stripe_product (id) VALUES (%s) ON CONFLICT (id) DO NOTHING"
_CLEAR = "DELETE FROM stripe_product"


class PostgresProducts:
    """Stripe's ids of products, as the gateway to it asks for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __contains__(self, product: str) -> bool:
        with self._database.connection() as connection:
            row = connection.execute(_IS_THERE, [product], prepare=True).fetchone()
        return row is not None and bool(row[0])

    def add(self, product: str) -> None:
        """Remember one; perhaps again."""
        with self._database.connection() as connection:
            connection.execute(_ADD, [product])

    def clear(self) -> None:
        """Forget all: one is not there any more, and nobody says which."""
        with self._database.connection() as connection:
            connection.execute(_CLEAR)
