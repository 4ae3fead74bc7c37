import geopandas as gpd
import libpysal
import numpy as np
import pytest

import gridmap as gm


@pytest.fixture(scope="session")
def tempe_roads():
    return gm.read_roads(libpysal.examples.get_path("streets.shp"))


@pytest.fixture(scope="session")
def tempe(tempe_roads):
    """Tempe's streets, on foot: the town is 1.6 km wide, so that the way counts."""
    return gm.build_network(tempe_roads, mode="walk")


@pytest.fixture(scope="session")
def tempe_crimes():
    return gpd.read_file(libpysal.examples.get_path("crimes.shp")).to_crs(4326)


@pytest.fixture
def hotspots_at_junctions(tempe):
    """n places at junctions, with prizes from a gamma distribution."""

    def make(n, seed=0):
        rng = np.random.default_rng(seed)
        nodes = rng.choice(len(tempe.junctions), n, replace=False)
        frame = gpd.GeoDataFrame(geometry=tempe.junctions.geometry.to_numpy()[nodes], crs=4326)
        return frame.assign(place_id=[f"h{i}" for i in range(n)], prize=rng.gamma(1.0, 1.0, n), node=nodes)

    return make
