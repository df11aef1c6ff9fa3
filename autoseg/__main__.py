"""`python -m autoseg` is `autoseg`."""

from autoseg.cli import main

main()
