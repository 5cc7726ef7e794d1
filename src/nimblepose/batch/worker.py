"""`python -m nimblepose.batch.worker`: a task per line of standard input, a result per line of standard output."""

import json
import logging
import os
import signal
import sys


def main() -> None:
    """Work until there is no further line. Whatever libraries print goes to the error stream."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever gives the tasks
    logging.basicConfig(level=logging.ERROR, format="nimblepose: %(message)s")
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from nimblepose.batch.finishing import finish_task
    from nimblepose.batch.work import work

    for line in sys.stdin:
        task = json.loads(line)
        try:
            results.write(json.dumps(work(task) if "unit" in task else finish_task(task)) + "\n")
            results.flush()
        except BrokenPipeError:  # whoever gave the task is gone; its part is written
            os._exit(0)


if __name__ == "__main__":
    main()
