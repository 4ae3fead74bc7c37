"""What comes in: boundaries, incidents, and what their columns mean."""
