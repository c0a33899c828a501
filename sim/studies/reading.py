"""Reading a study, and the scenarios that it names or holds."""

from __future__ import annotations

import tempfile
import tomllib
from importlib.resources import files
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from sim.scenario import Scenario, load, shipped
from sim.studies.design import Side, Study
from traceability.errors import ScenarioError, UnknownName


def names() -> list[str]:
    """Return the names of the studies that ship."""
    found = (item.name for item in files("sim").joinpath("studies").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def read(name: str) -> Study:
    """Return the study of that name, or of the file of that path where it ends in `.toml`.

    Raises:
        UnknownName: no such study ships.
        ScenarioError: the file cannot be read, or says something that cannot be.
    """
    if name.endswith(".toml"):
        try:
            return parsed(Path(name).read_text("utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(f"{name}: cannot be read: {error}") from None
    known = names()
    if name not in known:
        raise UnknownName("study", name, known)
    return parsed(files("sim").joinpath("studies", f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def parsed(text: str, where: str) -> Study:
    """Return the study that *text* holds; *where* names it in messages.

    Raises:
        ScenarioError: it is no TOML, or says something that cannot be; the message says where.
    """
    try:
        return Study.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where}: not TOML: {error}") from None
    except ValidationError as error:
        said = [
            f"{where}: `{'.'.join(map(str, p['loc'])) or 'study'}`: {p['msg'].removeprefix('Value error, ')}"
            for p in error.errors()
        ]
        raise ScenarioError("\n".join(said)) from None


def scenarios(study: Study) -> dict[str, Scenario]:
    """Return name -> scenario, all of one seed, scale and horizon: twins.

    Raises:
        ScenarioError: one cannot be read; the message names the study and the scenario.
    """
    found = {}
    for side in study.scenario:
        overrides: dict[str, object] = {
            "from": study.first,
            "until": study.last,
            "seed": study.seed,
            "scale": study.scale,
            "replications": study.replications,
        }
        if side.extends:
            found[side.name] = _inline(study, side, overrides)
        elif side.set:
            raise ScenarioError(
                f'{study.name}.toml: scenario `{side.name}`: `set` needs `extends`, such as "baseline"'
            )
        elif side.name not in shipped():
            raise UnknownName("scenario", side.name, shipped(), f"{study.name}.toml")
        else:
            found[side.name] = load(side.name, **overrides)
    return found


def _inline(study: Study, side: Side, overrides: dict[str, object]) -> Scenario:
    """Return a scenario that the study itself holds, read as a file would be."""
    table = {
        "extends": side.extends,
        "name": side.name,
        "title_en": side.label.en,
        "title_zh": side.label.zh,
        **side.set,
    }
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{side.name}.toml"
        path.write_text(tomli_w.dumps(table), encoding="utf-8")
        try:
            return load(path, **overrides)
        except ScenarioError as error:
            said = str(error).replace(str(path), f"{study.name}.toml, scenario {side.name}")
            raise ScenarioError(said) from None
