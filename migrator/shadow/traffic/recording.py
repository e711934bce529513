"""What an application felt: every statement with its begin and end, and what windows of time hold.

Times are nanoseconds of the monotonic clock, which all processes of a machine share; so a window that one
process names can be looked up in what another one recorded. Pure but for `write` and `read`, which fail as
files do.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec

MILLISECOND = 1_000_000


class Sample(msgspec.Struct, frozen=True):
    """One statement of the application."""

    kind: str
    begin: int
    end: int

    @property
    def latency(self) -> int:
        """How long the application waited for it, in nanoseconds."""
        return self.end - self.begin


class Failure(msgspec.Struct, frozen=True):
    """A statement that the server refused, or answered wrongly (`wrong`)."""

    kind: str
    at: int
    sqlstate: str
    message: str


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time with a name."""

    name: str
    begin: int
    end: int

    def overlaps(self, sample: Sample) -> bool:
        """Whether the statement was under way at any instant of the window."""
        return sample.begin < self.end and sample.end > self.begin

    def part_of(self, sample: Sample) -> int:
        """How long the statement was under way inside the window."""
        return min(sample.end, self.end) - max(sample.begin, self.begin)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A window in numbers; times in nanoseconds."""

    seconds: float = 0.0
    statements: int = 0
    errors: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How many, by SQLSTATE."""
    p50: int = 0
    p99: int = 0
    longest: int = 0
    longest_kind: str = ""
    within: int = 0
    """The longest time that one statement was under way inside the window, its time outside left out."""
    silence: int = 0
    """The longest time in which not one statement of some kind was completed."""
    silence_kind: str = ""

    @property
    def failed(self) -> int:
        """The number of errors."""
        return sum(self.errors.values())


class Recorder:
    """Collects the samples of one thread; cheap, because it runs between the statements that it times."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.numbers = array("q")
        self.failures: list[Failure] = []

    def add(self, kind: str, begin: int, end: int) -> None:
        """Remember a statement."""
        self.numbers.extend((self.kinds.setdefault(kind, len(self.kinds)), begin, end))

    def samples(self) -> list[Sample]:
        """Return what was remembered, in its order."""
        names = list(self.kinds)
        triples = zip(self.numbers[::3], self.numbers[1::3], self.numbers[2::3], strict=True)
        return [Sample(names[kind], begin, end) for kind, begin, end in triples]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the threads of an application recorded."""

    samples: tuple[Sample, ...] = ()
    failures: tuple[Failure, ...] = ()

    def summary(self, window: Window) -> Summary:
        """Return the window in numbers; a statement belongs to every window in which it was under way."""
        samples = [sample for sample in self.samples if window.overlaps(sample)]
        errors = Counter(f.sqlstate for f in self.failures if window.begin <= f.at < window.end)
        seconds = (window.end - window.begin) / 1e9
        if not samples:
            return Summary(seconds=seconds, errors=dict(errors))
        latencies = sorted(sample.latency for sample in samples)
        longest = max(samples, key=lambda sample: sample.latency)
        silence, silent = longest_silence(samples, window)
        return Summary(
            seconds=seconds,
            statements=len(samples),
            errors=dict(errors),
            p50=percentile(latencies, 50),
            p99=percentile(latencies, 99),
            longest=longest.latency,
            longest_kind=longest.kind,
            within=max(window.part_of(sample) for sample in samples),
            silence=silence,
            silence_kind=silent,
        )


def percentile(ordered: list[int], percent: int) -> int:
    """Return the smallest value that `percent` of all values do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def longest_silence(samples: Iterable[Sample], window: Window) -> tuple[int, str]:
    """Return the longest time in which no statement of some kind was completed, and that kind."""
    ends: dict[str, list[int]] = {}
    for sample in samples:
        ends.setdefault(sample.kind, [window.begin, window.end]).append(min(sample.end, window.end))
    return max((_widest(sorted(times)), kind) for kind, times in ends.items())


def _widest(times: list[int]) -> int:
    return max(later - earlier for earlier, later in pairwise(times))


def write(recorders: Iterable[Recorder], folder: Path) -> None:
    """Save what the threads recorded, one pair of files each."""
    for number, recorder in enumerate(recorders):
        failures = [[f.kind, f.at, f.sqlstate, f.message] for f in recorder.failures]
        text = json.dumps({"kinds": recorder.kinds, "failures": failures})
        (folder / f"thread-{number}.json").write_text(text)
        (folder / f"thread-{number}.samples").write_bytes(recorder.numbers.tobytes())


def read(folder: Path) -> Recording:
    """Read what `write` saved."""
    samples: list[Sample] = []
    failures: list[Failure] = []
    for path in sorted(folder.glob("thread-*.json")):
        recorder = Recorder()
        saved = json.loads(path.read_text())
        recorder.kinds = saved["kinds"]
        recorder.numbers.frombytes(path.with_suffix(".samples").read_bytes())
        samples.extend(recorder.samples())
        failures.extend(Failure(*values) for values in saved["failures"])
    return Recording(samples=tuple(samples), failures=tuple(failures))
