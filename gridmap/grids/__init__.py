"""How a territory is divided."""
