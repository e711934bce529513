"""SET and RESET: folded into the session state of the steps after it.

What it does
    Changes a setting of the session, or with LOCAL of the transaction.

Why it is dangerous
    Every step may run in a session of its own, so a setting that merely holds in one session would be lost.
    Some settings change how a plan is read or what it may do at all.

What is done instead
    search_path, TimeZone, DateStyle, role and the like become part of every later step of the file.
    Timeouts of the file are noted and ignored: each step has its own. What cannot be carried over is an
    error.

Source
    The manual, SET, RESET, SET ROLE.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context, FormOperation, Outcome, Session
from migrator.operations.hazards import wrong
from migrator.operations.search_path import schemas_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import SessionState
from migrator.postgres.identifiers import fold
from migrator.sql.syntax import SetVariable

NAME = "set-variable"

TIMEOUTS = frozenset(
    {
        "deadlock_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "transaction_timeout",
    }
)

_REASONS = {
    "session_authorization": "the sessions of a plan belong to the role that connects",
    "session_replication_role": "it disables foreign keys and triggers, those of this tool too",
    "standard_conforming_strings": "it changes how the file itself is read",
    "backslash_quote": "it changes how the file itself is read",
    "client_encoding": "the file is read as UTF-8",
    "transaction_isolation": "each step has a transaction of its own",
    "transaction_read_only": "each step has a transaction of its own",
    "transaction_deferrable": "each step has a transaction of its own",
    "transaction": "each step has a transaction of its own",
    "row_security": "it is off in every session of this tool, so that no row is passed over",
    "synchronous_commit": "each step decides by the locks that it holds",
}


def _plan(command: SetVariable, context: Context) -> Outcome:
    name = command.name.lower()
    if name in TIMEOUTS:
        return _nothing(context, f"{name} is ignored: each step has its own timeouts")
    if name in _REASONS:
        return _refused(name, _REASONS[name], context)
    if command.local and context.transaction is None:
        return _nothing(context, "SET LOCAL has no effect outside BEGIN … COMMIT")
    changed = _changed(name, command, context)
    if changed is None:
        return _refused(name, "its value cannot be read", context)
    return _folded(changed, command, context)


def _changed(name: str, command: SetVariable, context: Context) -> Session | None:
    """Return the session after the statement; None where the value cannot be read."""
    current = Session(state=context.session, search_path=context.search_path)
    if name == "all" and command.value is None:
        state = SessionState(role=context.session.role, settings=context.facts.settings)
        return Session(state=state, search_path=context.facts.search_path)
    if name == "role":
        return _with_role(command, current, context)
    if name == "search_path":
        return _with_search_path(command, current, context)
    return replace(current, state=_with_setting(name, command, context))


def _with_role(command: SetVariable, current: Session, context: Context) -> Session:
    written = None if command.value is None else command.value.text.strip()
    if written is None or written.upper() == "NONE":
        role = context.facts.role
    elif written.startswith("'"):
        role = written[1:-1].replace("''", "'")
    else:
        role = fold(written)
    return replace(current, state=msgspec.structs.replace(current.state, role=role))


def _with_search_path(command: SetVariable, current: Session, context: Context) -> Session | None:
    path = context.facts.search_path
    if command.value is not None:
        role = context.session.role or context.facts.role
        found = schemas_of(command.value.text, role, context.facts)
        if found is None:
            return None
        path = found
    return replace(current, state=_with_setting("search_path", command, context), search_path=path)


def _with_setting(name: str, command: SetVariable, context: Context) -> SessionState:
    """Replace the value; RESET goes back to the one that the session begins with."""
    others = [pair for pair in context.session.settings if pair[0].lower() != name]
    begins = [pair for pair in context.facts.settings if pair[0].lower() == name]
    own = begins if command.value is None else [(_spelling(name, begins), command.value.text)]
    return msgspec.structs.replace(context.session, settings=(*others, *own))


def _spelling(name: str, begins: list[tuple[str, str]]) -> str:
    return begins[0][0] if begins else name


def _folded(changed: Session, command: SetVariable, context: Context) -> Outcome:
    """SET outlives the file's transaction, SET LOCAL ends with it."""
    kept = context.transaction
    if kept is not None and not command.local:
        outer = replace(context, session=kept.state, search_path=kept.search_path)
        kept = _changed(command.name.lower(), command, outer)
    outcome = _nothing(context, "part of the session of every later step")
    return replace(outcome, session=changed.state, search_path=changed.search_path, transaction=kept)


def _nothing(context: Context, note: str) -> Outcome:
    return Outcome(
        operation=NAME,
        facts=context.facts,
        note=note,
        transaction=context.transaction,
        controls_session=True,
    )


def _refused(name: str, reason: str, context: Context) -> Outcome:
    hazard: Hazard = wrong(
        HazardKind.SESSION_SETTING,
        f"{name} cannot be carried over to the steps after it: {reason}",
        "remove the statement",
    )
    return replace(_nothing(context, "not carried over"), hazards=(hazard,))


SET_VARIABLE = FormOperation(name=NAME, form=SetVariable, outcome=_plan)
