"""What a check has to say: as text, and as HTML with the same facts."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Problem", "Report", "Unattempted", "clean"]

WIDTH = 88  # columns of the text
MET, FAILED, AHEAD = "✓", "✗", "—"
# Okabe and Ito's green and vermilion: apart for colour-blind eyes, at least 3:1 on white and black
COLORS = {MET: "#009E73", FAILED: "#D55E00", AHEAD: "inherit"}
MEANINGS = {MET: "met", FAILED: "not met", AHEAD: "not reached"}
BEGIN = (
    "In the cell above, fill in the marked lines and run it; then run this cell again. "
    "The check looks at these points:"
)


class Unattempted(Exception):  # noqa: N818 (it is no error)
    """Raised by a requirement that finds a scaffold nobody has filled in yet."""


@dataclass(frozen=True)
class Problem:
    """Why a requirement is not met. The nudge, two sentences at most, points; it does not solve.

    The ``code`` names the mistake for other code: it stays the same when the words change.
    """

    found: str
    expected: str
    nudge: str
    code: str = ""

    def lines(self) -> tuple[tuple[str, str], ...]:
        """The labelled lines of a report."""
        return ("found", self.found), ("expected", self.expected), ("→", self.nudge)


def clean(text: str, limit: int = 300) -> str:
    """``text`` on one line, printable everywhere, without memory addresses, cut at ``limit``."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    text = re.sub(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]+", " ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True)
class Report:
    """The outcome of one check; ``failed`` is the index of the first requirement not met.

    ``whose`` names the attempt where it is not the reader's; ``notice`` is said before all else;
    ``hint`` is the title of a hint on the page.
    """

    exercise: str
    title: str
    requirements: tuple[str, ...]
    failed: int | None = None
    problem: Problem | None = None
    attempted: bool = True
    whose: str = ""
    notice: str = ""
    hint: str = ""

    @property
    def passed(self) -> bool:
        """Whether every requirement is met."""
        return self.attempted and self.failed is None

    @property
    def requirement(self) -> str | None:
        """The first requirement not met."""
        return None if self.failed is None else self.requirements[self.failed]

    @property
    def heading(self) -> str:
        """Exercise and verdict in one line."""
        total = len(self.requirements)
        if not self.attempted:
            verdict = "not attempted yet"
        elif self.passed:
            verdict = "passed"
        else:
            verdict = f"{self.failed} of {total} requirements met so far"
        whose = f" ({self.whose})" if self.whose else ""
        return f"{self.exercise} {self.title}{whose}: {verdict}"

    @property
    def preface(self) -> tuple[str, ...]:
        """What stands between heading and requirements."""
        return tuple(filter(None, (self.notice, "" if self.attempted else BEGIN)))

    def rows(self) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """Sign, text and details of each requirement."""
        reached = len(self.requirements) if self.passed else (self.failed or 0)
        for index, text in enumerate(self.requirements):
            if index < reached:
                yield MET, text, ()
            elif index == self.failed:
                details = (*self.problem.lines(), *([("see", self.hint)] if self.hint else []))
                yield FAILED, text, tuple((label, clean(line, 600)) for label, line in details)
            else:
                yield AHEAD, text, ()

    @property
    def text(self) -> str:
        """The report in plain text."""

        def wrapped(line: str, first: str, rest: str) -> str:
            return textwrap.fill(
                line, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
            )

        lines = [self.heading, *(wrapped(line, "  ", "  ") for line in self.preface)]
        for sign, text, details in self.rows():
            lines.append(wrapped(text, f"  {sign} ", "    "))
            for label, detail in details:
                first = f"      {label} " if label == "→" else f"      {label:<9} "
                lines.append(wrapped(detail, first, " " * len(first)))
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """The report in HTML: inline styles that inherit the page's colours, no script."""

        def inline(text: str) -> str:
            return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))

        def item(sign: str, text: str, details) -> str:
            more = "".join(
                f'<div style="margin-left: 1.6em"><i>{label}</i> {inline(detail)}</div>'
                for label, detail in details
            )
            glyph = (
                f'<span role="img" aria-label="{MEANINGS[sign]}" style="color: {COLORS[sign]}; '
                f'font-weight: bold; display: inline-block; width: 1.6em">{sign}</span>'
            )
            faded = ' style="opacity: 0.7"' if sign == AHEAD else ""
            return f"<li{faded}>{glyph}{inline(text)}{more}</li>"

        preface = "".join(f"<div>{inline(line)}</div>" for line in self.preface)
        items = "".join(item(*row) for row in self.rows())
        edge = COLORS[MET] if self.passed else COLORS[FAILED] if self.attempted else "currentColor"
        return (
            f'<div style="color: var(--jp-content-font-color1, currentColor); line-height: 1.5; '
            f'border-left: 3px solid {edge}; padding-left: 0.8em">'
            f"<div><b>{inline(self.heading)}</b></div>{preface}"
            f'<ul style="list-style: none; margin: 0; padding: 0">{items}</ul></div>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}
