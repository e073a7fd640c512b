"""Controls of the chapters: computing is done elsewhere, here it is only shown and asked again."""

from __future__ import annotations

import html
from typing import Any

__all__: list[str] = []

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
    return _Box([text, choice, kept], question, options)


def _Box(children: list[Any], question: str, options: list[str]) -> Any:
    """A box whose plain text, shown where no widgets are, is the question with its options."""
    import ipywidgets

    class VBox(ipywidgets.VBox):
        def _repr_mimebundle_(self, **kwargs):
            plain = "\n".join([question, *(f"  ( ) {option}" for option in options)])
            shown = super()._repr_mimebundle_(**kwargs)
            return {**shown, "text/plain": plain} if isinstance(shown, dict) else shown

    return VBox(children)
