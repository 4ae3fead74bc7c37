"""What a notebook shows of a result: one line of every public result class, and never a dump of all it holds."""

import inspect
import typing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

import gridmap as gm
from gridmap._notebook_line import LONGEST, ShortForm
from gridmap.hotspots.registry import method_names
from gridmap.hotspots.result import GlobalResult, HotspotResult
from gridmap.patrol.log import Dosage
from gridmap.patrol.streets import Concentration
from gridmap.privacy.public_incidents import PublicRelease
from gridmap.read.incident_table import Incidents


def public_results() -> dict[type, str]:
    """Each class of gridmap's that is a public name or that a public function says it returns."""
    found: dict[type, str] = {}
    for name in gm.__all__:
        one = getattr(gm, name)
        if inspect.isclass(one):
            found[one] = name
        elif inspect.isfunction(one):
            known = {**vars(gm), "gpd": gpd, "np": np, "pd": pd}  # a module may import these for its hints only
            given = typing.get_type_hints(one, localns=known).get("return")
            for kind in typing.get_args(given) or (given,):
                if inspect.isclass(kind) and kind.__module__.startswith("gridmap"):
                    found.setdefault(kind, name)
    return found


@pytest.mark.parametrize(
    "kind", sorted(public_results(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__
)
def test_every_public_result_has_the_one_short_form(kind):
    if issubclass(kind, pd.DataFrame):
        assert kind.__repr__ is pd.DataFrame.__repr__  # a table is shown as pandas shows tables
        return
    assert issubclass(kind, ShortForm), f"{kind.__name__} must say what it is: class {kind.__name__}(ShortForm)"
    assert kind.__repr__ is ShortForm.__repr__, f"@dataclass(repr=False), or {kind.__name__} is shown as a dump"
    assert kind.short_form is not ShortForm.short_form
    assert "<" in str(kind._repr_html_) or callable(kind._repr_html_)


def test_many_results_are_walked():
    assert len(public_results()) > 35


def square_cells(n: int) -> gpd.GeoDataFrame:
    boxes = [shapely.box(i / 100, 51, (i + 1) / 100, 51.01) for i in range(n)]
    labels = ["hot 99" if i < 3 else "none" for i in range(n)]
    return gpd.GeoDataFrame({"count": range(n), "label": labels}, geometry=boxes, crs=4326)


@pytest.mark.parametrize("method", sorted(method_names()))
def test_a_result_of_each_method_says_what_it_is_and_how_many(method):
    long = {"distances_m": list(range(3000)), "order": 1}
    result = HotspotResult(square_cells(1200), method, long, notes=("a note",), audience="public")
    line = repr(result)
    assert line.startswith("<HotspotResult")
    assert line.endswith("; audience public>")
    assert method in line
    assert "\n" not in line
    assert len(line) <= LONGEST + 2
    short = repr(HotspotResult(square_cells(1200), method, {"order": 1}))
    assert "1,200 cells" in short
    assert "3 hot 99" in short
    assert "audience" not in short


@pytest.mark.parametrize("method", sorted(method_names()))
def test_long_settings_never_hide_how_many(method):
    long = {f"setting_{i}": "x" * 40 for i in range(40)}
    assert "1,200 cells, 3 hot 99" in repr(HotspotResult(square_cells(1200), method, long))


def test_small_results_say_their_main_number():
    table = pd.DataFrame({"all": [7, 12]})
    frame = square_cells(2)
    points = Incidents(pa.table({"lon": [0.1], "lat": [51.0]}))
    release = PublicRelease(points, None, frame, table, pd.Series(dtype=object), 5, 3, ())
    assert repr(release) == (
        "<PublicRelease: 19 incidents in 2 areas, 1 series, each number 5 or more, 3 left out; audience public>"
    )
    visits = pd.DataFrame({"planned": [True, True, False]})
    assert repr(Dosage(visits, pd.DataFrame(index=["p1"]), 0.5)).startswith(
        "<Dosage: 50% of 2 planned visits done, 1 unplanned, 1 places"
    )
    curve = pd.DataFrame({"streets": np.linspace(0.1, 1, 10)})
    assert "50% of the incidents on 4.0% of 10 segments" in repr(Concentration(0.04, 0.03, 0.05, 0.5, curve, 0.2))
    of_all = GlobalResult(0.31, -0.01, 0.001, *[0.1] * 7, "global_moran", {"assumption": "normality"})
    assert "I = 0.3100" in repr(of_all)
    assert "I = 0.3100" in of_all._repr_html_()


def test_html_is_one_safe_line():
    named = gm.NamedArea("a1", "<script>alert(1)</script>", "the street", pd.Timestamp("2024-03-01").date())
    assert "<script>" not in named._repr_html_()
    assert named._repr_html_().count("<code") == 1
