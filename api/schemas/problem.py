"""How errors look: RFC 9457 problem details."""

from marshmallow import INCLUDE, fields

from api.schemas.fields import Strict


class FieldErrorSchema(Strict):
    """A field that cannot be used, and why."""

    field = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemSchema(Strict):
    """Why a request was refused. ``code`` is stable; ``detail`` is for a person."""

    class Meta:
        unknown = INCLUDE  # an operation may say more, such as what became of each item

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)
    errors = fields.List(fields.Nested(FieldErrorSchema))
