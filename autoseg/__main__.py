"""`python -m autoseg` is `autoseg`."""

from autoseg.cli.entrance import enter

if __name__ == "__main__":
    enter()
