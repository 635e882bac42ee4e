"""Exports: which journal, and how it is written."""

from marshmallow import fields, validate

from api.journal.formats import Format
from api.schemas.fields import Identifier, Instant, Strict


class JournalQuery(Strict):
    """When something happened; without, everything. Without an organization, of all."""

    start = Instant(load_default=None, data_key="from")
    end = Instant(load_default=None, data_key="to")
    organization = Identifier(load_default=None)
    format = fields.String(
        load_default=Format.CSV.value, validate=validate.OneOf([each.value for each in Format])
    )
