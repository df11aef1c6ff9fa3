"""The command `autoseg`."""


def main() -> None:
    """Run the command line; see `autoseg.cli.app`, which takes a while to import."""
    from autoseg.cli.app import main as run

    run()


__all__ = ["main"]
