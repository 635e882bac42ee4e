"""What a request may weigh. Beyond these it is answered with 413 or 422, never with a 500."""

BODY_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of a request's body."""

BODY_TOO_LARGE = f"a request may have at most {BODY_BYTES_MAX >> 20} MiB"

DEPTH_MAX = 32
"""Nested arrays and objects in a body."""

RECORDS_PER_REQUEST_MAX = 10_000
"""Usage records in a request."""

PROPERTIES_MAX = 20
"""Properties of a usage record."""

TEXT_MAX = 255
"""Characters of a short text, such as a source, a record's id or a property."""

SENTENCE_MAX = 500
"""Characters of a description or a reason."""

MEMBERS_MAX = 1_000
"""Members of an organization."""

IDS_MAX = 1_000
"""Ids named in a request."""

CORRECTIONS_MAX = 100
"""Usage records corrected in a request; each is a transaction of its own."""

PRICES_MAX = 100
"""Prices that a discount names."""

LINES_MAX = 250
"""Lines of an invoice that a credit note names."""

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 200
"""Rows of a page."""

AMOUNT_MAX = 99_999_999
"""Minor units of an amount added by hand; Stripe's own limit."""

YEARS = (1971, 2999)
"""The first and the last year an instant may lie in."""
