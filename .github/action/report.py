"""Puts the report into the job's summary, and into the one comment of the pull request that is kept current.

The comment is found by the hidden marker in the report's first line, among those of one author. Where the
token may not write (a pull request from a fork) the summary has to do, and the step says so. Standard library
only.
"""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARKER = re.compile(r"<!-- migrator:[^>]*-->")
ATTEMPTS = 4
PAGES = 50
PAGE = 100
FORBIDDEN = {401, 403, 404}
PASSING = {429, 500, 502, 503, 504}


def main() -> None:
    """Write the summary, then the comment if there is a pull request."""
    path = os.environ.get("MIGRATE_ACTION_MARKDOWN", "")
    if not path or not Path(path).is_file():
        print("there is no report: the plan was not made, and the step before says why")
        return
    text = Path(path).read_text(encoding="utf-8")
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(text + "\n")
    number = pull_request()
    if os.environ.get("MIGRATE_ACTION_COMMENT") == "true" and number is not None:
        try:
            print(comment(text, number))
        except urllib.error.HTTPError as error:
            if error.code not in FORBIDDEN:
                raise
            print(
                f"::notice::no comment: the token may not write one ({error.code}), as in a pull request "
                "from a fork; the report is in the job's summary"
            )


def pull_request() -> int | None:
    """The number of the pull request that the event is about."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    found = event.get("pull_request") or {}
    return found.get("number")


def comment(text: str, number: int) -> str:
    """Change the comment that has the report's marker, or write the first one."""
    found = MARKER.search(text.partition("\n")[0])
    if found is None:
        sys.exit("the report does not begin with its marker")
    repository = os.environ["GITHUB_REPOSITORY"]
    for known in comments(repository, number):
        if found[0] in (known.get("body") or ""):
            if known["body"] == text:
                return f"the comment is up to date: {known['html_url']}"
            request("PATCH", f"/repos/{repository}/issues/comments/{known['id']}", {"body": text})
            return f"changed the comment: {known['html_url']}"
    made = request("POST", f"/repos/{repository}/issues/{number}/comments", {"body": text})
    return f"wrote a comment: {made['html_url']}"


def comments(repository: str, number: int) -> Iterator[dict[str, Any]]:
    """The comments of the author that the token belongs to, oldest first."""
    author = os.environ.get("MIGRATE_ACTION_COMMENT_AUTHOR", "")
    for page in range(1, PAGES + 1):
        found = request("GET", f"/repos/{repository}/issues/{number}/comments?per_page={PAGE}&page={page}")
        yield from (each for each in found if each["user"]["login"] == author)
        if len(found) < PAGE:
            return


def request(method: str, path: str, body: dict[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
    """Ask the API; what passes by itself is tried again."""
    for attempt in range(1, ATTEMPTS + 1):
        asked = urllib.request.Request(
            os.environ["GITHUB_API_URL"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {os.environ['MIGRATE_ACTION_TOKEN']}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in PASSING or attempt == ATTEMPTS:
                raise
            time.sleep(float(os.environ.get("MIGRATE_ACTION_PAUSE", "2")) * attempt)
    raise AssertionError


if __name__ == "__main__":
    main()
