"""The repository keeps the rules that no tool checks: sizes, reasons, changelog fragments, one version."""

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import migrator

ROOT = Path(__file__).resolve().parent.parent

LONGEST_MODULE = 300

LONGEST_FUNCTION = 40
"""Lines without the docstring, which is documentation and in `cli` the help text."""

FRAGMENT = re.compile(r"\+[a-z0-9-]+\.(added|changed|removed|fixed|security)\.md")

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b(?P<rest>.*)")

REASON = re.compile(r"(:\s*[A-Z0-9, ]*[A-Z0-9]|\[[a-z-, ]+\])\s*(#|[-–—]|\()?\s*\(?[A-Za-z`]\S*\s+\S+")


def sources(*folders: str) -> list[Path]:
    """The Python files under these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_no_module_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in sources("migrator")}
    too_long = {str(path): length for path, length in lengths.items() if length > LONGEST_MODULE}

    assert too_long == {}


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": length(function)
        for path in sources("migrator")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and length(function) > LONGEST_FUNCTION
    }

    assert too_long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("migrator")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_every_suppression_has_its_reason() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources("migrator", "tests", "benchmarks")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := SUPPRESSION.search(line)) and not REASON.match(found["rest"])
    ]

    assert bare == []


def test_every_lint_rule_ignored_has_its_reason() -> None:
    bare = [
        line.strip()
        for line in (ROOT / "pyproject.toml").read_text().splitlines()
        if re.match(r'\s*"[A-Z]+[0-9]+"', line) and not re.search(r'",\s*# \S+ \S+', line)
    ]

    assert bare == []


def test_every_changelog_fragment_is_well_formed() -> None:
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    malformed = [
        path.name
        for path in fragments
        if not FRAGMENT.fullmatch(path.name) or not re.search(r"\w.*\.\n\Z", path.read_text(), re.DOTALL)
    ]

    assert malformed == []


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    written = [
        str(path.relative_to(ROOT))
        for path in [*sources("migrator"), ROOT / "pyproject.toml"]
        if re.search(rf"version.*{re.escape(migrator.__version__)}\b", path.read_text())
    ]

    assert "version" not in project["project"]
    assert written == ["migrator/__init__.py"]


def test_the_installed_version_is_the_written_one() -> None:
    assert importlib.metadata.version("pg-migrator") == migrator.__version__


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function, from `def` to its end, without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines
