"""What a notebook shows of a result: one line, never a dump of all it holds.

Which question: what is this that a function gave me? The line begins with the class, says what it is of and how much
(cells, rows, clusters), its main number, and, for what was released to somebody, the audience. It is cut at `LONGEST`
characters, whatever names and settings it was made with.
"""

import html
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

__all__ = ["LONGEST", "ShortForm", "settings_in_short"]

#: Characters of the line, and of the settings and one setting in it.
LONGEST = 400
LONGEST_SETTINGS = 200
LONGEST_SETTING = 60


def settings_in_short(params: Mapping[str, Any]) -> str:
    """`order=1, fdr=0.05`: settings as they were given, long ones cut, so that what was found still stands behind them.

    Examples
    --------
    >>> settings_in_short({"order": 1, "fdr": 0.05})
    'order=1, fdr=0.05'
    """
    each = [f"{k}={_cut(repr(v), LONGEST_SETTING)}" for k, v in params.items()]
    return _cut(", ".join(each), LONGEST_SETTINGS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


class ShortForm(ABC):
    """A class whose objects are shown in one line, as text and in a notebook.

    A class that joins says `short_form()`: its own name, what it is of, how many, the main number.

    Examples
    --------
    >>> class Lengths(ShortForm):
    ...     audience = "public"
    ...     def short_form(self):
    ...         return "Lengths: 3 <streets>, 4.2 km"
    >>> Lengths()
    <Lengths: 3 <streets>, 4.2 km; audience public>
    >>> Lengths()._repr_html_()
    '<code class="gridmap">Lengths: 3 &lt;streets&gt;, 4.2 km; audience public</code>'
    """

    @abstractmethod
    def short_form(self) -> str:
        """The line without its brackets and the audience."""

    def _line(self) -> str:
        line = " ".join(self.short_form().split())
        audience = getattr(self, "audience", None)
        ending = f"; audience {audience}" if isinstance(audience, str) and audience else ""
        most = LONGEST - len(ending)
        return _cut(line, most) + ending

    def __repr__(self) -> str:
        return f"<{self._line()}>"

    def _repr_html_(self) -> str | None:
        return f'<code class="gridmap">{html.escape(self._line())}</code>'
