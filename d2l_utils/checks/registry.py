"""Exercises by id, and how an attempt is put to the test."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from . import tries
from .learner_errors import error_before, problem_of, raised_by_learner, unwritten
from .report import Problem, Report, Unattempted, clean

__all__ = ["check", "progress", "register", "run", "yours"]

Judge = Callable[[Any], "Problem | None"]


@dataclass(frozen=True)
class Exercise:
    """A title, and requirements in the order in which they are judged.

    ``hints`` are the titles of the page's hints, each giving away more than the one before it;
    ``starts`` names requirements that begin further up that ladder, by the hint's number from 0.
    ``used`` makes of a right attempt what the notebook goes on with.
    """

    title: str
    requirements: Sequence[tuple[str, Judge]]
    prepare: Callable[[Any], Any] = lambda attempt: attempt
    nudges: Mapping[str, str] = field(default_factory=dict)
    hints: Sequence[str] = ()
    starts: Mapping[str, int] = field(default_factory=dict)
    used: Callable[[Any], Any] = lambda attempt: attempt


EXERCISES: dict[str, Exercise] = {}


def register(
    exercise: str,
    title: str,
    requirements: Sequence[tuple[str, Judge]],
    prepare: Callable[[Any], Any] = lambda attempt: attempt,
    nudges: Mapping[str, str] | None = None,
    hints: Sequence[str] = (),
    starts: Mapping[str, int] | None = None,
    used: Callable[[Any], Any] = lambda attempt: attempt,
) -> None:
    """Add an exercise, its id "section/number".

    Each requirement is a text and a function that returns None or a ``Problem``; it is given
    ``prepare(attempt)``, called once, by default the attempt itself. ``nudges`` maps patterns,
    searched in "ErrorType: message", to the nudge for an error of that kind. ``hints`` are the
    titles of the notebook's hints on this exercise, from the smallest to the largest; a requirement
    in ``starts`` skips so many of them. ``used`` makes of a right attempt what ``yours`` returns.
    """
    nudges, starts = dict(nudges or {}), dict(starts or {})
    EXERCISES[exercise] = Exercise(
        title, tuple(requirements), prepare, nudges, tuple(hints), starts, used
    )


def find(exercise: str) -> Exercise:
    """The exercise of that id; imports the modules of its section if needed."""
    if isinstance(exercise, str) and exercise not in EXERCISES:
        _import_section(exercise.partition("/")[0].replace(".", "_") + "_")
    if not isinstance(exercise, str) or exercise not in EXERCISES:
        _import_section("")
        ids = ", ".join(map(repr, sorted(EXERCISES)))
        raise ValueError(f"exercise must be one of {ids}; got {clean(repr(exercise), 80)}")
    return EXERCISES[exercise]


def _import_section(prefix: str) -> None:
    """Import the exercises of each section whose folder's name begins with ``prefix``.

    A section is a folder named as its notebooks', say ``8_4_googlenet``; in it, a module whose
    name begins with a digit is that of a notebook, and registers its exercises when imported.
    """
    for path in sorted(Path(__file__).parent.glob(f"{prefix}*/[0-9]*.py")):
        importlib.import_module(f"{__package__}.{path.parent.name}.{path.stem}")


def check(exercise: str, attempt: Any, whose: str = "") -> None:
    """Show how ``attempt`` meets the requirements of ``exercise``, such as "8.4/0".

    Errors in the attempt are explained, not raised. From the second failure in a row on, the report
    names a hint. ``whose`` says whose attempt it is, if not the reader's: the heading tells it, and
    it counts as no try. ValueError if there is no such exercise.
    """
    report = run(exercise, attempt)
    if whose:
        report = replace(report, whose=whose)
    else:
        spec = find(exercise)
        hint = tries.note(report, spec.hints, spec.starts.get(report.requirement, 0))
        report = replace(report, notice=error_before(), hint=hint)
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython():
        ipython.display.display(report)
        return
    try:
        print(report.text)
    except UnicodeEncodeError:  # a terminal without the signs
        encoding = sys.stdout.encoding
        print(report.text.encode(encoding, "replace").decode(encoding))


def yours(exercise: str, attempt: Any, workbooks: Any) -> Any:
    """``attempt`` if it passes the check of ``exercise`` now, else ``workbooks``; says which.

    Judged anew each time: an attempt that was changed for the worse is not used any longer.
    """
    report = run(exercise, attempt)
    mine, theirs = map(_name, (attempt, workbooks))
    if report.passed:
        print(f"{exercise} is passed: below, your {mine} is used.")
        return find(exercise).used(attempt)
    state = "does not pass its check" if report.attempted else "is not attempted yet"
    print(f"{exercise} {state}: below, the workbook's {theirs} is used.")
    return workbooks


def _name(attempt: Any) -> str:
    """A function's or class's name, also where some of its arguments are fixed."""
    return getattr(getattr(attempt, "func", attempt), "__name__", "answer")


def progress() -> None:
    """Print which exercises were tried, and which passed, in this copy of the workbook."""
    _import_section("")
    print(tries.table({exercise: spec.title for exercise, spec in sorted(EXERCISES.items())}))


def run(exercise: str, attempt: Any) -> Report:
    """The report that ``check`` shows."""
    spec = find(exercise)
    about = (exercise, spec.title, tuple(text for text, _ in spec.requirements))
    if attempt is None or attempt is ...:
        return Report(*about, attempted=False)
    with _undisturbed():
        context = None
        for index, (_, judge) in enumerate(spec.requirements):
            try:
                context = context if index else spec.prepare(attempt)
                problem = judge(context)
            except KeyboardInterrupt:
                raise
            except Unattempted:
                return Report(*about, attempted=False)
            except BaseException as error:  # SystemExit and the like as well
                if isinstance(error, NotImplementedError) and raised_by_learner(error):
                    problem = unwritten(error, attempt)
                    if problem is None:
                        return Report(*about, attempted=False)
                else:
                    problem = problem_of(error, spec.nudges)
            if problem is not None:
                return Report(*about, failed=index, problem=problem)
    return Report(*about)


def _on_the_cpu():
    """New tensors are made there; a context that costs something with every operation."""
    there = torch.get_default_device().type == "cpu"
    return nullcontext() if there else torch.device("cpu")


@contextmanager
def _undisturbed():
    """Same random numbers, device and modes for every run of a check; the caller's come back.

    Gradients are on, also inside ``torch.no_grad()`` and ``torch.inference_mode()``: the second of
    them ``enable_grad`` would not undo.
    """
    threads = torch.get_num_threads()
    with (
        torch.inference_mode(False),
        torch.random.fork_rng(devices=[]),
        _on_the_cpu(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.default_generator.manual_seed(0)
        torch.set_num_threads(1)  # the tensors are tiny
        try:
            yield
        finally:
            torch.set_num_threads(threads)
