"""Charts: what is drawn is what the table says, in both languages, without a missing sign, readable in grey."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy import stats

import gridmap as gm
from gridmap._intervals import no_change_limits, poisson_interval
from gridmap.errors import GridmapError
from gridmap.maps.legend_classes import codes_of
from gridmap.maps.palette import amounts, luminance
from gridmap.patrol.streets import street_concentration
from gridmap.reports.charts import (
    SIZES,
    alt_text,
    concentration_chart,
    ranked_bars,
    save_chart,
    small_multiples,
    trend_chart,
    weekday_hour_chart,
)

NAMES = ["城关街道火车站", "Harehills & <b>", "$x_1$ =1+1", "建设路"]


@pytest.fixture(scope="module")
def months():
    """22 months, so that ten of the last twelve have a year before."""
    rng = np.random.default_rng(3)
    periods = pd.period_range("2017-01", periods=22, freq="M")
    return pd.DataFrame({"period": periods.astype(str), "count": rng.poisson(50, 22)})


@pytest.fixture(scope="module")
def layer():
    cells = ["8819424409fffff", "881942440bfffff", "881942440dfffff"]
    at = pd.MultiIndex.from_product(
        [cells, pd.period_range("2018-01", periods=14, freq="M")], names=["cell_id", "period"]
    )
    counts = pd.DataFrame({"count": np.random.default_rng(0).poisson(2, len(at))}, index=at)
    return gm.cells_layer(counts, "count", name="入室盗窃")


def every_chart(months, layer, **settings):
    week = pd.DataFrame(np.arange(168.0).reshape(7, 24) / 3)
    week.attrs = {"rows": 60, "untimed": 3, "too_long": 1, "uncertain": 20, "uncertain_share": 0.4}
    places = pd.DataFrame({"name": NAMES, "count": [9, 5, 3, 0]})
    return {
        "trend": trend_chart(months, **settings),
        "no year before": trend_chart(months.tail(8), **settings),
        "week": weekday_hour_chart(week, **settings),
        "no hours": weekday_hour_chart(None, **settings),
        "concentration": concentration_chart([9, 5, 3, 0, 0, 0, 1, 1], **settings),
        "bars": ranked_bars(places, **settings),
        "maps": small_multiples(layer, **settings),
    }


def texts(figure):
    return [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text()]


@pytest.mark.parametrize(("language", "size"), [("en", "page"), *(("zh", size) for size in SIZES)])
def test_every_chart_is_drawn_without_a_missing_sign(months, layer, tmp_path, language, size):
    """Warnings are errors here, so a sign that no font has, or a layout that does not fit, fails."""
    for name, figure in every_chart(months, layer, language=language, size=size).items():
        assert isinstance(figure, Figure)
        path = save_chart(figure, tmp_path / f"{name}.png", dpi=60)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert len(alt_text(figure)) > 20
        assert bool(re.search("[\u4e00-\u9fff]", alt_text(figure).replace(NAMES[0], "").replace(NAMES[3], ""))) == (
            language == "zh"
        )


def test_the_trend_draws_the_counts_and_the_year_before(months):
    ax = trend_chart(months).axes[0]
    before, now = (line.get_ydata() for line in ax.lines)
    counts = months["count"].to_numpy(float)
    assert now.tolist() == counts[-12:].tolist()
    assert np.isnan(before[:2]).all()  # November and December of 2016 are not known
    assert before[2:].tolist() == counts[:10].tolist()
    low, high = no_change_limits(counts[:10])
    corners = ax.collections[0].get_paths()[0].vertices
    for x in range(2, 12):
        assert {low[x - 2], high[x - 2]} <= set(corners[corners[:, 0] == x][:, 1])
    assert "Of the year before, 10 of 12 are known." in texts(ax.figure)
    assert ax.get_ylim()[0] == 0


def test_a_trend_without_a_year_before_says_so_and_draws_no_band(months):
    figure = trend_chart(months.tail(8))
    assert not figure.axes[0].collections
    assert "No counts of the year before: no band can be drawn." in texts(figure)


def test_a_missing_month_is_a_gap_and_two_rows_of_a_month_are_added_up():
    table = pd.DataFrame({"period": ["2018-01", "2018-03", "2018-03"], "count": [5, 3, 4]})
    drawn = trend_chart(table).axes[0].lines[0].get_ydata()
    assert drawn[0] == 5
    assert np.isnan(drawn[1])
    assert drawn[2] == 7


def test_the_band_holds_what_the_conditional_test_does_not_reject():
    for x, low, high in zip([0, 1, 7, 30], *no_change_limits([0, 1, 7, 30]), strict=True):
        for y in range(int(high) + 6):
            tails = [stats.binom.cdf(x, x + y, 0.5), stats.binom.sf(x - 1, x + y, 0.5)]
            assert (min(tails) > 0.025) == (low <= y <= high), (x, y)


@pytest.mark.slow
def test_two_counts_of_one_mean_lie_outside_the_band_in_at_most_five_of_a_hundred():
    rng = np.random.default_rng(0)
    for mean in (2, 10, 60):
        one, two = rng.poisson(mean, (2, 4000))
        low, high = no_change_limits(one)
        assert ((two < low) | (two > high)).mean() <= 0.05


def test_poisson_intervals_are_those_in_the_tables():
    """Garwood's exact limits, as in the tables of Ulm (1990)."""
    low, high = poisson_interval([0, 1, 5, 20])
    assert low.round(3).tolist() == [0.0, 0.025, 1.623, 12.217]
    assert high.round(3).tolist() == [3.689, 5.572, 11.668, 30.888]


