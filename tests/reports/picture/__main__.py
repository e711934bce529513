"""See the package."""

import html
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from migrator.reports.markdown import render
from tests.reports.samples import sample_history, shop

PAGE = """<!doctype html><html><head><meta charset="utf-8">
<link rel="stylesheet" href="{modules}/github-markdown-css/github-markdown-light.css">
<style>.markdown-body {{ padding: 24px 32px; }}
.markdown-body td, .markdown-body th {{ font-size: 14px; }}
.plus {{ background: #dafbe1; }} .minus {{ background: #ffebe9; }}
pre.mermaid {{ background: none !important; text-align: center; }}</style></head>
<body class="markdown-body">{body}<div id="verdicts" hidden></div>
<script src="{modules}/mermaid/dist/mermaid.min.js"></script>
<script>
mermaid.initialize({{ startOnLoad: false }});
(async () => {{
  const verdicts = [];
  for (const [number, each] of document.querySelectorAll("pre.mermaid").entries()) {{
    const source = each.textContent;
    try {{
      await mermaid.parse(source);
      each.innerHTML = (await mermaid.render("diagram" + number, source)).svg;
      verdicts.push("valid");
    }} catch (error) {{ verdicts.push("refused: " + error.message); }}
  }}
  document.getElementById("verdicts").textContent = JSON.stringify(verdicts) + " done";
}})();
</script></body></html>"""


PICTURE = {"✅": "#1a7f37", "✋": "#bf8700", "❌": "#cf222e"}
"""Not every machine has a font with these."""

PICTURES = re.compile("[" + "".join(PICTURE) + "]")

DRAWN = '<svg width="0.8em" height="0.8em"><circle cx="50%" cy="50%" r="50%" fill="{}"/></svg>'


class Renderer(RendererHTML):
    """Blocks of code as a forge shows them: diagrams drawn, differences coloured."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002  # the library's signature
        """Return a block of code."""
        token = tokens[idx]
        if token.info == "mermaid":
            return f'<pre class="mermaid">{escapeHtml(token.content)}</pre>'
        lines = token.content.rstrip("\n").split("\n")
        marks = {"+": "plus", "-": "minus"} if token.info == "diff" else {}
        shown = (f'<span class="{marks.get(line[:1], "")}">{escapeHtml(line)}</span>' for line in lines)
        return "<pre><code>" + "\n".join(shown) + "</code></pre>"


def as_html(markdown: str) -> str:
    """Render it as GitHub does, without what GitHub takes out of HTML."""
    parser = MarkdownIt("commonmark", {"html": True}, renderer_cls=Renderer).enable(
        ["table", "strikethrough"]
    )
    return PICTURES.sub(lambda found: DRAWN.format(PICTURE[found[0]]), str(parser.render(markdown)))


def chromium(page: Path, *arguments: str) -> str:
    """Open the page and return what the browser prints."""
    program = os.environ.get("CHROMIUM", "chromium")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=20000", *arguments, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def markdown_of(report: str) -> str:
    """The text of a file, or the report of files of the sample history."""
    if report.endswith(".md"):
        return Path(report).read_text(encoding="utf-8")
    if report == "each":
        return "\n".join(render(shop(migration.name)) for migration in sample_history()[1:])
    return render(shop(*report.split(",")))


def main(
    modules: str,
    report: str,
    picture: str | None = None,
    width: str = "1280",
    height: str = "1400",
    *opened: str,
) -> int:
    """Judge, and draw."""
    body = as_html(markdown_of(report))
    for fold in opened:
        body = body.replace(f"<details>\n<summary>{fold}<", f"<details open>\n<summary>{fold}<", 1)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(PAGE.format(modules=Path(modules).resolve().as_uri(), body=body), encoding="utf-8")
        found = re.search(r'id="verdicts"[^>]*>(.*?) done<', chromium(page, "--dump-dom"), re.DOTALL)
        verdicts = html.unescape(found[1]) if found else "no verdict: the page did not come to its end"
        if picture is not None:
            chromium(page, f"--screenshot={Path(picture).resolve()}", f"--window-size={width},{height}")
    sys.stdout.write(f"{verdicts}\n")
    return int(found is None or "refused" in verdicts)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
