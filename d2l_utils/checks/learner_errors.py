"""What checks say when the learner's code raises an error."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from typing import Any

import torch

from .report import Problem, clean

__all__ = ["error_before", "problem_of", "raised_by_learner", "unwritten"]

# Errors that most exercises can meet: a pattern in "Type: message", and a nudge
COMMON = {
    r"before Module\.__init__|no attribute '_\w*(hooks|modules|parameters)": (
        "Call `super().__init__()` first thing in `__init__`."
    ),
    r'missing the required "forward"': "Define `forward(self, X)`; look for a slip in its name.",
    r"^(NameError|AttributeError|UnboundLocalError)": (
        "A name is used that was never set: compare its spelling where it is set and where it is "
        "used."
    ),
    r"^RecursionError": "Something calls itself without end.",
}
NUDGE = "Run your code by itself in a new cell until this error is gone, then check again."


def problem_of(error: BaseException, nudges: Mapping[str, str]) -> Problem:
    """An error in the attempt as a problem: its type, message and line, and what to do."""
    try:
        message = clean(_without_folders(str(error)))
    except Exception:
        message = ""
    summary = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_learners(f.filename)]
    where = ""
    if frames:
        line = clean(linecache.getline(frames[-1].filename, frames[-1].lineno), 100)
        where = f" (line {frames[-1].lineno} of your code" + (f": `{line}`)" if line else ")")
    nudge = next((n for p, n in {**nudges, **COMMON}.items() if re.search(p, summary)), NUDGE)
    return Problem(summary + where, "no error", nudge, type(error).__name__)


def _without_folders(text: str) -> str:
    """``text`` with every absolute path cut down to its last part."""
    return re.sub(r"(?<![\w./])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\":]+[/\\])+", "", text)


_LIBRARIES = tuple(
    os.path.realpath(path) + os.sep
    for path in {
        os.path.dirname(os.path.dirname(__file__)),
        os.path.dirname(torch.__file__),
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    }
)


def _is_learners(filename: str) -> bool:
    """Whether a file of a traceback is neither ours nor a library's."""
    frozen = filename.startswith("<frozen ") or filename == "<string>"
    return not frozen and not os.path.realpath(filename).startswith(_LIBRARIES)


def raised_by_learner(error: BaseException) -> bool:
    """Whether the attempt's own code has the ``raise``, not a library it called."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and _is_learners(frames[-1].filename)


def unwritten(error: BaseException, attempt: Any) -> Problem | None:
    """That the ``attempt`` is written, but uses code of the learner's that is still a scaffold."""
    attempt = getattr(attempt, "func", attempt)  # of a partial
    members = vars(attempt).values() if isinstance(attempt, type) else [attempt]
    own = {getattr(member, "__code__", None) for member in members}
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    if own == {None} or frame.f_code in own:
        return None
    name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)  # since Python 3.11
    found = f"`{name}`, which your attempt uses, is not written yet (its line {line})"
    return Problem(found, "code that is written", "Write that one first, and run its cell.")


def error_before() -> str:
    """A sentence for the report if the cell that ran before this one ended in an error."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if getattr(shell, "last_execution_succeeded", True):
        return ""
    last = getattr(shell, "last_execution_result", None)
    error = getattr(last, "error_before_exec", None) or getattr(last, "error_in_exec", None)
    kind = f"{type(error).__name__} in the" if error else "error in the"
    return (
        f"Mind the {kind} cell that ran before this one. It has not done its work, so what is "
        "judged here may be your attempt from before: mend it, run it, then run this check again."
    )
