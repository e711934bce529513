"""How the server makes up the name of an object from others (makeObjectName, ChooseIndexNameAddition)."""

from migrator.postgres.identifiers import NAME_LIMIT, truncate


def object_name(first: str, second: str | None, label: str) -> str:
    """Join as makeObjectName does: the longer of the two names is cut, the second one if they are equal."""
    fixed = len(label.encode()) + 1 + (0 if second is None else 1)
    sizes = [len(first.encode()), 0 if second is None else len(second.encode())]
    while sum(sizes) + fixed > NAME_LIMIT:
        sizes[0 if sizes[0] > sizes[1] else 1] -= 1
    parts = [truncate(first, sizes[0]), *([] if second is None else [truncate(second, sizes[1])]), label]
    return "_".join(parts)


def joined_columns(columns: tuple[str, ...]) -> str:
    """Join columns as the server does for names of foreign keys and indexes: no more than fits."""
    joined = ""
    for column in columns:
        joined = f"{joined}_{column}" if joined else column
        if len(joined.encode()) > NAME_LIMIT:
            break
    return joined
