"""What a chip has to hold so that maps never leave it: those that are still to be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from ..costs.macs import kind_of
from ..costs.trace import trace

__all__ = ["largest_maps"]


def largest_maps(model: nn.Module, X_shape: Sequence[int]) -> int:
    """Numbers in maps that exist at once, at most, on an input of ``X_shape`` (batch first).

    A map exists from the operation that writes it to the last one that reads it. Activations are
    computed in place where nothing else reads what they read; weights are not counted, nor what
    nothing reads, such as the places of a pool's maxima. Results stay to the end.
    """
    call = trace(model, X_shape)
    operations = [each for each in call.operations() if not each.moves_nothing]
    reads = [[value for value in each.reads if value.role == "data"] for each in operations]
    last = {value.id: i for i, values in enumerate(reads) for value in values}
    last |= {value.id: len(operations) - 1 for value in call.writes}  # the results stay
    place: dict[int, int] = {}  # of a value, the map in whose memory it is
    sizes: dict[int, int] = {}
    span: dict[int, list[int]] = {}  # of a map, when it is written and when it was last read
    for i, (operation, values) in enumerate(zip(operations, reads, strict=True)):
        written = [value for value in operation.writes if value.id in last]
        in_place = kind_of(operation) == "activation" and values and last[values[0].id] == i
        for value in written if in_place else ():
            place[value.id] = place.get(values[0].id, values[0].id)
        for value in (*values, *written):
            at = place.setdefault(value.id, value.id)
            sizes[at] = max(sizes.get(at, 0), math.prod(value.shape))
            span.setdefault(at, [i, i])[1] = max(i, last[value.id])
    at_once = [
        sum(sizes[at] for at, (first, end) in span.items() if first <= i <= end)
        for i in range(len(operations))
    ]
    return max(at_once, default=math.prod(X_shape))
