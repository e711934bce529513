"""The commands: where each one lives, and the line that `migrate --help` shows without importing it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the function `name` of `module`."""

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("migrator.cli.init", "Begin: write migrate.toml and a folder for migrations."),
    "new": Entry("migrator.cli.new", "Make an empty migration file with a new version."),
    "plan": Entry("migrator.cli.plan", "Show what would run, and why it is safe or not. Changes nothing."),
    "approve": Entry("migrator.cli.approve", "Write the approval of what needs one in a file."),
    "verify": Entry("migrator.cli.verify", "Prove the plan on a scratch server: locks, schema, rows."),
    "facts": Entry("migrator.cli.facts", "Write definitions and sizes of a database to a file; no rows."),
    "apply": Entry("migrator.cli.apply", "Run what is pending, except contract; resume what has begun."),
    "contract": Entry("migrator.cli.contract", "Run the contract phase of the migrations you name."),
    "reset": Entry("migrator.cli.reset", "Drop everything in a disposable database and run all files again."),
    "status": Entry("migrator.cli.status", "Show what is applied, running, waiting and pending."),
    "wait": Entry("migrator.cli.wait", "Block until the files are past validate; for application pods."),
    "pause": Entry("migrator.cli.pause", "Ask the running migration to stop after its batch, from any host."),
    "resume": Entry("migrator.cli.resume", "Take back a pause."),
    "baseline": Entry("migrator.cli.baseline", "Begin the journal of a database that has tables already."),
    "resolve": Entry("migrator.cli.resolve", "Record a person's decision about a migration that stopped."),
    "renumber": Entry("migrator.cli.renumber", "Give a file that has not begun a new version."),
    "explain": Entry("migrator.cli.explain", "Show the page about a hazard or an operation."),
    "demo": Entry(
        "migrator.cli.demo", "Watch unsafe migrations made safe on a scratch server under traffic."
    ),
}
