"""What to expect next, and whether saying so is worth more than last month's map."""
