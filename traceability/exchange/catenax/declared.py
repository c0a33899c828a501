"""What a recycling batch asks for and no log holds: container, treatment, numbers of business partners.

Whoever exports declares it in a TOML file; nothing is filled in for them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from traceability.errors import ExchangeError, UnknownName

_Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]

TEMPLATE = """\
# What `battrace export catenax --declare FILE` needs for recycling batches, and no log holds.

[container]                 # in which a lot travels
type_id = "SIM-BOX-1"
description = "steel box, simulated"
empty_kg = 180.0
volume = 1200.0             # at least 1

[treatment]                 # how a recycler of this log recovers
code = "R4"                 # R1 to R13, D1 to D15
step = "Hydrometallurgy"    # Hydrometallurgy, Pyrolysis, Smelting, Separation or Shredding
mechanical = true
chemical = true

[sites]                     # number of a company in the log -> its BPNS; a simulated log needs none
# 1113 = "BPNS0000000001AB"
"""
"""A file to begin with."""


class Container(BaseModel):
    """In what a lot travels; masses in kg, the volume as the model has it, without a unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type_id: _Text
    description: _Text
    empty_kg: float = Field(ge=0, le=1e6)
    volume: float = Field(ge=1, le=1e9)


class Treatment(BaseModel):
    """How lots are treated, in the words of the aspect model."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    code: Annotated[str, StringConstraints(pattern=r"^(R([1-9]|1[0-3])|D([1-9]|1[0-5]))$")]
    step: Literal["Hydrometallurgy", "Pyrolysis", "Smelting", "Separation", "Shredding"]
    mechanical: bool
    chemical: bool


class Declared(BaseModel):
    """What is declared of recycling batches; *sites* maps numbers of companies to their BPNS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    container: Container
    treatment: Treatment
    sites: dict[
        Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}$")],
        Annotated[str, StringConstraints(pattern=r"^BPNS[a-zA-Z0-9]{12}$")],
    ] = {}

    @classmethod
    def read(cls, path: Path) -> Declared:
        """Return what the file says.

        Raises:
            ExchangeError: it cannot be read, is no TOML, or says something else than is asked for.
        """
        try:
            said: Any = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise ExchangeError(f"{path}: cannot be read: {error.strerror or error}") from None
        except (ValueError, RecursionError) as error:
            raise ExchangeError(f"{path}: not TOML: {error}") from None
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise ExchangeError(
                "\n".join(f"{path}: {_told(problem)}" for problem in error.errors())
            ) from None


def _told(problem: Any) -> str:  # noqa: ANN401
    keys = [str(part) for part in problem["loc"]]
    where = ".".join(keys)
    if problem["type"] == "missing":
        return f"`{where}` is missing"
    if problem["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"container": Container, "treatment": Treatment}
        known = models.get(keys[0], Declared).model_fields if len(keys) > 1 else Declared.model_fields
        return str(UnknownName("key", keys[-1], known))
    return f"`{where}`: {problem['msg']}"
