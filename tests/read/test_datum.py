"""Datums: published points, exact inverses, identity outside the rectangle, errors."""

import numpy as np
import pytest

from gridmap.errors import InputError, SettingError
from gridmap.read.datum import cgcs2000_zone, from_wgs84, to_wgs84


def test_published_points():
    # The example that the public converters (coordtransform, gcoord) print in their documentation.
    assert from_wgs84(116.404, 39.915, datum="gcj02") == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-12
    )
    bd = from_wgs84(*to_wgs84(116.404, 39.915, datum="gcj02"), datum="bd09")
    assert bd == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


def test_offsets_are_as_large_as_measured_in_china():
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(75, 134, 20_000), rng.uniform(20, 52, 20_000)
    for datum, low, high in (("gcj02", 300, 700), ("bd09", 900, 1300)):
        x, y = from_wgs84(lon, lat, datum=datum)
        metres = np.hypot((x - lon) * np.cos(np.deg2rad(lat)), y - lat) * 111_320
        assert low < np.median(metres) < high


def test_inverse_is_exact_to_a_tenth_of_a_millimetre():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(72.1, 137.7, 100_000), rng.uniform(0.9, 55.7, 100_000)
    for datum in ("gcj02", "bd09"):
        x, y = to_wgs84(*from_wgs84(lon, lat, datum=datum), datum=datum)
        assert np.hypot(x - lon, y - lat).max() * 111_320 < 1e-4


def test_identity_outside_the_rectangle_and_shift_at_its_edge():
    for lon, lat in ((-1.5, 53.8), (72.0039, 30.0), (137.8348, 30.0), (100.0, 0.8292), (100.0, 55.8272)):
        assert from_wgs84(lon, lat, datum="gcj02") == (lon, lat)
    for lon, lat in ((72.0041, 30.0), (137.8346, 30.0), (100.0, 0.8294), (100.0, 55.8270)):
        assert from_wgs84(lon, lat, datum="gcj02") != (lon, lat)
    assert to_wgs84(-1.5, 53.8, datum="bd09") == (-1.5, 53.8)


def test_shapes_and_gaps_are_kept():
    lon = np.array([[116.4, np.nan], [0.0, 121.5]])
    x, _y = to_wgs84(lon, np.full((2, 2), 39.9), datum="gcj02")
    assert x.shape == (2, 2)
    assert np.isnan(x[0, 1])
    assert x[1, 0] == 0.0
    assert lon[0, 0] == 116.4
    assert isinstance(to_wgs84(116.4, 39.9, datum="gcj02")[0], float)
    assert to_wgs84([], [], datum="bd09")[0].shape == (0,)
    assert to_wgs84(116.4, 39.9, datum="cgcs2000") == (116.4, 39.9)


def test_mistakes_are_named():
    with pytest.raises(SettingError, match="Did you mean 'gcj02'"):
        to_wgs84(1, 2, datum="gcj2")
    with pytest.raises(InputError, match="one length"):
        to_wgs84([1, 2, 3], [1, 2], datum="gcj02")
    with pytest.raises(InputError, match="numbers"):
        from_wgs84("east", 2, datum="gcj02")


def test_zone_numbers_of_cgcs2000():
    assert cgcs2000_zone(np.array([39_500_000.0])) == 4527  # CM 117E
    assert cgcs2000_zone(np.array([20_500_000.0])) == 4498  # 6° zone 20
    assert cgcs2000_zone(np.array([500_000.0])) is None
    assert cgcs2000_zone(np.array([np.nan])) is None
