"""BEGIN, COMMIT, ROLLBACK, SAVEPOINT in a file.

What it does
    Asks for several statements as one transaction.

Why it is dangerous
    Every lock of the transaction is held to its end, and the safe sequences of its statements cannot run in
    it.

What is done instead
    Where nothing is live the transaction is kept, as one step. Where something is, its statements are
    planned one by one, each with its own transactions. That is said: as a warning where the transaction
    changes data too, so that half of a change may be seen, else for information. ROLLBACK and SAVEPOINT
    are refused.

Source
    The manual, BEGIN, SET ("LOCAL"); catalogue 87, 134, 183.
"""

from msgspec.structs import replace

from migrator.operations.base import Context, FormOperation, Outcome, Session
from migrator.operations.bookkeeping import keeps_books
from migrator.operations.hazards import good_to_know, warning, wrong
from migrator.operations.liveness import live
from migrator.plan.hazard import HazardKind
from migrator.sql.syntax import Delete, Insert, KnownForm, Opaque, Select, TransactionControl, Update

NAME = "transaction-control"


def _plan(command: TransactionControl, context: Context) -> Outcome:
    match command.kind:
        case "BEGIN":
            return _begin(context)
        case "COMMIT":
            return _commit(context)
        case _:
            return _refused(command.kind, "a file goes forward only", context)


def _begin(context: Context) -> Outcome:
    if context.transaction is not None:
        return _refused("BEGIN", "the transaction has begun already", context)
    begun = Session(state=context.session, search_path=context.search_path)
    outcome = replace(_nothing(context), transaction=begun)
    if not live(context):
        return outcome
    say = warning if _changes_data(context) else good_to_know
    hazard = say(
        HazardKind.EXPLICIT_TRANSACTION,
        "the statements between BEGIN and COMMIT do not run as one transaction: each has its own steps",
        "a file that stops half-way is resumed; nothing has to be rolled back",
    )
    return replace(outcome, hazards=(hazard,))


def _changes_data(context: Context) -> bool:
    """Whether more than DDL stands between BEGIN and COMMIT, so that somebody may see half of a change."""
    for statement in context.migration.statements[context.index :]:
        match statement.command:
            case TransactionControl():
                return False
            case Insert() | Update() | Delete() | Select() | Opaque() as command if not keeps_books(command):
                return True
            case KnownForm(kind="DO" | "CALL" | "LOCK TABLE"):
                return True
            case _:
                continue
    return False


def _commit(context: Context) -> Outcome:
    kept = context.transaction
    if kept is None:
        return _refused("COMMIT", "no transaction has begun", context)
    return replace(_nothing(context), session=kept.state, search_path=kept.search_path)


def _refused(kind: str, reason: str, context: Context) -> Outcome:
    hazard = wrong(HazardKind.EXPLICIT_TRANSACTION, f"{kind} cannot be carried out: {reason}", "remove it")
    return replace(_nothing(context), hazards=(hazard,), transaction=context.transaction)


def _nothing(context: Context) -> Outcome:
    return Outcome(operation=NAME, facts=context.facts, controls_session=True)


TRANSACTION_CONTROL = FormOperation(name=NAME, form=TransactionControl, outcome=_plan)
