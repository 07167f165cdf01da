"""A figure with sliders below it, if ipywidgets is there; the same figure without, if not."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Sequence

from .style import pyplot

__all__ = ["sliders"]


def sliders(draw: Callable, **controls: Sequence) -> None:
    """Show the figure that ``draw`` returns, and redraw it whenever a slider is moved.

    Args:
        draw: Takes each control as a keyword, with a default, and returns a matplotlib figure.
        controls: Of each argument of ``draw``: (lowest, highest) or (lowest, highest, step) for a
            slider of integers, a list for a choice.
    """
    start = {name: inspect.signature(draw).parameters[name].default for name in controls}
    try:
        import ipywidgets
    except ImportError:
        draw()
        print(f"no ipywidgets here: call {draw.__name__}(...) with other values")
        return
    picture = ipywidgets.Image(format="png")
    inputs = {}
    for name, choice in controls.items():
        about = {"value": start[name], "description": name, "continuous_update": False}
        about["style"] = {"description_width": "8em"}
        if isinstance(choice, list):
            inputs[name] = ipywidgets.SelectionSlider(options=choice, **about)
        else:
            low, high, *step = choice
            inputs[name] = ipywidgets.IntSlider(
                min=low, max=high, step=step[0] if step else 1, **about
            )

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
