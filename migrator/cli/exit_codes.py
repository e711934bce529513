"""What the exit codes mean, in the words of every `--help`; docs/exit-codes.md has the long form."""

EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "a bug in migrate; please report it",
    2: "the command line or the configuration is wrong",
    3: "a hazard needs an approval in the file",
    4: "work is pending or waiting (with --check, or after migrate wait)",
    5: "a file, a saved plan or the database's state stands in the way",
    6: "another runner holds the database, after --wait",
    7: "stopped safely; run again to resume",
    8: "a step failed; a person is needed",
    9: "cannot connect",
    130: "interrupted (Ctrl-C) after a safe checkpoint",
    143: "terminated after a safe checkpoint",
}
