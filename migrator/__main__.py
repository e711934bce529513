"""`python -m migrator`: the same program as the console script `migrate`."""

from migrator.cli.main import main

if __name__ == "__main__":
    main()
