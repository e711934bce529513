"""A CHECK of ours that proves to the server what it would have to read a table for (catalogue 137, R17)."""

from migrator.operations import folding
from migrator.operations.base import Context
from migrator.operations.steps import effect_on, transaction, validate
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import check
from migrator.plan.step import Diagnosis, Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts
from migrator.postgres.identifiers import QualifiedName

RECIPE = "R17"


def helper_check(
    table: QualifiedName, name: str, condition: Sql, in_the_way: Diagnosis, context: Context
) -> tuple[tuple[Step, ...], Facts]:
    """Return it NOT VALID and then validated, and the facts after; `in_the_way` names what refuses it."""
    body = check(condition)
    added = transaction(
        context,
        f"ADD CHECK {name} NOT VALID to {table}",
        (ddl.alter_table(table, ddl.add_constraint(name, body, not_valid=True)),),
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe=RECIPE,
        undo=(ddl.alter_table(table, ddl.drop_constraint(name)),),
        preconditions=(in_the_way,),
    )
    validated = validate(context, table, name, recipe=RECIPE, diagnoses=(in_the_way,))
    made = Constraint(name=name, kind=ConstraintKind.CHECK, definition=str(body))
    return (added, validated), folding.with_constraint(context.facts, table, made)
