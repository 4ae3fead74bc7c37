"""`python -m gridmap`: the command line, where the `gridmap` script is not on the path."""

from gridmap.cli import main

main()
