"""Controls of the chapters: computing is done elsewhere, here it is only shown and asked again."""

from __future__ import annotations

import base64
import html
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kequn_lab._words import require_language

__all__ = ["explore"]

Texts = tuple[str, str]  # Chinese, English

_PICK = {"zh": "请选择…", "en": "choose…"}
_LOCKED = {"zh": "你的猜测已记下：", "en": "Your guess is kept: "}


def guess_box(question: str, options: list[str], language: str) -> Any:
    """A question with a list of options; the first choice locks the list."""
    import ipywidgets

    text = ipywidgets.HTML(f"<b>{html.escape(question)}</b>")
    choice = ipywidgets.Dropdown(options=[_PICK[language], *options], layout={"width": "480px"})
    kept = ipywidgets.HTML("")

    def lock(change: Any) -> None:
        if change["new"] != _PICK[language]:
            choice.disabled = True
            kept.value = html.escape(_LOCKED[language] + change["new"])

    choice.observe(lock, names="value")
    plain = "\n".join([question, *(f"  ( ) {option}" for option in options)])
    return _Box([text, choice, kept], plain)


def _Box(children: list[Any], plain: str) -> Any:
    """A box that is shown as plain text where no widgets are."""
    import ipywidgets

    class VBox(ipywidgets.VBox):
        def _repr_mimebundle_(self, **kwargs):
            shown = super()._repr_mimebundle_(**kwargs)
            return {**shown, "text/plain": plain} if isinstance(shown, dict) else shown

    return VBox(children)


@dataclass(frozen=True)
class Control:
    """One thing that can be changed: its name, the label beside it, and its values."""

    name: str
    label: Texts
    options: tuple[tuple[Texts, Any], ...]  # shown, value
    first: Any


@dataclass(frozen=True)
class Explorer:
    """Controls, what they ask, and how the answer is drawn.

    ``answer(**values)`` returns a table; ``draw(table, values, language)`` a PNG picture and the
    sentence above it; ``limit(values)`` gives a control other options where another one moved.
    """

    controls: tuple[Control, ...]
    answer: Callable[..., Any]
    draw: Callable[[Any, dict, str], tuple[Any, str]]
    limit: Callable[[dict], dict[str, tuple]] | None = None


class Panel:
    """The controls in a box, and a picture below that is drawn again when one moves.

    The picture is an output of the cell, no widget: it stays where a notebook is read without
    a kernel, and in a book.
    """

    def __init__(self, explorer: Explorer, language: str):
        self.explorer, self.language = explorer, language
        self.at = ("zh", "en").index(language)
        self.table: Any = None
        self.controls = {c.name: self._control(c) for c in explorer.controls}
        self.place = uuid.uuid4().hex
        plain = "\n".join(f"[{c.description}]" for c in self.controls.values())
        self.box = _Box([*self.controls.values()], plain)
        for control in self.controls.values():
            control.observe(self._moved, names="value")

    def _control(self, control: Control) -> Any:
        import ipywidgets

        options = [(shown[self.at], value) for shown, value in control.options]
        what = {"options": options, "value": control.first, "description": control.label[self.at]}
        look = {"style": {"description_width": "180px"}, "layout": {"width": "620px"}}
        if all(isinstance(value, int | float) for _, value in options) and len(options) > 2:
            return ipywidgets.SelectionSlider(**what, **look, continuous_update=False)
        return ipywidgets.Dropdown(**what, **look)

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say."""
        return {name: control.value for name, control in self.controls.items()}

    def picture(self) -> dict[str, Any]:
        """The answer to the controls: a picture, and its sentence for those who see none."""
        self.table = self.explorer.answer(**self.values)
        drawn, said = self.explorer.draw(self.table, self.values, self.language)
        return {"image/png": base64.b64encode(drawn).decode(), "text/plain": said}

    def show(self) -> None:
        """Display the controls, and the picture below."""
        from IPython.display import display

        display(self.box)
        display(self.picture(), raw=True, display_id=self.place)

    def _moved(self, change: Any) -> None:
        from IPython.display import update_display

        if self.explorer.limit:
            for name, options in self.explorer.limit(self.values).items():
                self._limit(self.controls[name], options)
        update_display(self.picture(), raw=True, display_id=self.place)

    def _limit(self, control: Any, options: tuple) -> None:
        now = [(shown[self.at], value) for shown, value in options]
        if list(control.options) != now:
            control.unobserve(self._moved, names="value")
            control.options = now
            control.observe(self._moved, names="value")


def explore(name: str, result: Any = None, *, language: str = "en") -> None:
    """Show controls, and a picture that answers to them.

    Parameters
    ----------
    name : str
        ``scale`` (who is near whom), ``steps`` (k-means at work), ``sides`` (true segments found
        in one table and by sides), ``k`` (evidence by number of clusters), ``weights`` (the
        decision under other weights).
    result : Result, optional
        Of :func:`kequn_lab.segment`; ``sides`` and ``k`` read shipped evidence instead.
    language : {"zh", "en"}

    Raises
    ------
    KeyError
        There are no such controls.
    ValueError
        They need a result, and one that holds its customer table.

    Examples
    --------
    >>> explore("nothing")
    Traceback (most recent call last):
    ...
    KeyError: "no controls 'nothing'; there are scale, steps, sides, k, weights"
    """
    panel(name, result, language=language).show()


def panel(name: str, result: Any = None, *, language: str = "en") -> Panel:
    """The controls of :func:`explore`, not yet shown."""
    from kequn_lab.workshop.explorers import EXPLORERS, OF_EVIDENCE

    require_language(language)
    if name not in EXPLORERS:
        raise KeyError(f"no controls {name!r}; there are {', '.join(EXPLORERS)}")
    if name in OF_EVIDENCE:
        return Panel(EXPLORERS[name](), language)
    if getattr(result, "features", None) is None:
        raise ValueError(f"explore({name!r}, result) needs a result of kq.segment")
    return Panel(EXPLORERS[name](result), language)
