"""Markdown read as a forge reads it: which text is shown, and which elements it makes."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

ALLOWED = frozenset(
    {"h2", "h3", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li"}
    | {"details", "summary", "blockquote", "span"}
)
"""All that a report is made of; no link, no picture, no script."""

VOID = frozenset({"br"})

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Shown(HTMLParser):
    """The elements of a page, and its text outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[str] = []
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.plain: list[str] = []
        self.whole: list[str] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.whole.append(data)
        if "code" not in self.opened:
            self.plain.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def shown(markdown: str) -> Shown:
    """Read it; every element is closed in its order."""
    page = Shown()
    page.feed(_PARSER.render(markdown))
    page.close()
    assert page.opened == []
    return page
