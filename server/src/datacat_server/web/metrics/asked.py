"""What the page of metrics is asked, as its address says it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from datacat_server.search_line import read_line
from datacat_server.store.metrics import Aggregate
from datacat_server.store.spread import EVERY_VALUE, Range, Scale
from datacat_server.web.sessions.view import Chip, View, parameters_of

Parameters = tuple[tuple[str, str], ...]

FOLDS = {
    Aggregate.PEAK: "peak",
    Aggregate.AVERAGE: "average",
    Aggregate.MINIMUM: "minimum",
    Aggregate.ALL: "all readings",
}
"""The folds, and how they are called; the first is the usual one."""


@dataclass(frozen=True)
class Asked:
    """`name`: the metric, empty for none; `vital`: whether it is one that DataCat samples, None where it is not said.

    `within`: the values that are looked at. `parameters`: the filter of sessions as it stands in the address.
    """

    name: str = ""
    vital: bool | None = None
    aggregate: Aggregate = Aggregate.PEAK
    scale: Scale = Scale.AUTO
    within: Range = EVERY_VALUE
    parameters: Parameters = ()

    def address(self, path: str = "/metrics") -> str:
        """The address of this question."""
        query = [("name", self.name)] if self.name else []
        if self.vital is not None and self.name:
            query.append(("vitals", "true" if self.vital else "false"))
        if self.aggregate is not Aggregate.PEAK:
            query.append(("aggregate", self.aggregate.value))
        if self.scale is not Scale.AUTO:
            query.append(("scale", self.scale.value))
        bounds = (("least", self.within.low), ("below", self.within.high))
        query += [(name, repr(bound)) for name, bound in bounds if bound is not None]
        query += self.parameters
        return f"{path}?{urlencode(query)}" if query else path

    def of(self, name: str, vital: bool) -> "Asked":
        """The same of another metric, over all its values."""
        return replace(self, name=name, vital=vital or None, scale=Scale.AUTO, within=EVERY_VALUE)

    def folded(self, aggregate: Aggregate) -> "Asked":
        return replace(self, aggregate=aggregate, within=EVERY_VALUE)

    def scaled(self, scale: Scale) -> "Asked":
        return replace(self, scale=scale)

    def between(self, low: float | None, high: float | None) -> "Asked":
        return replace(self, within=Range(low, high))

    def without_filter(self) -> "Asked":
        return replace(self, parameters=(), within=EVERY_VALUE)

    def where(self, *conditions: tuple[str, str]) -> "Asked":
        """The same of sessions of which these hold too; of a name that there can be one of, the new one counts."""
        new = {name for name, _ in conditions if name in ("product", "version")}
        kept = tuple(one for one in self.parameters if one[0] not in new and one not in conditions)
        return replace(self, parameters=kept + conditions, within=EVERY_VALUE)

    @property
    def narrowed(self) -> bool:
        """Whether only a part of the values is looked at."""
        return self.within != EVERY_VALUE

    def chips(self) -> list[Chip]:
        """The parts of the filter, each with the address without it."""
        return [
            Chip(words, value, self.without(place).address())
            for place, (name, said) in enumerate(self.parameters)
            for words, value in [
                ("status:", said)
                if name == "status"
                else next((chip.words, chip.value) for chip in View(((name, said),)).chips())
            ]
        ]

    def without(self, place: int) -> "Asked":
        """The same without one part of the filter."""
        return replace(self, parameters=self.parameters[:place] + self.parameters[place + 1 :], within=EVERY_VALUE)


def read_asked(asked: Mapping[str, str], query: str) -> Asked:
    """What an address asks. Raises ValueError, `name: what to do`."""
    line = asked.get("search")
    vitals = asked.get("vitals")
    return Asked(
        name=asked.get("name") or "",
        vital=None if vitals not in ("true", "false") else vitals == "true",
        aggregate=_fold(asked.get("aggregate")),
        scale=_scale(asked.get("scale")),
        within=Range(_bound("least", asked.get("least")), _bound("below", asked.get("below"))),
        parameters=parameters_of(query) if line is None else tuple(read_line(line)),
    )


def _fold(text: str | None) -> Aggregate:
    if text and text not in list(Aggregate):
        raise ValueError(f"aggregate: expected one of {', '.join(Aggregate)}")
    return Aggregate(text or Aggregate.PEAK)


def _scale(text: str | None) -> Scale:
    if text and text not in list(Scale):
        raise ValueError(f"scale: expected one of {', '.join(Scale)}")
    return Scale(text or Scale.AUTO)


def _bound(name: str, text: str | None) -> float | None:
    if not text:
        return None
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ValueError(f"{name}: expected a number")
    return bound
