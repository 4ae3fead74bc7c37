"""Gi and Gi*: by hand, against esda and the published numbers, and every wrong use."""

import itertools
import json

import esda
import libpysal
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.neighbours import within_distance

LABELS = {"hot 99", "hot 95", "hot 90", "none", "cold 90", "cold 95", "cold 99"}


@pytest.fixture(scope="module")
def lattice():
    w = libpysal.weights.lat2W(20, 20, rook=False)
    return w, sparse.csr_array(w.sparse)


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(3).poisson(5, 400).astype(float)


def line(n=10):
    return sparse.csr_array(sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1]))


def test_gi_star_by_hand():
    x = np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1.0])
    hot = gm.getis_ord(x, line())
    n, mean, s = 10, x.mean(), x.std()
    z_0 = (45 - 2 * mean) / (s * np.sqrt((n * 2 - 4) / (n - 1)))
    z_1 = (65 - 3 * mean) / (s * np.sqrt((n * 3 - 9) / (n - 1)))
    assert hot.cells["z_score"].iloc[:2].tolist() == pytest.approx([z_0, z_1], abs=1e-12)
    assert hot.cells["p_value"].iloc[1] == pytest.approx(2 * stats.norm.sf(z_1), rel=1e-12)


@pytest.mark.parametrize("star", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_binary_weights_equal_esda(lattice, star, seed):
    w, adjacency = lattice
    y = np.random.default_rng(seed).gamma(1.5, 3, 400)
    expected = esda.G_Local(y, w, transform="B", star=star, permutations=0)
    hot = gm.getis_ord(pd.Series(y), adjacency, star=star)
    np.testing.assert_allclose(hot.cells["z_score"], expected.Zs, atol=1e-9, rtol=0)
    np.testing.assert_allclose(hot.cells["p_value"], 2 * expected.p_norm, atol=1e-9, rtol=0)


def test_standardised_weights_give_the_z_of_binary_ones(lattice, counts):
    _, adjacency = lattice
    standardised = sparse.csr_array(sparse.diags_array(1 / adjacency.sum(axis=1)) @ adjacency)
    for star in (True, False):
        a, b = (gm.getis_ord(counts, w, star=star).cells["z_score"] for w in (adjacency, standardised))
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_weights_that_are_not_binary_follow_ord_and_getis():
    rng = np.random.default_rng(8)
    w = rng.uniform(0, 1, (12, 12)) * (rng.uniform(size=(12, 12)) < 0.4)
    np.fill_diagonal(w, 1.5)
    x = rng.normal(10, 2, 12)
    z = gm.getis_ord(x, sparse.csr_array(w)).cells["z_score"].to_numpy()
    for i in range(12):
        total, squares = w[i].sum(), (w[i] ** 2).sum()
        by_hand = (w[i] @ x - total * x.mean()) / (x.std() * np.sqrt((12 * squares - total**2) / 11))
        assert z[i] == pytest.approx(by_hand, abs=1e-9)


def test_published_numbers_of_getis_and_ord_1992(shared_data):
    reference = json.loads((shared_data / "reference.json").read_text())["getis_ord_1992"]
    points = pd.read_csv(shared_data / reference["data"])
    xy, values = points[["x", "y"]].to_numpy(), points["val"]
    for distance, z in reference["Gi"].items():
        found = gm.getis_ord(values, within_distance(xy, float(distance)), star=False).cells["z_score"].iloc[119]
        assert found == pytest.approx(z, abs=1e-6)
    for distance, z in reference["Gi_star"].items():
        found = gm.getis_ord(values, within_distance(xy, float(distance))).cells["z_score"].iloc[119]
        assert found == pytest.approx(z, abs=1e-5)


def test_permutation_p_agrees_with_shuffling_by_numpy(lattice):
    _, adjacency = lattice
    y = np.random.default_rng(5).gamma(2, 2, 400)
    hot = gm.getis_ord(y, adjacency, star=False, permutations=19_999, random_state=1)
    rng = np.random.default_rng(2)
    for cell in (0, 25, 210):
        near = adjacency[[cell]].indices
        others = np.delete(y, cell)
        drawn = np.array([rng.choice(others, len(near), replace=False).sum() for _ in range(4_000)])
        tail = min((drawn >= y[near].sum()).mean(), (drawn <= y[near].sum()).mean())
        assert hot.cells["p_value"].iloc[cell] == pytest.approx(min(1, 2 * tail), abs=6 * np.sqrt(0.25 / 4_000))


@pytest.mark.filterwarnings("ignore:The alternative hypothesis:DeprecationWarning")  # esda's own
@pytest.mark.slow  # esda compiles for a while
def test_permutation_p_is_twice_the_folded_p_of_esda(lattice):
    w, adjacency = lattice
    y = np.random.default_rng(6).gamma(2, 2, 400)
    ours = gm.getis_ord(y, adjacency, star=False, permutations=9_999, random_state=1).cells["p_value"]
    theirs = esda.G_Local(y, w, transform="B", permutations=9_999, seed=7, n_jobs=1)
    np.testing.assert_allclose(ours, np.minimum(1, 2 * theirs.p_sim), atol=0.06)


def test_ties_of_empty_neighbourhoods_are_no_discovery(lattice):
    """Where all neighbours are empty, so are those of many permutations: p must say so."""
    _, adjacency = lattice
    x = np.random.default_rng(0).poisson(0.1, 400)
    hot = gm.getis_ord(x, adjacency, permutations=199, random_state=0).cells
    empty = (adjacency @ x) == 0
    assert empty.sum() > 50
    assert (hot["p_value"][empty] > 0.3).all()


def test_same_seed_same_p_on_any_number_of_threads(lattice, counts):
    from gridmap.hotspots.permutations import tally_permutations

    _, adjacency = lattice
    tallies = [tally_permutations(counts, adjacency, 99, 42, threads=t) for t in (1, 2, 7)]
    for at_least, at_most in tallies[1:]:
        np.testing.assert_array_equal(at_least, tallies[0][0])
        np.testing.assert_array_equal(at_most, tallies[0][1])
    one, two = (gm.getis_ord(counts, adjacency, permutations=99, random_state=4).cells for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    other = gm.getis_ord(counts, adjacency, permutations=99, random_state=5).cells
    assert (one["p_value"] != other["p_value"]).any()


def test_labels_come_from_q_and_from_p_without_correction(lattice, counts):
    _, adjacency = lattice
    counts = counts.copy()
    counts[:45] += 4
    by_q = gm.getis_ord(counts, adjacency).cells
    by_p = gm.getis_ord(counts, adjacency, fdr=None).cells
    assert set(by_q["label"]) <= LABELS
    assert ((by_q["label"] != "none") == (by_q["q_value"] <= 0.10)).all()
    assert ((by_p["label"] != "none") == (by_p["p_value"] <= 0.10)).all()
    assert (by_p["label"] != "none").sum() > (by_q["label"] != "none").sum() > 0
    assert (by_q.loc[by_q["label"].str.startswith("hot"), "z_score"] > 0).all()
    np.testing.assert_allclose(by_q["q_value"], stats.false_discovery_control(by_q["p_value"]))
    pd.testing.assert_series_equal(by_q["q_value"], by_p["q_value"])
    assert by_q["significant"].equals(by_q["q_value"] <= 0.05)
    strict = gm.getis_ord(counts, adjacency, correction="bonferroni").cells
    np.testing.assert_allclose(strict["q_value"], np.minimum(1, 400 * strict["p_value"]))


def test_grid_and_its_adjacency_give_the_same_numbers(small_grid):
    x = pd.Series(np.random.default_rng(1).poisson(4, len(small_grid)), small_grid.cells.index, name="count")
    on_grid = gm.getis_ord(x.to_frame(), small_grid, order=2)
    on_matrix = gm.getis_ord(x, small_grid.adjacency(2))
    np.testing.assert_allclose(on_grid.cells["z_score"], on_matrix.cells["z_score"])
    assert on_grid.cells.crs == "EPSG:4326"
    assert on_grid.cells.index.equals(small_grid.cells.index)
    assert {"zone_id", "area_m2", "geometry"} <= set(on_grid.cells)
    assert on_grid.params["order"] == 2


def test_distance_band_takes_cells_whose_centres_lie_within_it(small_grid):
    x = pd.Series(np.random.default_rng(1).poisson(4, len(small_grid)), small_grid.cells.index, name="count")
    by_distance = gm.getis_ord(x, small_grid, distance_m=710)  # the eight around a square of 500 m
    by_order = gm.getis_ord(x, small_grid)
    np.testing.assert_allclose(by_distance.cells["z_score"], by_order.cells["z_score"])
    assert by_distance.params["distance_m"] == 710


def test_sums_against_what_is_expected_of_a_population(lattice, counts):
    _, adjacency = lattice
    people = np.random.default_rng(2).integers(50, 500, 400).astype(float)
    hot = gm.getis_ord(counts, adjacency, population=people)
    near = adjacency + sparse.eye_array(400)
    sums, share = near @ counts, near @ people / people.sum()
    by_hand = (sums - counts.sum() * share) / np.sqrt(counts.sum() * share * (1 - share))
    np.testing.assert_allclose(hot.cells["z_score"], by_hand)
    tails = [stats.binom.sf(sums - 1, counts.sum(), share), stats.binom.cdf(sums, counts.sum(), share)]
    np.testing.assert_allclose(hot.cells["p_value"], np.minimum(1, 2 * np.minimum(*tails)))
    assert (hot.params["inference"], hot.params["null"]) == ("exact", "population")
    people[7], counts = 0, counts.copy()
    counts[7] = 0
    without = gm.getis_ord(counts, adjacency, population=people)
    assert np.isnan(without.cells["z_score"].iloc[7])
    assert without.cells["label"].iloc[7] == "none"
    assert without.cells["z_score"].notna().sum() == 399
    assert "1 cells without population" in without.notes[0]


def test_three_people_with_one_burglary_are_not_hot(lattice):
    _, adjacency = lattice
    people, rng = np.full(400, 300.0), np.random.default_rng(11)
    people[::37] = 3
    x = rng.poisson(people * 0.01)
    x[37 * 5] = 1
    assert gm.getis_ord(x, adjacency, population=people).cells["label"].iloc[37 * 5] == "none"


def test_exact_p_counts_all_shuffles():
    x = np.array([9, 7, 8, 0, 1, 2, 3, 0, 0, 4])
    line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    hot = gm.getis_ord(x, line, inference="exact")
    near = (line + sparse.eye_array(10)).toarray() > 0
    for i in range(10):
        sums = np.array([sum(c) for c in itertools.combinations(x, int(near[i].sum()))])
        seen = x[near[i]].sum()
        assert hot.cells["p_value"].iloc[i] == pytest.approx(
            min(1, 2 * min((sums >= seen).mean(), (sums <= seen).mean()))
        )
    assert hot.params["null"] == "shuffled"
    normal = gm.getis_ord(x, line)
    np.testing.assert_array_equal(hot.cells["z_score"], normal.cells["z_score"])
    np.testing.assert_array_equal(hot.cells["p_normal"], normal.cells["p_value"])


def test_exact_p_of_weighted_sums_agrees_with_random_shuffles(lattice):
    _, adjacency = lattice
    rng = np.random.default_rng(12)
    x = rng.poisson(1, 400) * rng.lognormal(2, 1, 400)
    exact = gm.getis_ord(x, adjacency, inference="exact").cells["p_value"]
    near = adjacency + sparse.eye_array(400)
    shuffled = np.array([near[[45]] @ rng.permutation(x) for _ in range(20_000)]).ravel()
    seen = (near @ x)[45]
    drawn = 2 * min((shuffled >= seen).mean(), (shuffled <= seen).mean())
    assert exact.iloc[45] == pytest.approx(drawn, abs=0.02)


def test_an_exact_shuffle_keeps_its_promise_where_counts_are_few(lattice):
    _, adjacency = lattice
    rng, exact, normal = np.random.default_rng(13), 0, 0
    for _ in range(60):
        x = rng.poisson(0.15, 400)
        exact += gm.getis_ord(x, adjacency, inference="exact").cells["significant"].any()
        normal += gm.getis_ord(x, adjacency).cells["significant"].any()
    assert exact <= stats.binom.ppf(0.995, 60, 0.05)
    assert normal > 15


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"inference": "exakt"}, "inference_unknown"),
        ({"inference": "exact", "permutations": 99}, "inference_permutations"),
        ({"inference": "exact", "star": False}, "exact_needs_star"),
    ],
)
def test_an_inference_that_cannot_be_had_is_refused(options, code):
    with pytest.raises(SettingError) as error:
        gm.getis_ord(X, line(), **options)
    assert error.value.args[0].code == f"hotspots.{code}"


