"""`python -m gridmap.cli`, where the console script is not on the PATH."""

from gridmap.cli import main

main()
