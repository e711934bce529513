"""`python -m tests.reports.update`: write the expected reports anew; read the difference first."""

from tests.reports.golden_files import FORMATS, golden_file
from tests.reports.samples import SUBJECTS


def main() -> None:
    for name, make in SUBJECTS.items():
        subject = make()
        for form, render in FORMATS.items():
            golden_file(name, form).write_text(render(subject), encoding="utf-8")


if __name__ == "__main__":
    main()
