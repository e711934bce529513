"""One DDL operation per file. Adding one touches one existing line: its entry in `OPERATIONS`."""
