"""The support console: finding, understanding and mending what customers ask about."""
