"""`nimblepose batch status`: how far a batch is."""

from nimblepose.cli.batch_run import BatchArgument


def batch_status(batch: BatchArgument) -> None:
    """Say what is done, missing and failed, how fast it goes, and how long the rest takes.

    Examples:
        nimblepose batch status work
    """
    from nimblepose.batch.progress import find_status
    from nimblepose.batch.stores import open_store
    from nimblepose.cli.batch_bar import format_duration

    status = find_status(open_store(batch))
    print(f"done     {status.done}\nmissing  {len(status.missing)}\nfailed   {len(status.failed)}")
    if status.unread:
        print(f"unread   {len(status.unread)} (not planned: they cannot be read)")
    if status.frames_per_second:
        print(f"pace     {status.frames_per_second:.1f} frames/s over the last 10 minutes")
    if status.missing and status.core_hours_left is not None:
        hours = f"{status.core_hours_left:.2f} core-hours"
        at_work = status.seconds_left is not None
        print(f"left     {hours}" + (f", {format_duration(status.seconds_left or 0)} at this pace" if at_work else ""))
    for name, reason in {**status.unread, **status.reasons}.items():
        print(f"  {reason}" if name in reason else f"  {name}: {reason}")