def test_the_matrix_draws_each_hour_and_what_is_not_known():
    week = pd.DataFrame({"weekday": [4, 4, 0], "hour": [22, 22, 3], "count": [5, 4, 1]})
    figure = weekday_hour_chart(week)
    drawn = figure.axes[0].collections[0].get_array().reshape(7, 24)
    assert drawn[4, 22] == 9
    assert drawn[0, 3] == 1
    assert drawn.sum() == 10
    week = pd.DataFrame(np.ones((7, 24)))
    week.attrs = {"rows": 1200, "untimed": 30, "too_long": 12, "uncertain": 400, "uncertain_share": 0.35}
    said = " ".join(texts(weekday_hour_chart(week)))
    assert "42 of 1,200 incidents without a usable time are not shown." in said
    assert "35% are known to an interval only" in said


@pytest.mark.parametrize("week", [None, pd.DataFrame(), pd.DataFrame(np.zeros((7, 24)))])
def test_unknown_times_are_said_and_not_drawn(week):
    figure = weekday_hour_chart(week, language="zh")
    assert any("没有具体时刻" in t for t in texts(figure))
    assert not figure.axes[0].collections


def test_hours_of_incidents_go_straight_into_the_chart():
    incidents = gm.samples.town(random_state=0).incidents
    week = gm.hour_of_week(incidents)
    drawn = weekday_hour_chart(week).axes[0].collections[0].get_array()
    assert np.asarray(drawn).sum() == pytest.approx(week.to_numpy().sum())


def test_the_concentration_curve_is_that_of_the_counts_and_chance_is_beside_it():
    counts = np.array([0] * 90 + [1] * 6 + [10] * 4)
    figure = concentration_chart(counts, places="cells")
    equal, chance, observed = (line.get_xydata() for line in figure.axes[0].lines[:3])
    held = np.cumsum(np.sort(counts)[::-1]) / counts.sum()
    assert np.allclose(observed[1:, 1], held)
    assert np.allclose(observed[1:, 0], np.arange(1, 101) / 100)
    assert equal.tolist() == [[0, 0], [1, 1]]
    assert chance[:, 1].max() == pytest.approx(1)
    found = street_concentration(pd.DataFrame({"count": counts, "length_m": 1.0}), samples=199, random_state=0)
    assert alt_text(figure).startswith(f"{found.share:.0%} of the cells hold half of the incidents")
    # 46 incidents over 100 places at random: half of them are in the 16 or so busiest
    rng = np.random.default_rng(1)
    blind = np.sort(rng.multinomial(46, np.full(100, 0.01), 500), axis=1)[:, ::-1].cumsum(axis=1).mean(axis=0) / 46
    assert np.allclose(chance[1:, 1], blind, atol=0.02)


