"""The folder of migration files."""

from pathlib import Path

import pytest

from migrator.errors import InputError, UsageError
from migrator.history import list_files, read_history, read_text


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("SELECT 1;\n", encoding="utf-8")


def test_versions_are_sorted_as_numbers(tmp_path: Path) -> None:
    write(tmp_path, "10_c.sql", "9_b.sql", "0001_a.sql")
    (tmp_path / "README.md").write_text("not a migration")

    assert [file.version for file in list_files(tmp_path)] == ["0001", "9", "10"]


def test_an_empty_folder_has_no_migrations(tmp_path: Path) -> None:
    assert list_files(tmp_path) == ()


@pytest.mark.parametrize("other", ["12_b.sql", "0012_b.sql"])
def test_two_files_cannot_have_the_same_version(tmp_path: Path, other: str) -> None:
    write(tmp_path, "12_a.sql", other)

    with pytest.raises(InputError, match="same version") as raised:
        list_files(tmp_path)

    assert "migrate renumber" in str(raised.value.hint)


@pytest.mark.parametrize("name", ["add_email.sql", "12.sql", "12-add.sql", "v12_add.sql", "12_.sql"])
def test_a_sql_file_of_another_name_is_an_error_that_names_the_pattern(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)

    with pytest.raises(InputError, match=r"VERSION_name\.sql"):
        list_files(tmp_path)


def test_a_missing_folder_is_a_usage_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file") as raised:
        list_files(tmp_path / "none")

    assert "migrate init" in str(raised.value.hint)


def test_listing_reads_no_file(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_bytes(b"\xff")

    assert len(list_files(tmp_path)) == 1


def test_text_that_is_not_utf8_is_an_error_with_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "1_a.sql"
    path.write_bytes("SELECT 1;\n-- größe ".encode() + b"\xe4\n")

    with pytest.raises(InputError, match="UTF-8") as raised:
        read_text(path)

    assert str(raised.value.at) == f"{path}:2:10"


def test_a_byte_order_mark_is_not_part_of_the_text_and_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "1_a.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT 1;\r\n")

    assert read_text(path) == "SELECT 1;\r\n"


def test_an_unreadable_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").mkdir()

    with pytest.raises(InputError, match="cannot read"):
        read_history(tmp_path)


def test_the_history_is_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, "2_second.sql", "1_first_one.sql")

    migrations = read_history(tmp_path)

    assert [(m.version, m.name) for m in migrations] == [("1", "first_one"), ("2", "second")]
    assert migrations[0].file == str(tmp_path / "1_first_one.sql")
    assert len(migrations[0].statements) == 1
