"""Facts as a file: what `migrate facts export` writes, for where no database is at hand.

Definitions and sizes, never a row; when and from where. Fails with InputError on what is no such document.
"""

import msgspec

from migrator.errors import InputError
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.server_state import ServerState

FORMAT = 1
"""Version of the document; readers refuse others."""


class Enum(msgspec.Struct, frozen=True):
    """An enum type with its labels in order."""

    name: QualifiedName
    labels: tuple[str, ...]


class FactsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Facts, and where they come from."""

    format: int = FORMAT
    tool_version: str
    made_at: str
    """ISO 8601, UTC."""
    place: str
    """Database and host, for people."""
    facts: Facts
    enums: tuple[Enum, ...] = ()
    server: ServerState = ServerState()


class _Header(msgspec.Struct):
    format: int


def encode(document: FactsDocument) -> str:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=1).decode() + "\n"


def decode(text: str, *, file: str) -> FactsDocument:
    """Read a document; `file` is named in errors."""
    try:
        header = msgspec.json.decode(text, type=_Header)
        if header.format != FORMAT:
            raise InputError(f"{file} has format {header.format}, this version of the tool reads {FORMAT}")
        document = msgspec.json.decode(text, type=FactsDocument)
    except msgspec.DecodeError as error:
        hint = "write one with: migrate facts export -o FILE"
        raise InputError(f"{file} is no file of facts: {error}", hint=hint) from error
    origin = f"{file}, written {document.made_at} from {document.place}"
    facts = msgspec.structs.replace(document.facts, source="file", origin=origin)
    return msgspec.structs.replace(document, facts=facts)
