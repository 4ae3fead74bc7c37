"""`gridmap demo`: bundled police data; or a county made, written as files, and mapped like anybody's own."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gridmap.examples import example_names, example_path
from gridmap.messages import check_language
from gridmap.runs.config import read_pipeline
from gridmap.runs.run import RunReport, run_pipeline
from gridmap.samples.county import simulated_county
from gridmap.samples.county_files import write_county

__all__ = ["county_demo", "demo_pipeline"]


def demo_pipeline(language: str = "en") -> Path:
    """The pipeline file of the bundled police data, in a language; in English where there is none of that language."""
    named = f"demo_{check_language(language)}"
    return example_path(named if named in example_names() else "demo")


def county_demo(
    out: str | Path,
    *,
    random_state: int = 0,
    pipeline: str = "county",
    overrides: Sequence[str] = (),
    on_step: Callable[[str], None] | None = None,
    **sizes: int,
) -> RunReport:
    """The simulated county end to end: its data and its pipeline file, then what the pipeline makes of them.

    Parameters
    ----------
    out : str or Path
        The folder: `data/` and the pipeline file for the user to look at and change, and the pipeline's outputs.
    random_state : int
        Same seed, same county.
    pipeline : {"county", "hours", "hours_en"}
        Which of the county's pipelines; "hours" has slider, clock, streets and patrols.
    overrides : list of "key=value"
        As in `read_pipeline`.
    on_step : callable, optional
        Told the name of each step as it begins.
    **sizes : int
        `households` and `events` of `simulated_county`.

    Returns
    -------
    RunReport
    """
    if on_step is not None:
        on_step("simulate the county")
    path = write_county(simulated_county(random_state=random_state, **sizes), out, pipeline=pipeline)
    return run_pipeline(read_pipeline(path, overrides=overrides), out, on_step=on_step)
