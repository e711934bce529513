"""What is told of runners: who is waited for, who left something behind, who lets others go on."""

from migrator.cli.note import Note
from migrator.cli.units import duration
from migrator.execution import events


def of_runner(
    event: events.WaitingForRunner | events.LeaseTaken | events.TookOver | events.Reconnected,
) -> Note:
    """Return how it is told that runners meet, or lose their connection."""
    match event:
        case events.WaitingForRunner(holder=holder, waited_s=waited):
            return Note(
                name="runner.waiting",
                text=f"waiting for another runner: {holder} ({duration(waited)} so far)",
                fields={"holder": holder, "waited_s": round(waited, 1)},
                level="warning",
                every_s=10.0,
            )
        case events.LeaseTaken(step=step):
            return Note(
                name="lease.taken",
                text=f"{step.title}: it takes a while, so other runs may go on with other tables",
                fields={
                    "version": step.migration,
                    "step": step.id,
                    "title": step.title,
                    "phase": str(step.phase),
                },
            )
        case events.TookOver(pids=pids):
            ended = ", ".join(map(str, pids))
            return Note(
                name="runner.took_over",
                text=f"ended what an earlier run left behind: server process {ended}",
                fields={"pids": list(pids)},
                level="warning",
            )
        case events.Reconnected(error=error):
            return Note(
                name="runner.reconnected",
                text=f"the connection was lost and is back: {error}",
                fields={"error": error},
                level="warning",
            )
