"""Whether an application may start: how far the database is with the files that it was built with. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from migrator.execution.journal import MigrationState


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one migration is."""

    state: MigrationState
    past_validate: bool
    """Nothing of it is left but the contract phase, which takes away what the old application needs."""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing for an application that needs certain versions."""

    missing: tuple[str, ...]
    """Versions that are not past validate, in the order in which they were asked for."""
    failed: tuple[str, ...]
    """Those of them where a step failed: a person is needed."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def rollout(needed: Sequence[str], known: Mapping[str, Progress]) -> Rollout:
    """Compare what an application needs with what the journal says; other migrations do not matter."""
    missing = [v for v in needed if v not in known or not known[v].past_validate]
    failed = [v for v in missing if v in known and known[v].state is MigrationState.FAILED]
    return Rollout(missing=tuple(missing), failed=tuple(failed))
