"""The small picture of the zones on the desk: whole, and with few corners however many the zones have."""

import json

import geopandas as gpd
import numpy as np
import shapely

from gridmap.desk import workers
from gridmap.read.quality import inspect_file


def test_many_zones_are_drawn_as_the_ground_that_they_cover(monkeypatch):
    side = 30
    xy = np.array([(x, y) for x in range(side) for y in range(side) if (x, y) != (15, 15)]) / 100
    zones = gpd.GeoDataFrame(geometry=shapely.box(xy[:, 0], xy[:, 1], xy[:, 0] + 0.01, xy[:, 1] + 0.01), crs=4326)
    rings, box = workers._outline(zones)
    assert len(rings) == len(zones)
    monkeypatch.setattr(workers, "MOST_CORNERS", 500)
    rings, box = workers._outline(zones)
    assert len(rings) == 1
    assert len(rings[0]) < 30
    assert abs(shapely.Polygon(rings[0]).symmetric_difference(shapely.box(*box)).area) < 0.01 * shapely.box(*box).area


def test_a_zone_file_is_read_once_for_its_report_and_its_facts(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "zones.geojson"
    gpd.GeoDataFrame(
        {"code": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326
    ).to_file(path)
    monkeypatch.setattr(workers, "_boundaries", None)  # a second reading would call it
    found = workers.inspected(str(tmp_path), path.name, None, {})
    assert (found["kind"], found["zones"], len(found["outline"])) == ("zones", 2, 2)
    report = inspect_file(path)
    assert "frame" not in json.loads(json.dumps(report.to_dict()))
