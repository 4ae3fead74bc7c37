"""Draw the way of an incident file from `gridmap run` to the page, from a trace of a run.

`python .ci/way.py` prints it; `python .ci/way.py --record` writes it into docs/architecture.md. A test holds the two
together.

A small town is made and run with every call of gridmap watched (`sys.setprofile`). A hop is a call from one module into
another (of a stage, or of another room) that is given what was made of the incident file and gives something new back.
The way is followed back from the page: which hop made what this one was given, until the file's name is reached.
"""

import contextlib
import inspect
import io
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gridmap"
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- the way of a file: begin -->", "<!-- the way of a file: end -->"
MOST_HOPS = 15
PIPELINE = """
title: A town
boundaries: {path: zones.geojson}
grid: {system: square, cell_size_m: 500}
incidents: {path: points.csv}
hotspots: [{hotspot_test: {order: 1}}]
outputs: {map: map.html}
"""


def write_town(folder: Path) -> None:
    """Two zones and 260 incidents, most of them around one corner: `zones.geojson` and `points.csv`."""
    rng = np.random.default_rng(7)
    boxes = [shapely.box(-1.60, 53.74, -1.55, 53.80), shapely.box(-1.55, 53.74, -1.50, 53.80)]
    zones = gpd.GeoDataFrame({"code": ["W", "E"], "name": ["West", "East"]}, geometry=boxes, crs=4326)
    zones.to_file(folder / "zones.geojson")
    lon = np.r_[rng.normal(-1.53, 0.003, 200), rng.uniform(-1.60, -1.50, 60)]
    lat = np.r_[rng.normal(53.77, 0.002, 200), rng.uniform(53.74, 53.80, 60)]
    rows = pd.DataFrame({"date": "2024-03-05", "category": "theft", "lon": lon, "lat": lat})
    rows.to_csv(folder / "points.csv", index=False)


def make_town(folder: Path) -> Path:
    """The files of a small town, and a pipeline file of it."""
    write_town(folder)
    (folder / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    return folder / "p.yaml"


@dataclass
class Hop:
    """A call: which function, of which module, what it was given and what it gave back."""

    module: str
    function: str
    given: list[Any]
    gave: Any = None
    began: int = 0
    inside: list["Hop"] = field(default_factory=list)
    number: int = 0


def handed(value: Any) -> Iterator[Any]:
    """What travels: objects of gridmap's own classes and frames, also those in a list, a tuple or a mapping."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from handed(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from handed(inner)
    elif type(value).__module__ == "gridmap.runs.config":  # settings are not data
        return
    elif isinstance(value, pd.DataFrame) or type(value).__module__.startswith("gridmap."):
        yield value


def contents(value: Any) -> set[int]:
    """The identity of an object and of the frames it holds, by which a copy with another field is known again."""
    held = vars(value).values() if hasattr(value, "__dict__") and not isinstance(value, pd.DataFrame) else ()
    frames = {id(v) for v in held if isinstance(v, pd.DataFrame) or type(v).__module__.startswith("pyarrow")}
    return {id(value)} | frames


class Watch:
    """Every hop of a run, in the order in which they ended."""

    def __init__(self) -> None:
        self.hops: list[Hop] = []
        self.open: dict[Any, Hop] = {}
        self.begun = 0

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        """The profiler's hook."""
        if event == "call":
            code, caller = frame.f_code, frame.f_back
            if caller is None or not self.crosses(caller.f_code.co_filename, code.co_filename, code.co_name):
                return
            several = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + several]
            given = [frame.f_locals[name] for name in names if name in frame.f_locals]
            self.begun += 1
            module, function = module_of(code.co_filename), code.co_qualname
            if "function" in code.co_freevars:  # a wrapper: the way is that of what it wraps
                wrapped = frame.f_locals["function"]
                module, function = wrapped.__module__.removeprefix("gridmap."), wrapped.__qualname__
            hop = Hop(module, function, given, None, self.begun, list(self.open.values()))
            self.open[frame] = hop
        elif event == "return" and frame in self.open:
            hop = self.open.pop(frame)
            hop.gave, hop.number = argument, len(self.hops)
            self.hops.append(hop)

    @staticmethod
    def crosses(caller: str, callee: str, name: str) -> bool:
        """From one module of gridmap into another: of another room, or of the runs."""
        if caller == callee or not callee.startswith(str(PACKAGE)) or not caller.startswith(str(PACKAGE)):
            return False
        rooms = [Path(f).relative_to(PACKAGE).parts[0] for f in (caller, callee)]
        return not name.startswith(("_", "<")) and (rooms[0] != rooms[1] or rooms[1] == "runs")

    def way(self, file: str) -> list[Hop]:
        """The longest way from the file's name to the page, with the calls that enclose its hops, as they began."""
        made: dict[int, Hop] = {}
        longest: dict[int, list[Hop]] = {}  # number of a hop → the way to it
        for hop in self.hops:
            given = {part for whole in hop.given for thing in handed(whole) for part in contents(thing)}
            ways = [longest[made[part].number] for part in given if part in made]
            named = any(names(value, file) for value in hop.given)
            if ways or named:
                longest[hop.number] = [*max(ways, key=len, default=[]), hop]
                for thing in handed(hop.gave):
                    for part in contents(thing) - given:
                        made.setdefault(part, hop)  # the innermost call that gave it
        last = max(number for number in longest if self.hops[number].function.endswith("MapPage.save"))
        way = {id(hop): hop for at in longest[last] for hop in (*at.inside, at)}
        return sorted(way.values(), key=lambda hop: hop.began)


def names(value: Any, file: str) -> bool:
    """Whether a value is a path of that name, or a list that holds one."""
    if isinstance(value, list | tuple):
        return any(names(inner, file) for inner in value)
    return isinstance(value, str | Path) and Path(value).name == file


def module_of(path: str) -> str:
    """`gridmap/read/incidents.py` → `read.incidents`."""
    return ".".join(Path(path).relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def drawing() -> list[str]:
    """The way as lines: number, function, what it gives on."""
    from gridmap.cli import main
    from gridmap.runs import read_pipeline  # noqa: F401 - imported before the watch begins

    watch = Watch()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        pipeline = make_town(Path(folder))
        sys.setprofile(watch)
        try:
            main(["run", str(pipeline), "--out", str(Path(folder) / "out")])
        except SystemExit as ended:
            sys.setprofile(None)
            if ended.code:
                raise
        finally:
            sys.setprofile(None)
    way = watch.way("points.csv")
    lines = []
    for number, hop in enumerate(way, start=1):
        gives = sorted({type(thing).__name__ for thing in handed(hop.gave)}) or ["the file"]
        lines.append(f"{number:2} {hop.module}.{hop.function}".ljust(56) + " → " + ", ".join(gives))
    return lines


def in_document() -> list[str]:
    """The way as docs/architecture.md has it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    inner = text.partition(BEGIN)[2].partition(END)[0]
    return [line for line in inner.strip().splitlines() if not line.startswith("```")]


def main() -> None:
    """Print the way, or write it into the document."""
    lines = drawing()
    print("\n".join(lines))
    if "--record" in sys.argv:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        block = "\n".join(["```", *lines, "```"])
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{block}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
