"""A briefing on paper: its content once, and one file for each format it is printed in."""
