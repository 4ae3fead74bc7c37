"""One HTML file that a meeting can open without a network."""
