"""From hotspots to patrols: streets, routes, coverage, districts."""
