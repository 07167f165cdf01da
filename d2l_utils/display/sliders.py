"""A figure with sliders below it, if ipywidgets is there; the same figure without, if not."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Sequence

from .style import pyplot

__all__ = ["sliders"]


def sliders(draw: Callable, **controls: Sequence) -> None:
    """Show the figure that ``draw`` returns, and redraw it while a slider is dragged.

    The figure is an ``Image``, not ``ipywidgets.interactive_output``, whose ``Output`` can make
    ``nbconvert --execute`` hang. nbclient 0.11 answers an ``Output`` on the socket on which it
    awaits the end of the cell; a reply that comes just before the answer is not seen (nbclient
    #312). With pyzmq alone, an answer sent after the reply hung 5 times of 5, no answer 0 of 5. In
    a notebook it depends on the load. An ``Image`` is never answered.

    Args:
        draw: Takes each control as a keyword, with a default, and returns a matplotlib figure.
        controls: Of each argument of ``draw``: (lowest, highest) or (lowest, highest, step) for a
            slider of numbers, a list for a choice.
    """
    try:
        import ipywidgets
    except ImportError:
        draw()
        print(f"no ipywidgets here: call {draw.__name__}(...) with other values")
        return
    picture = ipywidgets.Image(format="png", layout={"align_self": "flex-start"})
    inputs = {}
    for name, choice in controls.items():
        start = inspect.signature(draw).parameters[name].default
        if isinstance(choice, list):  # the library would make it a menu, which cannot be dragged
            choice = ipywidgets.SelectionSlider(options=choice, value=start)
        inputs[name] = control = ipywidgets.interactive.widget_from_abbrev(choice, start)
        control.description, control.style.description_width = name, "8em"
        control.layout.width = "auto"  # as wide as the page

    def update(_=None) -> None:
        picture.value = _png(draw(**{name: control.value for name, control in inputs.items()}))

    for control in inputs.values():
        control.observe(update, "value")
    update()
    from IPython.display import display

    display(ipywidgets.VBox([picture, *inputs.values()]))


def _png(figure) -> bytes:
    """The figure as a picture; it is closed, so that Jupyter does not show it once more."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    pyplot().close(figure)
    return file.getvalue()
