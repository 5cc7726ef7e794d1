"""The command line in this process."""

from nimblepose.cli.app import main


def run_here(capfd, *arguments):
    """Exit code of `nimblepose ARGUMENTS`, and what it printed on standard output and error."""
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        code = ended.code or 0
    return code, *capfd.readouterr()
