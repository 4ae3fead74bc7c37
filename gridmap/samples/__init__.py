"""What one can try gridmap on: places made up, with a truth that is known."""

from gridmap.samples.county import County, simulated_county
from gridmap.samples.county_events import Truth
from gridmap.samples.small_town import Sample, town

__all__ = ["County", "Sample", "Truth", "simulated_county", "town"]
