"""How an attempt wants to be built."""

from __future__ import annotations

import inspect
import re
from typing import Any


def bound(given: Any, inputs: int, arguments: tuple) -> tuple[tuple, dict] | None:
    """What to call an attempt with, the input channels where it wants them; None: nothing."""
    try:
        signature = inspect.signature(given)
    except (TypeError, ValueError):
        return arguments, {}
    names = list(signature.parameters)
    named = [n for n in names if re.match(r"c?_?in(_|c|p|$)|num_in|c0$", n.lower())]
    tries: list[tuple[tuple, dict]] = [(arguments, {}), ((inputs, *arguments), {})]
    if named and signature.parameters[named[0]].kind is inspect.Parameter.KEYWORD_ONLY:
        tries.insert(0, (arguments, {named[0]: inputs}))
    elif named:
        place = names.index(named[0])
        tries.insert(0, ((*arguments[:place], inputs, *arguments[place:]), {}))
    for args, kwargs in tries:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            continue
        return args, kwargs
    return None
