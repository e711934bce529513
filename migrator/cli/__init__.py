"""The command line: reads what was typed, calls `workflow` and `runner`, shows what they return.

Results go to standard output, everything else to standard error. `main` is imported by every start of the
program and needs nothing but click; a command's module is imported when the command runs.
"""
