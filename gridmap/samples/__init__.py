"""What one can try gridmap on: places made up, with a truth that is known."""

from gridmap.samples.county import County, simulated_county

__all__ = ["County", "simulated_county"]
