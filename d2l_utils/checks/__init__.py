"""Checks: instant answers to the exercises of the notebooks.

``check("8.4/0", attempt)`` shows a short report; ``run`` returns it. Each book section has a
folder of the same name as its notebooks' that registers its exercises and is imported when first
asked for.
"""

from .answers import answers, question
from .registry import check, progress, register, run, yours
from .report import Problem, Report, Unattempted

__all__ = [
    "check",
    "progress",
    "yours",
]  # what notebooks need; authors of exercises import the rest by name
_AUTHORS = (Problem, Report, Unattempted, answers, question, register, run)
