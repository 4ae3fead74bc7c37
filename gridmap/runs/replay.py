"""Run again what a `run.json` tells, and see whether the same bytes come out.

Its inputs are looked for where the run folder says, where one stands, beside the run folder, and in `--inputs`; a file
is taken only when its SHA-256 is the recorded one, so a wrong file of the right name is never replayed.

Data outputs are all outputs but two: `run.json` and `audit.jsonl` tell the time, and so differ. The map page,
the layers, the tables and `results/` tell none: on another day, with another number of threads, in another folder,
they are the same bytes, as long as the versions are the same.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridmap._audit import versions
from gridmap._io import sha256_of
from gridmap._notebook_line import ShortForm
from gridmap.errors import ReadError
from gridmap.examples import example_folder
from gridmap.messages import Note
from gridmap.runs.config import check_pipeline
from gridmap.runs.run import RunReport, run_pipeline
from gridmap.runs.yamlfile import YamlFile

__all__ = ["Replay", "replay_run"]


@dataclass(frozen=True, repr=False)
class Replay(ShortForm):
    """What came of a replay.

    Attributes
    ----------
    equal, different : list of str
        Data outputs, by their path in the run folder.
    versions : list of str
        Packages whose version is another now, as in "numpy 2.4.0, then 2.3.5".
    report : RunReport
    """

    equal: list[str]
    different: list[str]
    versions: list[str]
    report: RunReport

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        equal, different = len(self.equal), len(self.different)
        return f"Replay: {equal} outputs equal, {different} different, {len(self.versions)} versions differ"


def replay_run(
    record: str | Path,
    out: str | Path,
    *,
    inputs: str | Path | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Replay:
    """Run again what `run.json` tells, into another folder.

    Parameters
    ----------
    record : str or Path
        A `run.json`.
    out : str or Path
        The folder to write into; not that of the record.
    inputs : str or Path, optional
        The folder that the pipeline's paths start from, where it cannot be found.
    on_step : callable, optional
        Told the name of each step as it begins.

    Returns
    -------
    Replay

    Raises
    ------
    ReadError
        If the record is none, or an input is absent or changed.
    GridmapError
        For whatever the run finds wrong.
    """
    record = Path(record)
    run_json = _read(record)
    if Path(out).resolve() == record.resolve().parent:
        raise ReadError(Note("runs.replay_same_folder", out=str(out)))
    if "path" not in (run_json["settings"].get("incidents") or {}):
        raise ReadError(Note("runs.replay_public", record=record.name))
    if "***@" in json.dumps(run_json["settings"]):
        raise ReadError(Note("runs.replay_password", record=record.name))
    folder = _folder_of_inputs(run_json, record, None if inputs is None else Path(inputs))
    pipeline = check_pipeline(YamlFile(folder / run_json["pipeline"], run_json["settings"], {}))
    then = run_json.get("versions", {})
    others: list[str] = [
        Note("runs.replay_version", name=name, now=now, then=then.get(name))
        for name, now in versions().items()
        if then.get(name) != now
    ]
    report = run_pipeline(pipeline, out, on_step=on_step)
    again = {entry["path"]: entry["sha256"] for entry in _read(Path(out) / "run.json")["outputs"]}
    before = {entry["path"]: entry["sha256"] for entry in run_json["outputs"]}
    equal = [path for path, digest in before.items() if again.get(path) == digest]
    return Replay(equal, [path for path in {**before, **again} if path not in equal], others, report)


def _read(record: Path) -> dict[str, Any]:
    try:
        run_json = json.loads(record.read_text(encoding="utf-8"))
        pipeline, parts = run_json["pipeline"], (run_json["inputs"], run_json["outputs"])
        if not isinstance(run_json["settings"], dict) or Path(pipeline).name != pipeline:
            raise ValueError("settings")
        if not all(isinstance(e["path"], str) for part in (*parts, run_json.get("also_read", [])) for e in part):
            raise ValueError("paths")
    except OSError as error:
        raise ReadError(Note("runs.replay_unreadable", record=str(record), why=error.strerror)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReadError(Note("runs.replay_not_a_record", record=str(record))) from None
    return run_json


def _folder_of_inputs(run_json: dict[str, Any], record: Path, given: Path | None) -> Path:
    """The folder in which every recorded path names the recorded bytes."""
    read = [e for e in [*run_json["inputs"], *run_json.get("also_read", [])] if "://" not in e["path"]]
    expected = {e["path"]: e["sha256"] for e in read if e.get("sha256")}
    faults: list[tuple[int, Note]] = []
    for folder in _candidates(run_json, record, given):
        missing = [path for path in expected if not (folder / path).is_file()]
        if missing:
            faults.append((1, Note("runs.replay_absent", path=missing[0])))
            continue
        changed = [path for path, digest in expected.items() if digest and sha256_of(folder / path) != digest]
        if not changed:
            return folder
        faults.append((0, Note("runs.replay_changed", path=changed[0])))
    reason = min(faults)[1] if faults else Note("runs.replay_no_folder")
    raise ReadError(Note("runs.replay_inputs", record=record.name, reason=reason))


def _candidates(run_json: dict[str, Any], record: Path, given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    run, here = record.resolve().parent, Path.cwd()
    if isinstance(run_json.get("found_from"), str):
        yield run / run_json["found_from"]
    for near in (here, run, run.parent):
        yield near
        try:
            yield from sorted(p for p in near.iterdir() if p.is_dir() and not p.name.startswith("."))[:200]
        except OSError:
            continue
    yield example_folder()  # the demo's
