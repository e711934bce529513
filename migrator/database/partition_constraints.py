"""A constraint on every partition that holds rows, one by one: added NOT VALID where missing, and validated.

What a partition has is read from the catalog, so a partition that came meanwhile gets it, one that went is
left out, and a run that died is gone on with. `close` then makes the table's own constraint out of those of
the partitions; it is refused, and changes nothing, if one came in that instant. Fails as the parts do.
"""

from dataclasses import dataclass
from functools import partial

from migrator.database.partitions import Partition, constraint_state, part_done, tree
from migrator.database.parts import Part, as_part, in_transaction, run_parts, still_begun, unless_gone
from migrator.database.workbench import Done, Workbench
from migrator.errors import StepFailed
from migrator.execution.events import PartitionDone
from migrator.execution.journal import StepRecord
from migrator.plan.effect import RelationLock
from migrator.plan.partition_template import Slot, Template, expanded
from migrator.plan.step import PART, PartitionConstraints, Step
from migrator.postgres.lock_modes import LockMode


def run_partition_constraints(
    bench: Workbench, step: Step, work: PartitionConstraints, record: StepRecord | None
) -> Done:
    """Carry out the step; `record` is what the journal has of it."""
    return run_parts(bench, step, work.table, record, _Course(bench=bench, step=step, work=work))


@dataclass(slots=True, kw_only=True)
class _Course:
    """One run of the step."""

    bench: Workbench
    step: Step
    work: PartitionConstraints
    parts: int = 0
    """So many were carried out."""

    def run(self) -> None:
        """Do every partition, then the table's own constraint."""
        self.rounds()
        self.close()

    def rounds(self) -> bool:
        """Look at all partitions until none is without; return whether anything was done."""
        did = False
        while self._round():
            did = True
        return did

    def close(self) -> None:
        """Make the table's own constraint, once; after a refusal look whether a partition has come."""
        identity = f"{self.step.id}{PART}close"
        while self.work.close is not None and not part_done(self.bench, self.step, identity):
            closing = Part(
                title=self.step.title,
                statements=self.work.close.statements,
                locks=self.work.close_locks,
                acquire=self.work.close.acquire,
                timeouts=self.work.quick,
            )
            try:
                as_part(self.bench, self.step, identity, closing)
                self.parts += 1
            except StepFailed:
                if not self.rounds():
                    raise
                still_begun(self.bench, self.step)

    def _round(self) -> bool:
        did = False
        for partition in tree(self.bench, self.work.table):
            self.bench.check_stop()
            if partition.branch or partition.foreign:
                continue
            action = partial(self._one, partition)
            did = unless_gone(self.bench, self.step, self.work.table, partition, action) or did
        return did

    def _one(self, partition: Partition) -> bool:
        state = constraint_state(self.bench, partition, self.work.constraint)
        if state is None and self.work.add is not None:
            in_transaction(self.bench, self.step, partition, "add", self._addition(partition, self.work.add))
        elif state is False:
            in_transaction(self.bench, self.step, partition, "validate", self._validation(partition))
            self.bench.observer.event(PartitionDone(step=self.step, partition=partition.name))
        else:
            return False
        self.parts += 1
        return True

    def _addition(self, partition: Partition, template: Template) -> Part:
        locks = (*self.work.add_acquire, RelationLock(partition.name, self.work.add_mode))
        return Part(
            title=f"ADD CONSTRAINT {self.work.constraint} NOT VALID to {partition.name}",
            statements=(expanded(template, {Slot.PARTITION: partition.name.quoted}),),
            locks=locks,
            acquire=locks,
            timeouts=self.work.quick,
        )

    def _validation(self, partition: Partition) -> Part:
        return Part(
            title=f"VALIDATE CONSTRAINT {self.work.constraint} of {partition.name}",
            statements=(expanded(self.work.validate, {Slot.PARTITION: partition.name.quoted}),),
            locks=(RelationLock(partition.name, LockMode.SHARE_UPDATE_EXCLUSIVE),),
            timeouts=self.step.timeouts,
        )
