"""A figure with sliders below it, if ipywidgets is there; the same figure without, if not."""

from __future__ import annotations

import base64
import inspect
import io
import os
from collections.abc import Callable, Sequence

from .figure_words import in_words
from .style import pyplot

__all__ = ["sliders"]

VIEW = "application/vnd.jupyter.widget-view+json"


def sliders(draw: Callable, **controls: Sequence) -> None:
    """Show the figure that ``draw`` returns, and redraw it while a slider is dragged.

    Where a notebook is only shown (on a website, on GitHub) the figure stands there without its
    sliders. With ``D2L_STATIC`` set it is all that is kept, as for a notebook to be saved: sliders
    whose kernel is gone would be broken.

    The figure is an ``Image``, not ``ipywidgets.interactive_output``, whose ``Output`` can make
    ``nbconvert --execute`` hang. nbclient 0.11 answers an ``Output`` on the socket on which it
    awaits the end of the cell; a reply that comes just before the answer is not seen (nbclient
    #312). With pyzmq alone, an answer sent after the reply hung 5 times of 5, no answer 0 of 5. In
    a notebook it depends on the load. An ``Image`` is never answered.

    Args:
        draw: Takes each control as a keyword, with a default, and returns a matplotlib figure.
        controls: Of each argument of ``draw``: (lowest, highest) or (lowest, highest, step) for a
            slider of numbers; for a slider of choices a list of them, or of pairs of how a choice
            is told and the choice: ``[("8 KiB", 8192), …]``.
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

    def drawn():
        return draw(**{name: control.value for name, control in inputs.items()})

    def update(_=None) -> None:
        picture.value = _png(drawn())

    for control in inputs.values():
        control.observe(update, "value")
    from IPython.display import display

    figure = drawn()
    words, picture.value = in_words(figure), _png(figure)
    shown = {
        "text/plain": f"{words} Sliders: {', '.join(inputs)}.",
        "image/png": base64.b64encode(picture.value).decode(),
    }
    if not os.environ.get("D2L_STATIC"):
        shown |= {VIEW: ipywidgets.VBox([picture, *inputs.values()])._repr_mimebundle_()[VIEW]}
    display(shown, raw=True)


def _png(figure) -> bytes:
    """The figure as a picture; it is closed, so that Jupyter does not show it once more."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    pyplot().close(figure)
    return file.getvalue()
