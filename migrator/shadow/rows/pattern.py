"""A text that a simple regular expression matches: literals, classes, groups, alternatives, repetition.

Only ever a candidate: the server is asked whether it matches. What is not understood (look-around, back
references) gives None.
"""

from __future__ import annotations

from dataclasses import dataclass

_CLASSES = {
    "d": "0123456789",
    "w": "abcdefghijklmnopqrstuvwxyz0123456789_",
    "s": " ",
    "D": "a",
    "S": "a",
    "W": "-",
}

_NAMED = {
    "alpha": "abcdefghijklmnopqrstuvwxyz",
    "digit": "0123456789",
    "alnum": "abcdefghijklmnopqrstuvwxyz0123456789",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "space": " ",
    "xdigit": "0123456789abcdef",
}

_MOST = 8
"""Repetitions of what may be repeated without end."""


class _NotUnderstood(Exception):
    """There is something in the pattern that is not read here."""


def sample(pattern: str, n: int, *, long: bool = False) -> str | None:
    """Return a text that the pattern matches; n chooses among them, `long` repeats more."""
    try:
        reader = _Reader(pattern=pattern, n=n, long=long)
        text = reader.alternatives()
    except (_NotUnderstood, IndexError, ValueError):
        return None
    return text if reader.at == len(pattern) else None


@dataclass(slots=True, kw_only=True)
class _Reader:
    pattern: str
    n: int
    long: bool
    at: int = 0
    drawn: int = 0

    @property
    def next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def choose(self, choices: str) -> str:
        """Give another character for each place and each n."""
        self.drawn += 1
        return choices[(self.n * 7 + self.drawn * 3 + self.n // (self.drawn + 1)) % len(choices)]

    def alternatives(self) -> str:
        """Read up to the end or a closing parenthesis, and take one of the alternatives."""
        found = [self.sequence()]
        while self.next == "|":
            self.at += 1
            found.append(self.sequence())
        return found[self.n % len(found)]

    def sequence(self) -> str:
        text = ""
        while self.next and self.next not in "|)":
            start, drawn = self.at, self.drawn
            self.atom()
            end = self.at
            times = self.times()
            after = self.at
            self.drawn = drawn
            for _ in range(times):
                self.at = start
                text += self.atom()
            self.at = max(after, end)
        return text

    def atom(self) -> str:
        character = self.next
        self.at += 1
        match character:
            case "^" | "$":
                return ""
            case ".":
                return self.choose(_CLASSES["w"])
            case "(":
                return self.group()
            case "[":
                return self.choose(self.characters())
            case "\\":
                return self.escape()
            case _:
                return character

    def group(self) -> str:
        if self.pattern.startswith("?", self.at):
            if not self.pattern.startswith("?:", self.at):
                raise _NotUnderstood
            self.at += 2
        text = self.alternatives()
        if self.next != ")":
            raise _NotUnderstood
        self.at += 1
        return text

    def escape(self) -> str:
        character = self.pattern[self.at]
        self.at += 1
        if character in _CLASSES:
            return self.choose(_CLASSES[character])
        if character.isalnum():
            if character in "AZmMyY":
                return ""
            raise _NotUnderstood
        return character

    def characters(self) -> str:
        """Read a class up to its bracket; of a negated one take what is not in it."""
        negated = self.next == "^"
        self.at += negated
        found = ""
        while self.next != "]" or not found:
            found += self.member()
        self.at += 1
        if not negated:
            return found
        return "".join(c for c in _CLASSES["w"] + "-. " if c not in found)

    def member(self) -> str:
        if self.pattern.startswith("[:", self.at):
            end = self.pattern.index(":]", self.at)
            name = self.pattern[self.at + 2 : end]
            self.at = end + 2
            return _NAMED.get(name, "a")
        character = self.pattern[self.at]
        self.at += 1
        if character == "\\":
            character = self.pattern[self.at]
            self.at += 1
            if character in _CLASSES:
                return _CLASSES[character]
        if self.next == "-" and self.pattern[self.at + 1] != "]":
            last = self.pattern[self.at + 1]
            self.at += 2
            return "".join(map(chr, range(ord(character), ord(last) + 1)))
        return character

    def times(self) -> int:
        """Read *, +, ?, {m}, {m,} or {m,n}, each perhaps with ? behind it."""
        low, high = 1, 1
        match self.next:
            case "*":
                low, high = 0, _MOST
            case "+":
                low, high = 1, _MOST
            case "?":
                low, high = 0, 1
            case "{":
                end = self.pattern.index("}", self.at)
                first, comma, last = self.pattern[self.at + 1 : end].partition(",")
                low = int(first or 0)
                high = low if not comma else int(last) if last else low + _MOST
                self.at = end
            case _:
                return 1
        self.at += 1
        self.at += self.next == "?"
        return min(high, max(low, _MOST)) if self.long else max(low, min(high, 1))
