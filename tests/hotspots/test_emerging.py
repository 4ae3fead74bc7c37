"""The 17 words by hand-made histories, and the cube's Gi* against the one everybody knows."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse, stats

from gridmap.errors import InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.emerging import PATTERNS, emerging_hotspots, mann_kendall, pattern_labels
from gridmap.hotspots.gi_star import getis_ord

# H hot, C cold, . neither; + rise, − fall, 0 no trend. What 3.x says, and 2.8 where it differs.
HISTORIES = [
    # new: hot in the final bin and never before
    (".........H", "0", "new", None),
    (".........H", "+", "new", None),
    ("..C......H", "0", "new", None),  # cold before does not matter: new goes first
    # consecutive: one run at the end, at least two, never hot before, < 90 %
    ("........HH", "0", "consecutive", None),
    (".....HHHHH", "+", "consecutive", None),
    ("..HHHHHHHH", "0", "consecutive", None),  # 80 %
    ("C......HHH", "0", "consecutive", None),  # its rule does not speak of cold
    (".HHHHHHHHH", "0", "persistent", None),  # 90 %: no longer consecutive
    (".HHHHHHHHH", "+", "intensifying", None),
    (".HHHHHHHHH", "-", "diminishing", None),
    # ≥ 90 %
    ("HHHHHHHHHH", "+", "intensifying", None),
    ("HHHHHHHHHH", "-", "diminishing", None),
    ("HHHHHHHHHH", "0", "persistent", None),
    ("HHHH.HHHHH", "+", "intensifying", None),
    ("HHHHCHHHHH", "0", "persistent", None),  # 90 % goes before ever-cold
    ("HHHHHHHHH.", "0", "historical", None),
    ("HHHHHHHHH.", "+", "historical", None),
    ("HHHHHHHHH.", "-", "historical", None),
    ("HHHHHHHHHHHHHHHHH...", "0", "", "sporadic"),  # 85 % and over
    ("HHHHHHHHHHHHHHHHHH..", "0", "historical", None),  # 90 % of 20
    ("HHHHHHHHHHHHHHHHH.HH", "0", "persistent", None),  # 95 %
    ("HHHHHHHHH.H", "0", "persistent", None),  # 10 of 11
    ("HHHHHHHH..H", "0", "sporadic", None),  # 9 of 11 is 82 %
    ("HHHHHHHHHHHHHHHHH..H", "0", "persistent", None),  # 18 of 20, exactly 90 %
    ("HHHHHHHHHHHHHHHHH..HH", "0", "persistent", None),  # 19 of 21
    ("HHHHHHHHHHHHHHHH...HH", "0", "sporadic", None),  # 18 of 21 is 86 %
    # sporadic: final bin hot, on and off before, never cold
    ("..H.H....H", "0", "sporadic", None),
    ("H........H", "+", "sporadic", None),
    ("H.......HH", "0", "sporadic", None),  # a run at the end, but hot before it
    ("HHHH.HHH.H", "-", "sporadic", None),  # 80 %
    # oscillating: final bin hot, hot before, cold at some time
    ("..H.C....H", "0", "oscillating", None),
    ("C.H......H", "0", "oscillating", None),
    ("HHHHCHHH.H", "0", "oscillating", None),
    # not hot at the end and < 90 %: nothing in 3.x; in 2.8 sporadic if never cold
    ("..H.H.....", "0", "", "sporadic"),
    ("HHHHHHHH..", "0", "", "sporadic"),
    ("H.........", "0", "", "sporadic"),
    ("..H.C.....", "0", "", None),
    ("..........", "0", "", None),
    ("..........", "+", "", None),
]


def read(history):
    return [{"H": 1, "C": -1, ".": 0}[mark] for mark in history]


@pytest.mark.parametrize(("history", "trend", "new_rules", "old_rules"), HISTORIES)
@pytest.mark.parametrize("side", ["hot", "cold"])
def test_every_rule_and_its_borders(history, trend, new_rules, old_rules, side):
    sign = 1 if side == "hot" else -1
    state, slope = [[sign * v for v in read(history)]], [sign * {"+": 1, "-": -1, "0": 0}[trend]]
    for definition, pattern in (("esri-3", new_rules), ("esri-2.8", new_rules if old_rules is None else old_rules)):
        found = pattern_labels(state, slope, definition=definition)[0]
        assert found == (f"{pattern} {side}" if pattern else "none")


def test_all_seventeen_words_occur_in_the_table():
    words = {pattern for _, _, *both in HISTORIES for pattern in both if pattern is not None}
    assert words == {*PATTERNS, ""}


def test_where_both_halves_have_a_word_the_hot_one_stands():
    assert pattern_labels([read("HHHHHHHHHC"), read("CCCCCCCCCH")], [0, 0]).tolist() == ["historical hot", "new hot"]


def test_mirrored_history_gets_the_mirrored_word():
    rng = np.random.default_rng(0)
    state = rng.choice([-1, 0, 1], (2000, 12), p=[0.1, 0.3, 0.6])
    trend = rng.choice([-1, 0, 1], 2000)
    one, other = pattern_labels(state, trend), pattern_labels(-state, -trend)
    both = np.char.find(one.astype(str), "hot") >= 0
    swapped = [w.replace("hot", "?").replace("cold", "hot").replace("?", "cold") for w in other]
    assert both.any()
    clash = [a != b for a, b in zip(one, swapped, strict=True)]
    assert not any(clash)


def line(n):
    return sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1])


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_bins_are_gi_star_over_the_whole_cube(steps):
    """The same statistic on cells × periods as one big lattice: neighbours at t and at the periods before."""
    n, bins = 15, 12
    cube = np.random.default_rng(1).poisson(3, (n, bins))
    found = emerging_hotspots(pd.DataFrame(cube), line(n), time_steps=steps)
    back = sparse.diags_array([np.ones(bins - k) for k in range(steps + 1)], offsets=[-k for k in range(steps + 1)])
    space = sparse.csr_array(line(n) + sparse.eye_array(n))
    big = sparse.kron(space, back)
    known = getis_ord(cube.ravel(), sparse.csr_array(big))
    assert found.z_scores.to_numpy().ravel() == pytest.approx(known.cells["z_score"].to_numpy())
    assert found.q_values.to_numpy().ravel() == pytest.approx(known.cells["q_value"].to_numpy())


def test_mann_kendall_counts_every_pair():
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 5, (50, 14)).astype(float)
    z, p = mann_kendall(rows)
    for row, found in zip(rows, z, strict=True):
        s = sum(np.sign(row[b] - row[a]) for a in range(14) for b in range(a + 1, 14))
        ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(row, return_counts=True)[1])
        variance = (14 * 13 * 33 - ties) / 18
        assert found == pytest.approx((s - np.sign(s)) / np.sqrt(variance))
    assert p == pytest.approx(2 * stats.norm.sf(np.abs(z)))
    assert mann_kendall(np.ones((1, 9)))[1].tolist() == [1.0]


def town(planted=None, cells=(8, 8), bins=12, seed=0):
    zone = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.60, 53.70, -1.52, 53.75)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=500)
    cube = np.random.default_rng(seed).poisson(2, (len(grid), bins))
    middle = ((grid.centroids_m - grid.centroids_m.mean(axis=0)) ** 2).sum(axis=1).argsort()[:9]
    if planted is not None:
        cube[middle] += np.asarray(planted, int)[None, :]
    periods = pd.period_range("2018-01", periods=bins, freq="M")
    index = pd.MultiIndex.from_product([grid.cells.index, periods], names=["cell_id", "period"])
    return grid, pd.DataFrame({"count": cube.ravel()}, index=index), middle


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ([0] * 11 + [12], "new hot"),
        ([0] * 8 + [12] * 4, "consecutive hot"),
        ([12, 12] * 6, "persistent hot"),
        (list(range(14, 26)), "intensifying hot"),
        (list(range(25, 13, -1)), "diminishing hot"),
        ([12] * 11 + [-2], "historical hot"),
        ([0, 14, 0, 0, 0, 14, 0, 0, 0, 0, 0, 14], "sporadic hot"),
    ],
)
def test_planted_histories_get_their_word(planted, word):
    grid, counts, middle = town(np.maximum(planted, 0))
    found = emerging_hotspots(counts, grid, time_steps=0).cells
    assert found["label"].iloc[middle[0]] == word
    assert isinstance(found, gpd.GeoDataFrame)


def test_result_keeps_counts_cells_and_periods():
    grid, counts, _ = town([5] * 12)
    found = emerging_hotspots(counts, grid)
    assert found.cells.index.equals(grid.cells.index)
    assert found.cells["count"].sum() == counts["count"].sum()
    assert found.z_scores.shape == (len(grid), 12)
    assert found.params["first"] == "2018-01"
    state = (found.q_values <= 0.05) & (found.z_scores > 0)
    assert found.cells["periods_hot"].tolist() == state.sum(axis=1).tolist()
    shuffled = counts.sample(frac=1, random_state=0).sort_index(level=1, sort_remaining=False).swaplevel().swaplevel()
    assert len(shuffled) == len(counts)


def test_too_few_incidents_for_the_normal_p_value_get_a_note():
    grid, counts, _ = town()
    assert any("bin and its neighbours" in note for note in emerging_hotspots(counts, grid).notes)
    assert emerging_hotspots(counts * 100, grid).notes == ()


def test_few_periods_get_a_note():
    grid, counts, _ = town(bins=6)
    assert "fewer than 10" in emerging_hotspots(counts, grid).notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.iloc[1:], "missing from the counts"),
        (lambda c: c * 0, "0 incidents"),
        (lambda c: c * 0 + 1, "nothing to compare"),
        (lambda c: c.droplevel("period"), "by cell and period"),
        (lambda c: c.loc[(slice(None), c.index.levels[1][:3]), :], "3 periods"),
        (lambda c: c.loc[c.index.get_level_values(1) != c.index.levels[1][4]], "periods are missing"),
        (lambda c: -c, "negative|0 or more"),
        (lambda c: c.astype(float).where(c > 0), "finite"),
        (lambda c: c.to_numpy(), "ndarray"),
        (lambda c: pd.concat([c, c.iloc[:5]]), "twice"),
        (lambda c: c.loc[list(dict.fromkeys(c.index.get_level_values(0)))[::-1]], "order"),
    ],
)
def test_bad_counts_are_refused_by_name(change, message):
    grid, counts, _ = town()
    with pytest.raises(InputError, match=message):
        emerging_hotspots(change(counts), grid)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"definition": "esri-4"}, "no definition 'esri-4'"),
        ({"time_steps": -1}, "time_steps is a whole number"),
        ({"trend_level": 5}, "trend_level is a share"),
        ({"fdr": 2}, "fdr is a share"),
        ({"correction": "bonf"}, "No correction is called 'bonf'"),
    ],
)
def test_bad_settings_are_refused(setting, words):
    grid, counts, _ = town()
    with pytest.raises(SettingError, match=words):
        emerging_hotspots(counts, grid, **setting)


@pytest.mark.slow
def test_false_alarms_are_not_more_than_promised():
    """Complete randomness at ten incidents a bin: a map with any word on it is a false alarm of the FDR at 5 %.

    Neighbouring bins share counts, and a bin's z is only nearly normal, so the bound is the upper end alone.
    """
    grid, counts, _ = town()
    rng = np.random.default_rng(9)
    alarms = 0
    for _ in range(400):
        cube = counts.assign(count=rng.poisson(10, len(counts)))
        found = emerging_hotspots(cube, grid)
        alarms += bool((found.q_values.to_numpy() <= 0.05).any())
    assert alarms <= stats.binom.ppf(0.995, 400, 0.05)


def test_the_trend_of_single_periods_keeps_its_level_where_overlapping_windows_do_not():
    """Stationary counts: 5 % of cells are promised a trend; windows that share a period call twice as many and more."""
    counts = pd.DataFrame(np.random.default_rng(3).poisson(30, (400, 24)))
    single = emerging_hotspots(counts, line(400)).cells["trend_p"]
    esri = emerging_hotspots(counts, line(400), trend_of="windows").cells["trend_p"]
    assert (single <= 0.05).mean() < 0.08
    assert (esri <= 0.05).mean() > 0.10


def test_an_unknown_kind_of_trend_is_named():
    counts = pd.DataFrame(np.random.default_rng(3).poisson(30, (40, 12)))
    with pytest.raises(SettingError, match="Did you mean 'windows'"):
        emerging_hotspots(counts, line(40), trend_of="window")
