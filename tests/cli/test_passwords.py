"""Passwords are known by their shape, also where libpq would not read them so; what is around them stays."""

import pytest

from migrator.postgres.passwords import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:secret@h:5432/db?x=a@b", "postgresql://u:***@h:5432/db?x=a@b"),
        ("postgresql://u:sec/ret@h/db", "postgresql://u:***@h/db"),
        ("host=h password=secret user=u", "host=h password=*** user=u"),
        ("host=h password=sec'ret user=u", "host=h password=*** user=u"),
        ("host=h password=sec\\ ret user=u", "host=h password=*** user=u"),
        ("host=h password='sec ret' user=u", "host=h password=*** user=u"),
        ("'host=h password=secret'", "'host=h password=***'"),
        ('{"dsn": "password=secret"}', '{"dsn": "password=***"}'),
        ("connect(password=secret, user=u)", "connect(password=***, user=u)"),
        ("?password=secret&sslmode=require", "?password=***&sslmode=require"),
        ("https://e.org:443/a@b", "https://e.org:443/a@b"),
    ],
)
def test_passwords_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
