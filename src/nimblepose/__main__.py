"""`python -m nimblepose` is `nimblepose`; it begins here, so that Ctrl-C while Python still imports is no traceback."""

import sys


def main() -> None:
    """Run the command line, see `nimblepose.cli.app.main`."""
    try:
        from nimblepose.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