def test_population_by_the_name_of_a_column(small_grid):
    x = pd.Series(np.random.default_rng(1).poisson(4, len(small_grid)), small_grid.cells.index, name="count")
    cells = small_grid.cells
    people = pd.Series(np.arange(len(cells)) + 100.0, cells.index)
    cells["persons"] = people
    try:
        a = gm.getis_ord(x, small_grid, population="persons").cells["z_score"]
        b = gm.getis_ord(x, small_grid, population=people).cells["z_score"]
        pd.testing.assert_series_equal(a, b)
        with pytest.raises(SettingError, match=r"have a column 'person' .*Did you mean 'persons'"):
            gm.getis_ord(x, small_grid, population="person")
    finally:
        del cells["persons"]


def test_an_island_has_no_gi_and_says_so():
    w = sparse.block_array([[line(9), None], [None, sparse.csr_array((1, 1))]])
    x = np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1])
    gi = gm.getis_ord(x, w, star=False)
    assert np.isnan(gi.cells[["z_score", "p_value", "q_value"]].iloc[9]).all()
    assert gi.cells["label"].iloc[9] == "none"
    assert any("1 cells without neighbours" in note for note in gi.notes)
    assert gi.cells["q_value"].notna().sum() == 9
    star = gm.getis_ord(x, w)  # Gi* of an island is its own value against all
    assert star.cells["z_score"].iloc[9] == pytest.approx((1 - x.mean()) / x.std())