def test_the_curve_of_chance_knows_the_lengths_of_streets():
    even = concentration_chart([3, 3, 3, 3]).axes[0].lines[1].get_ydata()
    long = concentration_chart([3, 3, 3, 3], weights=[97, 1, 1, 1]).axes[0].lines[1].get_ydata()
    assert long[1] > even[1] + 0.3


def test_bars_draw_values_and_intervals_in_the_order_of_the_table():
    table = pd.DataFrame({"name": NAMES, "count": [9, 5, 3, 0], "expected": [4.0, 4.0, 4.0, np.nan]})
    ax = ranked_bars(table, expected="expected", language="zh").axes[0]
    bars = next(bar for bar in ax.containers if hasattr(bar, "datavalues"))
    assert list(bars.datavalues) == [9, 5, 3, 0]
    low, high = poisson_interval([9, 5, 3, 0])
    spans = ax.collections[0].get_segments()
    assert np.allclose([s[:, 0] for s in spans], np.column_stack([low, high]))
    assert [t.get_text().replace("\n", "") for t in ax.get_yticklabels()] == NAMES
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is on top
    assert not any(t.get_parse_math() for t in ax.get_yticklabels())  # "$x_1$" is a name, not a formula
    given = table.assign(low=[8, 4, 2, 0], high=[10, 7, 5, 1])
    spans = ranked_bars(given, low="low", high="high").axes[0].collections[0].get_segments()
    assert np.allclose([s[:, 0] for s in spans], given[["low", "high"]])


def test_maps_over_time_have_the_maps_classes_one_legend_and_one_scale_bar(layer):
    figure = small_multiples(layer, periods=["2018-02", "2018-03"], language="zh")
    assert [ax.get_title().split()[0] for ax in figure.axes] == ["2018年2月", "2018年3月"]
    for ax, period in zip(figure.axes, ["2018-02", "2018-03"], strict=True):
        values = layer.frames[pd.Period(period)]
        wanted = [layer.classes[c].colour for c in codes_of(values, layer.frame_breaks)]
        drawn = ax.collections[0].get_facecolors()[:, :3]
        assert np.allclose(drawn, [to_rgb(c) for c in wanted])
        assert f"{values.sum():,.0f} 起" in ax.get_title()
    assert len(figure.legends) == 1
    assert sum("公里" in t or "米" in t for t in texts(figure)) == 1
    assert len({ax.get_xlim() + ax.get_ylim() for ax in figure.axes}) == 1
    assert len(small_multiples(layer).axes) == 12


def test_the_same_data_give_the_same_file(months, tmp_path):
    for ending in ("png", "svg", "pdf"):
        one, two = (save_chart(trend_chart(months, language="zh"), tmp_path / f"{i}.{ending}") for i in (1, 2))
        assert one.read_bytes() == two.read_bytes(), ending


