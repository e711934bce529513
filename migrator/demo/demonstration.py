"""The story: a shop is migrated under traffic by `migrate apply`, killed and resumed; then naively, a copy.

`demonstrate` tells each step to its listener and returns the report. It judges nothing while it goes;
`Report.reasons` says what did not hold. Fails like the commands it runs, and with the server's own errors.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from migrator.demo import comparison, naive, samples, shop, verification
from migrator.demo.application import Application, Stopwatch
from migrator.demo.planned import KilledRun, PlannedRun
from migrator.demo.server import Server, scratch_server
from migrator.demo.shop import Size
from migrator.demo.tool import Tool
from migrator.policy import Policy
from migrator.shadow.traffic.recording import Recording, Summary, Window

JOURNAL = Policy().journal_schema

Tell = Callable[[str], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    size: Size
    keep: bool = False
    baseline_s: float = 10.0


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs, with the rows it left."""

    baseline: Summary
    run: Summary
    faults: tuple[str, ...]
    """Rows that are not right."""
    examples: tuple[str, ...]
    """A few of the application's errors."""

    @property
    def blocked(self) -> int:
        """The longest blocked time less that of the baseline, in nanoseconds; less than 0 counts as 0."""
        return max(0, self.run.longest - self.baseline.longest)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the demonstration found."""

    planned: Side
    naive: Side
    killed: KilledRun | None
    refusals: tuple[str, ...]
    """What the server refused the naive run, which tried again."""
    files: tuple[tuple[str, Summary], ...]
    """The naive run, file by file."""
    differences: tuple[str, ...]
    """Lines of the schema that only one side has."""
    untouched: bool
    """Whether loaded rows are equal on both sides."""
    remains: tuple[str, ...]
    folder: Path
    urls: tuple[str, ...] = ()
    """How to connect, where the server was kept."""

    @property
    def ratio(self) -> float:
        """How many times longer the naive run blocked; counted against at least a millisecond."""
        return self.naive.blocked / max(self.planned.blocked, 1_000_000)

    @property
    def reasons(self) -> list[str]:
        """What did not hold; empty where all did."""
        reasons = [f"the application had {self.planned.run.failed} errors"] if self.planned.run.failed else []
        reasons += [f"after the planned run: {fault}" for fault in self.planned.faults]
        reasons += [f"left behind: {thing}" for thing in self.remains]
        if self.differences:
            reasons.append(f"the schemas differ in {len(self.differences)} lines")
        if not self.untouched:
            reasons.append("rows that nobody touched are not the same on both sides")
        if self.killed is None:
            reasons.append("every backfill was over before the runner could be killed in one; take more rows")
        return reasons


def demonstrate(options: Options, tell: Tell) -> Report:
    """Tell the whole story."""
    with ExitStack() as stack:
        tell("starting a PostgreSQL server in a temporary folder")
        server = stack.enter_context(scratch_server(keep=options.keep))
        return Demonstration(server, options, tell).report()


class Demonstration:
    """One telling of the story on one server."""

    def __init__(self, server: Server, options: Options, tell: Tell) -> None:
        self.server = server
        self.options = options
        self.tell = tell
        self.files = samples.folder()
        self.first, self.later = samples.history(self.files)
        self.planned = server.url("planned")
        self.naive = server.url("naive")
        config = server.folder / "migrate.toml"
        config.touch()
        self.tool = Tool(
            database=self.planned, files=self.files, config=config, log=server.folder / "migrate.log"
        )

    def report(self) -> Report:
        """Do everything, one after the other, so that nothing disturbs what is being measured."""
        self.open_shop()
        planned, killed = self.run_planned()
        naively, refusals, files = self.run_naive()
        self.tell("comparing both databases: schema, rows, remains")
        pg_dump = self.server.programs / "pg_dump"
        schemas = [comparison.schema(pg_dump, url, journal=JOURNAL) for url in (self.planned, self.naive)]
        rows = [verification.untouched(url) for url in (self.planned, self.naive)]
        return Report(
            planned=planned,
            naive=naively,
            killed=killed,
            refusals=refusals,
            files=files,
            differences=tuple(comparison.differences(*schemas)),
            untouched=rows[0] == rows[1],
            remains=tuple(comparison.remains(self.planned, journal=JOURNAL)),
            folder=self.server.folder,
            urls=(self.planned, self.naive) if self.options.keep else (),
        )

    def open_shop(self) -> None:
        """Make the schema, load the rows, copy it all."""
        size = self.options.size
        last = samples.version(self.first[-1])
        self.tell(f"migrate apply --to {last}: the shop's tables, in an empty database")
        self.server.create("planned")
        self.tool.run("apply", "--to", last)
        begin = time.monotonic()
        shop.load(self.planned, size)
        self.tell(f"loaded {size.orders:,} orders ({size.rows:,} rows) in {time.monotonic() - begin:.0f} s")
        self.server.create("naive", template="planned")
        if self.options.keep:
            self.tell(f"connect with: psql '{self.planned}' and psql '{self.naive}'")
        self.tell("copied the database for the naive run")

    def run_planned(self) -> tuple[Side, KilledRun | None]:
        """Migrate with this tool, under traffic."""
        with self.application(self.planned) as application:
            baseline = self.baseline()
            watch = Stopwatch("planned")
            run = PlannedRun(self.tool, JOURNAL, self.tell)
            run.apply(application.release)
            window = watch.window()
        self.tell(f"the planned run took {(window.end - window.begin) / 1e9:.0f} s")
        return self.side(application, self.planned, baseline, window), run.killed

    def run_naive(self) -> tuple[Side, tuple[str, ...], tuple[tuple[str, Summary], ...]]:
        """Migrate as written, under the same traffic."""
        self.tell("now the same files as written, one statement after the other, on the copy")
        refusals: list[str] = []
        windows: list[Window] = []
        self.server.run("naive", "CHECKPOINT")
        with self.application(self.naive) as application:
            baseline = self.baseline()
            watch = Stopwatch("naive")
            for file in self.later:
                of_file = Stopwatch(file.name)
                naive.run(self.naive, file, refusals.append)
                windows.append(of_file.window())
                if samples.needs_release(file):
                    application.release()
            window = watch.window()
        self.tell(f"the naive run took {(window.end - window.begin) / 1e9:.0f} s")
        recording = application.recording()
        files = tuple((window.name, recording.summary(window)) for window in windows)
        return self.side(application, self.naive, baseline, window), tuple(refusals), files

    def application(self, database: str) -> Application:
        """Return traffic against a database."""
        output = self.server.folder / ("recording-planned" if database == self.planned else "recording-naive")
        return Application(database, output, orders=self.options.size.orders)

    def baseline(self) -> Window:
        """Let the application run alone."""
        self.tell(f"the application runs alone for {self.options.baseline_s:.0f} s: the baseline")
        watch = Stopwatch("baseline")
        time.sleep(self.options.baseline_s)
        return watch.window()

    def side(self, application: Application, database: str, baseline: Window, window: Window) -> Side:
        """Put together what a run did to its application and its rows."""
        recording = application.recording()
        faults = verification.faults(database, self.options.size, application.ledger())
        return Side(
            baseline=recording.summary(baseline),
            run=recording.summary(window),
            faults=tuple(faults),
            examples=examples(recording, window),
        )


def examples(recording: Recording, window: Window) -> tuple[str, ...]:
    """Return one error of each SQLSTATE, in the server's words."""
    first: dict[str, str] = {}
    for failure in recording.failures:
        if window.begin <= failure.at < window.end:
            words = failure.message.splitlines()[0]
            first.setdefault(failure.sqlstate, f"{failure.sqlstate} {failure.kind}: {words}")
    return tuple(first.values())
