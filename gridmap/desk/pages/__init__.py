"""The pages of the desk, one question a file; each lists its routes."""

from gridmap.desk.pages import ask, bring, home, look, manual, run, share

__all__ = ["ROUTES"]

ROUTES = [route for one in (home, bring, ask, run, look, share, manual) for route in one.ROUTES]