def test_neighbours_may_be_one_sided():
    w = sparse.csr_array(np.roll(np.eye(40), 1, axis=1))
    x = np.random.default_rng(0).gamma(2, 2, 40)
    z = gm.getis_ord(x, w, star=False).cells["z_score"].to_numpy()
    assert np.argmax(z) == (np.argmax(x) - 1) % 40


def test_a_full_diagonal_is_the_own_weight_and_others_are_refused():
    x = np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1])
    with_own = line() + sparse.eye_array(10)
    np.testing.assert_allclose(
        gm.getis_ord(x, with_own).cells["z_score"], gm.getis_ord(x, line()).cells["z_score"], atol=1e-12
    )
    with pytest.raises(InputError, match="diagonal"):
        gm.getis_ord(x, with_own, star=False)
    half = sparse.csr_array(line() + sparse.diags_array([1.0] * 5 + [0.0] * 5))
    with pytest.raises(InputError, match="5 of 10 cells have no weight of their own"):
        gm.getis_ord(x, half)


X = np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1])
SERIES = pd.Series(X, name="count")


@pytest.mark.parametrize(
    "counts, adjacency, options, message",
    [
        (np.array([3, 2, 1, 2, 3, 2, 1, 0, 0, 0]), line(), {}, "14 incidents; fewer than 30"),
        (np.array([0, 50] + [0] * 8), line(), {}, "All 50 incidents are in one cell"),
        (np.full(10, 7), line(), {}, r"same value \(7\)"),
        (np.where(X == 3, -3, X), line(), {}, "2 counts are negative"),
        (np.where(X == 25, np.nan, X), line(), {}, "1 of 10 cells have no finite number"),
        (np.where(X == 25, np.inf, X), line(), {}, "no finite number"),
        (np.array([]), line(), {}, "no cells"),
        (np.array(["a"] * 10), line(), {}, "must be numbers"),
        (X, sparse.csr_array((10, 10)), {}, "No cell has a neighbour"),
        (X, sparse.csr_array(np.eye(10)), {}, "No cell has a neighbour"),
        (X, line(9), {}, "10 values but neighbours for 9"),
        (X, -1 * line(), {}, "finite and 0 or more"),
        (X, line().astype(complex), {}, "found csr_array of complex128"),
        (X, "grid", {}, "A Grid or a scipy sparse matrix"),
        (X, None, {}, "A Grid or a scipy sparse matrix"),
        (pd.DataFrame({"n": X}), line(), {}, "no column 'count'"),
        (X, line(), {"order": 2}, "choose neighbours on a Grid"),
        (X, line(), {"distance_m": 100}, "choose neighbours on a Grid"),
        (X, line(), {"fdr": 5}, "fdr is a share"),
        (X, line(), {"fdr": True}, "fdr is a share"),
        (X, line(), {"fdr": "0.05"}, "fdr is a share"),
        (X, line(), {"correction": "bonferoni"}, "Did you mean 'bonferroni'"),
        (X, line(), {"star": "yes"}, "star is True"),
        (X, line(), {"permutations": -1}, "permutations is a whole number"),
        (X, line(), {"permutations": 9.5}, "permutations is a whole number"),
        (X, line(), {"permutations": 9, "random_state": "seed"}, "random_state"),
        (X, line(), {"population": "persons"}, "names a column of a Grid"),
        (X, line(), {"population": np.where(X == 25, 0, 100)}, "1 cells have 25 cases but a population of 0"),
        (X, line(), {"population": np.where(X == 25, -5, 100)}, "population below 0"),
        (X, line(), {"population": np.full(9, 100)}, "10 counts but 9 populations"),
        (SERIES, line(), {"population": pd.Series(np.full(10, 100), range(9, -1, -1))}, "not in the grid's order"),
    ],
)
def test_wrong_use_is_named(counts, adjacency, options, message):
    with pytest.raises((InputError, SettingError), match=message) as caught:
        gm.getis_ord(counts, adjacency, **options)
    assert "\n" not in str(caught.value)


