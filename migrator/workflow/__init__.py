"""From files, journal and database to what is to be run; shared by the command line and programs.

Reads with a read-only session, plans, and hands over to the runner. It may assume that the files were read
already. Raises the errors of `errors.py`; nothing here is shown to anybody.
"""

from migrator.workflow.agenda import Agenda, file_state, prepare
from migrator.workflow.applying import (
    Unapproved,
    apply,
    check_may_begin,
    contract,
    contractable,
    going_on_with,
    look,
    ready,
    remaining,
    waiting_through,
)
from migrator.workflow.observation import Observation, observe, place
from migrator.workflow.resetting import check_reset, created_extensions, reset
from migrator.workflow.saved import apply_saved, check_fresh, saved_agenda

__all__ = [
    "Agenda",
    "Observation",
    "Unapproved",
    "apply",
    "apply_saved",
    "check_fresh",
    "check_may_begin",
    "check_reset",
    "contract",
    "contractable",
    "created_extensions",
    "file_state",
    "going_on_with",
    "look",
    "observe",
    "place",
    "prepare",
    "ready",
    "remaining",
    "reset",
    "saved_agenda",
    "waiting_through",
]
