"""Figures of a scenario: a unit, a sentence in both languages, bounds and a source each; a section of such."""

from __future__ import annotations

from difflib import get_close_matches
from reprlib import repr as brief
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

GRADES = ("official", "association", "press", "paper", "derived", "standard", "assumed")
"""How well a figure is known; the first word of its source."""


def figure(unit: str, en: str, zh: str, *, ge: float | None = None, le: float | None = None) -> Any:  # noqa: ANN401
    """Return a field with its unit and its sentence in both languages."""
    bounded = ge is not None
    return Field(
        description=en,
        ge=ge,
        le=le,
        strict=True if bounded else None,
        json_schema_extra={"unit": unit, "zh": zh},
    )


class Section(BaseModel):
    """Some figures that belong together; each must name its source in `sources`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: dict[str, str] = Field(description="figure -> `grade: source`")

    @model_validator(mode="after")
    def _every_figure_has_a_source(self) -> Self:
        names = set(type(self).model_fields) - {"sources"}
        for name, source in self.sources.items():
            if name not in names:
                close = get_close_matches(name, names, n=1, cutoff=0.5)
                raise ValueError(
                    f"`{name}` has a source but is no figure"
                    + (f"; did you mean `{close[0]}`?" if close else "")
                )
            grade, _, said = source.partition(":")
            if grade in GRADES and grade != "assumed" and not said.strip():
                raise ValueError(f"the source of `{name}` says `{grade}`, but not who; write `{grade}: who`")
            if grade not in GRADES:
                raise ValueError(
                    f"the source of `{name}` must begin with one of {', '.join(GRADES)} and a colon, not {brief(source)}"
                )
        if missing := sorted(names - set(self.sources)):
            raise ValueError(
                f"no source for {', '.join(f'`{m}`' for m in missing)}; write one, or `assumed: why`"
            )
        return self


def check_weights(name: str, table: dict[str, float], *, most: float) -> None:
    """Check the numbers of a table of weights; whose names they are, only the input files know.

    Raises:
        ValueError: one is not between 0 and *most*.
    """
    for key, weight in table.items():
        if not 0.0 <= weight <= most:
            raise ValueError(f"`{name}`: {key} = {weight:g} is not between 0 and {most:g}")
