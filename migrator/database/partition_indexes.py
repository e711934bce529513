"""Indexes of all partitions as a state machine over what the catalogs answer, partition by partition.

It may assume that the index of the table itself exists, made ON ONLY it. First every partition gets its index
(one that is partitioned itself at once, the others CONCURRENTLY), then they are attached: an index above
becomes valid with the last one below. Between any two of these a partition may come or go, and a run may die:
the next one looks again. Fails as the parts do, and with StepFailed where the index does not become valid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from migrator.database.partition_parts import Place, attachment, branch, build_work, constraint
from migrator.database.partitions import (
    Fitting,
    Partition,
    begun_builds,
    build_id,
    chosen_name,
    fitting,
    has_index,
    taken,
    top,
    tree,
)
from migrator.database.parts import Part, build, in_transaction, run_parts, unless_gone
from migrator.database.refusal import record_failure
from migrator.database.workbench import Done, Workbench
from migrator.errors import StepFailed
from migrator.execution.events import LeftAlone, PartitionDone
from migrator.execution.journal import StepRecord, StepState
from migrator.plan.step import PartitionIndexes, Step
from migrator.postgres.identifiers import QualifiedName


def run_partition_indexes(
    bench: Workbench, step: Step, work: PartitionIndexes, record: StepRecord | None
) -> Done:
    """Carry out the step; `record` is what the journal has of it."""
    return run_parts(bench, step, work.table, record, _Course(bench=bench, step=step, work=work))


@dataclass(slots=True, kw_only=True)
class _Course:
    """One run of the step."""

    bench: Workbench
    step: Step
    work: PartitionIndexes
    parts: int = 0
    """So many were carried out."""

    def run(self) -> None:
        """Look at all partitions until nothing is left to do, then at the whole."""
        while self.round():
            self.bench.check_stop()
        self.close()

    def round(self) -> bool:
        """Look at every partition; return whether anything was done, so that it is worth looking again."""
        return self._each(self._prepare) or self._each(self._attach)

    def close(self) -> None:
        """Assert that the index is valid; the server looks again where the last one without was dropped.

        Attaching what is attached does that in later minor versions of 14 to 18; in others nothing does.
        """
        if not self._top().valid:
            self._each(self._attach_again, below_first=True)
        if not self._top().valid:
            reason = (
                f"{self.work.index} stays invalid, because its last partition without an index was dropped "
                f"when all others had theirs, and this server does not look again: drop {self.work.index} "
                "(the indexes attached to it go with it) and run again"
            )
            raise record_failure(self.bench, self.step, reason)

    def _top(self) -> Fitting:
        found = top(self.bench, self.work)
        if found is None:
            raise record_failure(self.bench, self.step, f"the index {self.work.index} is gone")
        return found

    def _each(self, action: Callable[[Place], bool], *, below_first: bool = False) -> bool:
        """Call `action` for every partition; true if one did something, or if one went away meanwhile."""
        head = self._top()
        above = {head.table: head}
        did = False
        partitions = tree(self.bench, self.work.table)
        places = []
        for partition in partitions:
            if partition.parent not in above:
                did = True
                continue
            place = Place(work=self.work, partition=partition, above=above[partition.parent])
            places.append(place)
            if not below_first:
                did = self._guarded(place, action) or did
            if partition.branch and (found := self._attached(place)) is not None:
                above[partition.oid] = found
        if below_first:
            done = [self._guarded(place, action) for place in reversed(places)]
            did = any(done) or did
        return did

    def _guarded(self, place: Place, action: Callable[[Place], bool]) -> bool:
        self.bench.check_stop()
        return unless_gone(self.bench, self.step, self.work.table, place.partition, partial(action, place))

    # --- what is done about one partition

    def _prepare(self, place: Place) -> bool:
        """See that a partition has an index; it is not attached yet, but where it is partitioned itself."""
        partition = place.partition
        if partition.foreign:
            raise self._refuse(f"{partition.name} is a foreign table, which cannot have an index")
        if (attached := self._attached(place)) is not None:
            return self._sound(attached, partition)
        usable = self._usable(place)
        if not partition.branch:
            return self._build(place) if usable is None or self._unrecorded(partition, usable) else False
        if usable is not None:
            return self._run(place, "attach", attachment(place, usable))
        return self._run(place, "branch", branch(place, self._name(partition)))

    def _attach(self, place: Place) -> bool:
        if self._attached(place) is not None:
            return False
        usable = self._usable(place)
        if usable is not None:
            self._run(place, "attach", attachment(place, usable))
            name = place.partition.name
            self.bench.observer.event(PartitionDone(step=self.step, partition=name, index=usable.name))
        return True

    def _attach_again(self, place: Place) -> bool:
        attached = self._attached(place)
        return attached is not None and self._run(place, "again", attachment(place, attached))

    def _build(self, place: Place) -> bool:
        """Build the index of a partition that holds rows, and the constraint over it."""
        partition = place.partition
        name, record = self._begun(partition)
        if name is None:
            name = self._name(partition)
        self._name_others(place, name)
        identity = build_id(self.step, partition, name)
        build(self.bench, self.step, identity, build_work(place, name), record)
        self.parts += 1
        if self.work.constrain:
            self._run(place, "constraint", constraint(place, name))
        if self._usable(place) is None and partition in tree(self.bench, self.work.table):
            raise self._refuse(f"the index {name} of {partition.name} does not fit {self.work.index}")
        return True

    def _name_others(self, place: Place, name: str) -> None:
        """Name the invalid indexes that would fit and that somebody else has left; they are left alone."""
        found = fitting(self.bench, place.partition, place.above.oid)
        others = [each.name for each in found if not each.valid and each.name.name != name]
        if others:
            indexes = tuple(each.quoted for each in others)
            self.bench.observer.event(LeftAlone(step=self.step, indexes=indexes))

    # --- what there is

    def _attached(self, place: Place) -> Fitting | None:
        found = fitting(self.bench, place.partition, place.above.oid)
        return next((each for each in found if each.attached), None)

    def _usable(self, place: Place) -> Fitting | None:
        """Return the index that the server itself would take: the oldest that fits."""
        found = fitting(self.bench, place.partition, place.above.oid)
        wanted = self.work.constrain is not None
        return next((each for each in found if each.valid and (each.constrained or not wanted)), None)

    def _sound(self, attached: Fitting, partition: Partition) -> bool:
        if attached.valid or partition.branch:
            return False
        raise self._refuse(
            f"{attached.name} is attached and invalid: REINDEX INDEX CONCURRENTLY {attached.name.quoted}"
        )

    def _begun(self, partition: Partition) -> tuple[str | None, StepRecord | None]:
        """Return the index that an earlier run set out to build, unless something else has its name now."""
        builds = begun_builds(self.bench, self.step, partition)
        if not builds:
            return None, None
        name, record = next(reversed(builds.items()))
        qualified = QualifiedName(partition.name.schema, name)
        if taken(self.bench, qualified, constraints=False) and not has_index(self.bench, partition, name):
            return None, None
        return name, record

    def _unrecorded(self, partition: Partition, usable: Fitting) -> bool:
        """Whether an earlier run built that index and did not come to record it."""
        record = begun_builds(self.bench, self.step, partition).get(usable.name.name)
        return record is not None and record.state is StepState.BEGUN

    def _name(self, partition: Partition) -> str:
        return chosen_name(self.bench, partition, self._top().columns, self.work.label)

    def _run(self, place: Place, what: str, part: Part) -> bool:
        in_transaction(self.bench, self.step, place.partition, what, part)
        self.parts += 1
        return True

    def _refuse(self, reason: str) -> StepFailed:
        return record_failure(self.bench, self.step, reason)
