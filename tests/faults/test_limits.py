"""A run that would not end, or not fit, says so before it starts."""

import pytest

from gridmap.errors import SettingError
from gridmap.read.boundaries import read_boundaries
from gridmap.runs import run_pipeline
from gridmap.runs.stages.limits import estimate

from .conftest import refused


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"grid": {"system": "h3", "resolution": 15}}, ["cells", "GB", "Take larger cells"]),
        ({"grid": {"system": "square", "cell_size_m": 0.05}}, ["cells", "GB"]),
        ({"hotspots": [{"local_moran": {"permutations": 10**9}}]}, ["1,000,000,000 permutations", "minutes"]),
        ({"hotspots": [{"getis_ord": {}}], "limits": {"memory": "10MB"}}, ["Its limits are 0.0 GB"]),
        ({"hotspots": [{"getis_ord": {}}], "limits": {"seconds": 1}}, ["1 seconds"]),
    ],
)
def test_a_run_beyond_its_limits_is_refused_with_the_numbers(town, tmp_path, changes, words):
    steps = []
    limits = {"limits": {"memory": "2GB"}} if "limits" not in changes else {}
    with pytest.raises(SettingError) as why_not_allowed:
        run_pipeline(town.pipeline(**limits, **changes), tmp_path / "out", on_step=steps.append)
    for word in words:
        assert word in str(why_not_allowed.value)
    assert steps == ["read boundaries"]
    assert not (tmp_path / "out").exists()


def test_the_command_line_says_it_in_one_line(town, gridmap, tmp_path):
    done = gridmap("run", town.file(), "--out", tmp_path / "out", "--set", "limits.seconds=1")
    refused(done, "This run would take about", "limits")


@pytest.mark.parametrize(
    "limits, words",
    [
        ({"memry": "1GB"}, "memory"),
        ({"memory": "much"}, "800MB"),
        ({"memory": "-1GB"}, "800MB"),
        ({"seconds": "soon"}, "above 0"),
        ({"seconds": 0}, "above 0"),
        ("all", "needs options"),
    ],
)
def test_limits_that_are_none_are_told_with_their_line(town, limits, words):
    with pytest.raises(SettingError, match=words):
        town.pipeline(limits=limits)


def test_zones_are_estimated_by_the_corners_of_their_outlines(town):
    """125,570 jagged zones of 31 million corners took 1.65 GB, half as much again as as many plain ones."""
    zones = read_boundaries(town.folder / "zones.geojson")
    jagged = zones.assign(geometry=zones.geometry.segmentize(1e-5))
    corners = jagged.count_coordinates().sum() - zones.count_coordinates().sum()
    assert corners > 10_000
    pipeline = town.pipeline(grid={"system": "zones"})
    more = estimate(pipeline, jagged).bytes - estimate(pipeline, zones).bytes
    assert more == pytest.approx(70 * corners, rel=1e-6)
    squares = town.pipeline(grid={"system": "square", "cell_size_m": 500})
    assert estimate(squares, jagged).bytes == pytest.approx(estimate(squares, zones).bytes, rel=1e-3)


@pytest.mark.parametrize("grid", [{"system": "h3", "resolution": 9}, {"system": "square", "cell_size_m": 250}])
def test_the_cells_are_guessed_within_a_third(town, tmp_path, grid):
    pipeline = town.pipeline(grid=grid)
    guessed = estimate(pipeline, read_boundaries(town.folder / "zones.geojson")).cells
    report = run_pipeline(pipeline, tmp_path / "out")
    assert guessed == pytest.approx(len(report.grid), rel=1 / 3)
    assert len(report.incidents) < estimate(pipeline, report.boundaries).points * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"grid": {"system": "square", "cell_size_m": 1e-300}},
        {"hotspots": [{"kernel_density": {"bandwidth_m": 300 + i}} for i in range(1000)], "limits": {"seconds": 5.5}},
    ],
    ids=["cells of nothing", "a thousand steps"],
)
def test_what_would_never_end_is_refused_in_one_line(town, gridmap, tmp_path, changes):
    refused(gridmap("run", town.file(**changes), "--out", tmp_path / "out"), "This run would take about")
    assert not (tmp_path / "out").exists()
