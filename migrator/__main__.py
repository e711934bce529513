"""The program: `python -m migrator` and the console script `migrate`.

Loading takes a tenth of a second, in which somebody may press Ctrl-C; the command line is therefore loaded
where that is heard.
"""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process; always ends in SystemExit."""
    try:
        from migrator.cli.main import main as run  # noqa: PLC0415  # see above

        run()
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: interrupted\n")  # after the ^C of the terminal
        sys.exit(130)  # as a shell reports a program that SIGINT ended


if __name__ == "__main__":
    main()
