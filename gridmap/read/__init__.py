"""What comes in: boundaries, incidents, and what their columns mean."""

from gridmap._moved import keep_old_names

keep_old_names(__name__, {"convert": "conversion", "exports": "several_files", "surroundings": "context"})
