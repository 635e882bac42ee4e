"""The support console: finding, understanding and mending what customers ask about."""

from api.pages.support import cases, desk, doing, invoice, lists, organization, second_persons

SUBJECTS = (cases, desk, doing, invoice, lists, organization, second_persons)
"""The modules whose pages there are."""
