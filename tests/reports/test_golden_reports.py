"""Each format in full, as readable files; `python -m tests.reports.update` writes them anew."""

import json
import random

import pytest

from migrator.plan import codec
from migrator.reports import markdown
from tests.reports.golden_files import FORMATS, golden_file
from tests.reports.samples import HOSTILE, HOSTILE_SCHEMA, SUBJECTS, asking, written


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_the_report_is_the_expected_one(name: str, form: str) -> None:
    made = FORMATS[form](SUBJECTS[name]())

    assert golden_file(name, form).read_text(encoding="utf-8") == made


@pytest.mark.parametrize("form", FORMATS)
def test_equal_subjects_give_equal_bytes(form: str) -> None:
    assert FORMATS[form](SUBJECTS["hostile"]()) == FORMATS[form](written(*HOSTILE, schema=HOSTILE_SCHEMA))


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_pending(form: str) -> None:
    report = FORMATS[form](written())

    if form == "md":
        assert "nothing to do: no file is pending" in report
    elif form == "github.txt":
        assert report == ""
    else:
        document = json.loads(report)
        assert (document["runs"][0]["results"] if form == "sarif.json" else document) == []


def test_a_report_of_a_plan_that_was_read_back_is_the_same() -> None:
    """The plan's document holds what the reports tell of the plan itself."""
    subject = asking()
    read_back = type(subject)(
        plan=codec.decode(codec.encode(subject.plan)),
        migrations=subject.migrations,
        facts=subject.facts,
        paths=dict(random.Random(1).sample(sorted(subject.paths.items()), len(subject.paths))),
    )

    assert markdown.render(subject) == markdown.render(read_back)