def test_text_in_svg_is_drawn_and_fonts_in_pdf_are_embedded(months, tmp_path):
    figure = trend_chart(months, language="zh")
    assert "<text" not in save_chart(figure, tmp_path / "a.svg").read_text(encoding="utf-8")
    pypdf = pytest.importorskip("pypdf")
    page = pypdf.PdfReader(save_chart(figure, tmp_path / "a.pdf")).pages[0]
    fonts = [f.get_object() for f in page["/Resources"]["/Font"].get_object().values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        kept = set(inner["/FontDescriptor"].get_object())
        assert kept & {"/FontFile", "/FontFile2", "/FontFile3"} or inner["/Subtype"] == "/Type3"


def test_lightness_runs_one_way_so_that_grey_paper_keeps_the_order():
    for k in range(2, 8):
        light = [luminance(c) for c in amounts(k)]
        assert light == sorted(light, reverse=True)
    from matplotlib import colormaps

    ramp = colormaps["YlOrRd"](np.linspace(0, 1, 64))[:, :3]
    light = ramp @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) < 0).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: trend_chart(pd.DataFrame()), "needs the column 'period'"),
        (lambda: trend_chart(pd.DataFrame({"period": [], "count": []})), "the table is empty"),
        (lambda: trend_chart(pd.DataFrame({"period": ["<b>"], "count": [1]})), "needs periods as in 2018"),
        (lambda: trend_chart(pd.DataFrame({"period": ["2018-01"], "count": [-1]})), "counts of 0 or more"),
        (lambda: trend_chart(pd.DataFrame({"period": ["2018-01"], "count": [np.nan]})), "counts of 0 or more"),
        (lambda: trend_chart([1, 2]), "needs a table; found list"),
        (lambda: trend_chart(pd.DataFrame({"period": ["2018-01"], "count": [1]}), language="fr"), "no language 'fr'"),
        (lambda: trend_chart(pd.DataFrame({"period": ["2018-01"], "count": [1]}), size="poster"), "no size 'poster'"),
        (lambda: weekday_hour_chart(pd.DataFrame({"weekday": [7], "hour": [1], "count": [1]})), "hour 0 to 23"),
        (lambda: weekday_hour_chart(pd.DataFrame(np.full((7, 24), -1.0))), "numbers of 0 or more"),
        (lambda: weekday_hour_chart(pd.DataFrame(np.ones((3, 3)))), "found 3 × 3"),
        (lambda: weekday_hour_chart("week"), "found str"),
        (lambda: concentration_chart([]), "one count a place"),
        (lambda: concentration_chart([0, 0]), "no incident on any street"),
        (lambda: concentration_chart([1.5, 2]), "whole numbers of 0 or more"),
        (lambda: concentration_chart([1, 2], weights=[1]), "one number of 0 or more a place"),
        (lambda: concentration_chart(["a"]), "weights as numbers"),
        (lambda: ranked_bars(pd.DataFrame({"name": ["a"], "count": [1.5]})), "no interval can be computed"),
        (lambda: ranked_bars(pd.DataFrame({"name": ["a"], "count": [np.nan]})), "for every place"),
        (
            lambda: ranked_bars(pd.DataFrame({"name": ["a"], "count": [1], "low": [0]}), low="low"),
            "low= and high=, or neither",
        ),
        (lambda: ranked_bars(pd.DataFrame({"name": ["a"]})), "needs the column 'count'"),
        (lambda: small_multiples("layer"), "needs a layer with periods"),
    ],
)
def test_bad_input_is_one_clear_line(make, words):
    with pytest.raises(GridmapError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_a_layer_without_periods_or_an_unknown_period_is_refused(layer):
    plain = gm.cells_layer(layer.frame[["count"]], "count")
    with pytest.raises(GridmapError, match="period"):
        small_multiples(plain)
    with pytest.raises(GridmapError, match="1999-01"):
        small_multiples(layer, periods=["1999-01"])


def test_a_chart_is_saved_whole_or_not_at_all(months, tmp_path):
    figure = trend_chart(months)
    with pytest.raises(GridmapError, match=r"\.png"):
        save_chart(figure, tmp_path / "a.bmp")
    with pytest.raises(GridmapError, match="cannot be written"):
        save_chart(figure, tmp_path / "no" / "a.png")
    assert not list(tmp_path.iterdir())
