"""Jobs on procrastinate: a queue in PostgreSQL, run by asyncio in a thread of the worker."""