def test_counts_must_be_the_grids_cells_in_their_order(small_grid):
    index = small_grid.cells.index
    x = pd.Series(np.random.default_rng(1).poisson(4, len(index)), index, name="count")
    cases = [
        (x.iloc[::-1], "not in the grid's order"),
        (x.drop(index[3]), "1 of .* cells are missing"),
        (x.rename({index[0]: "elsewhere"}), "missing"),
        (pd.concat([x, pd.Series([1], ["elsewhere"])]), "1 cells of the counts are not in the grid"),
        (pd.concat([x.iloc[:1], x.iloc[:-1]]), "occurs twice"),
        (x.reset_index(drop=True), "missing"),
        (pd.concat({"2018-07": x}, names=["period", "cell_id"]).swaplevel(), "by cell and period"),
    ]
    for counts, message in cases:
        with pytest.raises(InputError, match=message):
            gm.getis_ord(counts, small_grid)


def test_a_distance_in_degrees_or_without_neighbours_is_refused(small_grid):
    x = pd.Series(np.random.default_rng(1).poisson(4, len(small_grid)), small_grid.cells.index, name="count")
    with pytest.raises(SettingError, match="looks like degrees"):
        gm.getis_ord(x, small_grid, distance_m=0.005)
    with pytest.raises(SettingError, match="nearest are 500 m apart"):
        gm.getis_ord(x, small_grid, distance_m=100)
    for bad in (0, -5, np.inf, np.nan, "500", True):
        with pytest.raises(SettingError, match="distance_m is a length"):
            gm.getis_ord(x, small_grid, distance_m=bad)
    with pytest.raises(SettingError, match="Give one of them"):
        gm.getis_ord(x, small_grid, distance_m=600, order=2)


