"""The program in a folder of the test's own, as the tests of the command line have it."""

from tests.cli.conftest import shell, site

__all__ = ["shell", "site"]
