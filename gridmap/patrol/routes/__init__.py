"""Which places, by whom, in what order: the planner, its clock, its search, its bound, and what it leaves unmet."""