def test_weights_of_libpysal_are_taken_as_they_are(lattice, counts):
    w, adjacency = lattice
    expected = gm.getis_ord(counts, adjacency).cells["z_score"]
    for given in (w, libpysal.graph.Graph.from_W(w), adjacency.toarray(), sparse.coo_matrix(adjacency)):
        np.testing.assert_allclose(gm.getis_ord(counts, given).cells["z_score"], expected, atol=1e-12)


def test_z_does_not_depend_on_the_unit_nor_on_the_order_of_the_cells(lattice):
    _, adjacency = lattice
    rng = np.random.default_rng(4)
    x = rng.gamma(2, 3, 400)
    z = gm.getis_ord(x, adjacency).cells["z_score"].to_numpy()
    np.testing.assert_allclose(gm.getis_ord(0.001 * x + 7, adjacency).cells["z_score"], z, atol=1e-9)
    np.testing.assert_allclose(gm.getis_ord(1e9 * x, adjacency).cells["z_score"], z, atol=1e-9)
    mixed = rng.permutation(400)
    shuffled = gm.getis_ord(x[mixed], adjacency[mixed][:, mixed]).cells["z_score"]
    np.testing.assert_allclose(shuffled, z[mixed], atol=1e-9)


def test_missing_among_nullable_numbers_is_named():
    x = pd.Series([20, 25, 20, 3, 2, 1, 2, 3, 2, 1], dtype="Int64")
    assert len(gm.getis_ord(x, line()).cells) == 10
    x[3] = pd.NA
    with pytest.raises(InputError, match="1 of 10 cells have no finite number"):
        gm.getis_ord(x, line())
