"""`python -m nimblepose` is `nimblepose`."""

from nimblepose.cli.app import main

if __name__ == "__main__":
    main()
