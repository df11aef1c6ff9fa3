"""`python -m autoseg` is `autoseg`."""

from autoseg.cli import main

if __name__ == "__main__":
    main()
