"""Which streets: every incident counted once, the kernel keeps its mass, concentration against chance."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString

import gridmap as gm
from gridmap.patrol.streets import street_concentration, street_counts, street_density, street_hotspots


def test_every_crime_of_tempe_is_on_one_street_or_outside(tempe, tempe_crimes):
    counts = street_counts(tempe_crimes, tempe)
    assert counts["count"].sum() + counts.attrs["outside"] == len(tempe_crimes) == counts.attrs["rows"]
    np.testing.assert_allclose(counts["rate_per_km"] * counts["length_m"] / 1000, counts["count"])
    assert len(counts) == len(tempe.segments)


def test_a_planted_street_is_the_hottest(tempe):
    rng = np.random.default_rng(0)
    shapes = tempe.segments["shape"].to_numpy()
    longest = int(np.argmax(tempe.segments["length_m"]))
    noise = [shapes[k].interpolate(rng.random(), normalized=True) for k in rng.integers(len(shapes), size=100)]
    planted = [shapes[longest].interpolate(t, normalized=True) for t in np.linspace(0.05, 0.95, 120)]
    result = street_hotspots(gpd.GeoSeries([*noise, *planted], crs=tempe.crs), tempe)
    assert result.cells["label"].iloc[longest].startswith("hot")
    u, v = tempe.segments.iloc[longest][["u", "v"]]
    near = tempe.segments["u"].isin([u, v]) | tempe.segments["v"].isin([u, v])
    assert near.to_numpy()[np.argmax(result.cells["z_score"])]


def test_kernel_on_a_single_street_sums_to_the_incidents():
    street = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (0.03, 0)])], crs=4326)
    network = gm.build_network(street)
    density = street_density([(0.01, 0), (0.02, 0)], network, bandwidth_m=500, piece_m=5)
    assert (density["intensity"] * density["length_m"] / 1000).sum() == pytest.approx(2, rel=1e-3)


def test_half_of_the_incidents_on_one_of_ten_streets():
    table = pd.DataFrame({"count": [50, 10, 10, 10, 10, 10, 0, 0, 0, 0], "length_m": 100.0})
    found = street_concentration(table, random_state=0)
    assert found.share == 0.1
    assert found.low <= 0.1 <= found.high
    assert found.expected > 0.3
    assert found.curve["incidents"].iloc[-1] == 1.0
    assert street_concentration(table, random_state=0).high == found.high


def test_nothing_to_concentrate_is_refused():
    with pytest.raises(gm.errors.InputError, match="no incident on any street"):
        street_concentration(pd.DataFrame({"count": [0, 0], "length_m": 1.0}))
    with pytest.raises(gm.errors.InputError, match="the columns count and length_m"):
        street_concentration(pd.DataFrame({"number": [1]}))
