"""Does each test keep its promise? Every test over cells, with default settings as a pipeline calls it, on known maps.

Six maps with nothing on them and three with planted hotspots, over West Yorkshire's 3,291 hexagons and 1,999 incidents.
A test promises something about its own null only: `hotspot_test` about maps where incidents fall on residents,
`getis_ord(inference="exact")` about maps whose counts lie anywhere. So each line of the table is read where the map is
of the test's own null (marked *): there at most 5 % of the maps may show any hot cell, within the 99 % band of so many
maps. What a test finds on other maps is not an error: it is what its null does not explain. Which is why every claim
names its null.

`python benchmarks/calibration.py --write` makes the tables of docs/calibration.md anew (about three hours on one core;
`--only` and `--case` choose). Each entry is kept in benchmarks/calibration.json as soon as it is there, and the page
is made from that file. `tests/hotspots/test_calibration.py` holds the page, the numbers and the registry together, and
the marked entries at a smaller size (`make test-slow`).
"""

import argparse
import datetime
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyproj import Transformer
from scipy import ndimage, sparse, stats

import gridmap as gm
from gridmap.errors import GridmapError
from gridmap.grids.counts_table import Counts, CountsAbout
from gridmap.grids.population import population_by_cell
from gridmap.hotspots.nulls import may_claim
from gridmap.hotspots.result import GlobalResult
from gridmap.read.incident_table import Incidents

ROOT = Path(__file__).resolve().parents[1]
WEST_YORKSHIRE = ROOT / "data" / "west_yorkshire"
#: The page in each language, and the words of its tables that are put into it.
DOCUMENTS: dict[Path, dict[str, str]] = {
    ROOT / "docs" / "calibration.md": {},
    ROOT / "docs" / "calibration.zh-CN.md": {
        "| test |": "| 检验 |",
        "| taken on |": "| 测于 |",
        "| interval |": "| 区间 |",
        "*claims nothing*": "*不作结论*",
        "last year's counts": "去年的计数",
        "| not run ": "| 未运行 ",
        "| refused ": "| 拒绝 ",
        ", silent on ": "，不作判断 ",
        "OUT OF ITS BAND": "超出区间带",
    },
}
KEPT = ROOT / "benchmarks" / "calibration.json"
HARM = np.array([1, 5, 15, 365, 1825]), np.array([0.60, 0.25, 0.10, 0.04, 0.01])  # days, and how often


@dataclass(frozen=True)
class Town:
    """Where the maps are simulated: cells with residents and land, and real counts to shuffle."""

    grid: object
    residents: np.ndarray
    land: np.ndarray
    counts: np.ndarray

    @property
    def near(self) -> sparse.csr_array:
        """Each cell and its neighbours."""
        return sparse.csr_array(self.grid.adjacency()).astype(float) + sparse.eye_array(len(self.grid), format="csr")


def west_yorkshire(resolution: int = 8) -> Town:
    """The demo's cells, with July 2018's burglaries."""
    zones = gm.read_boundaries(WEST_YORKSHIRE / "lsoa_2011.geojson")
    grid = gm.make_grid(zones, system="h3", resolution=resolution)
    crime = gm.read_incidents(WEST_YORKSHIRE / "2018-07-west-yorkshire-street.csv.gz").where(category="Burglary")
    counts = gm.count_by_cell(crime, grid)["count"].to_numpy()
    land = (grid.cells["area_m2"] * grid.cells["share_inside"]).to_numpy(float)
    return Town(grid, population_by_cell(zones, grid, column="persons").to_numpy(), land, counts)


# ----------------------------------------------------------------------------------------------------
# maps


@dataclass(frozen=True)
class Map:
    """One simulated map: incidents a cell, the chance of each cell, where a hotspot was planted, and harm."""

    counts: np.ndarray
    chance: np.ndarray
    planted: np.ndarray | None = None
    harm: np.ndarray | None = None


def _drawn(town: Town, chance: np.ndarray, rng, planted=None) -> Map:
    chance = chance / chance.sum()
    return Map(rng.multinomial(town.counts.sum(), chance), chance, planted)


def even(town, rng):
    """Incidents fall on land."""
    return _drawn(town, town.land, rng)


def shuffled(town, rng):
    """The real counts, dealt anew among the cells."""
    counts = rng.permutation(town.counts)
    return Map(counts, np.full(len(counts), 1 / len(counts)))


def by_residents(town, rng):
    """Incidents fall on residents."""
    return _drawn(town, town.residents, rng)


def by_residents_gamma(town, rng):
    """Incidents fall on residents, and cells differ for ordinary reasons (a gamma factor of mean 1 and variance 1)."""
    return _drawn(town, town.residents * rng.gamma(1.0, 1.0, len(town.residents)), rng)


def by_residents_smooth(town, rng, over_m: float = 1500.0, sd: float = 1.0):
    """Incidents fall on residents times a smooth lognormal field: white noise smoothed over 1.5 km, standard deviation
    1 in the logarithm. Whole quarters are two or three times as risky as others, for ordinary reasons.
    """
    at = town.grid.centroids_m
    step = over_m / 4
    place = np.rint((at - at.min(axis=0)) / step).astype(int)
    rough = rng.standard_normal(place.max(axis=0) + 1)
    field = ndimage.gaussian_filter(rough, over_m / step, mode="wrap")
    field = (field / field.std())[tuple(place.T)]
    return _drawn(town, town.residents * np.exp(sd * field), rng)


def clustered_parents(town, rng):
    """A Thomas process: parents fall on residents, seven incidents each in the parent's cell or beside it."""
    parents = rng.choice(len(town.residents), town.counts.sum() // 7, p=town.residents / town.residents.sum())
    near, counts = town.near, np.zeros(len(town.residents), np.int64)
    for parent, children in zip(parents, rng.poisson(7, len(parents)), strict=True):
        beside = near.indices[near.indptr[parent] : near.indptr[parent + 1]]
        np.add.at(counts, rng.choice(beside, children), 1)
    return Map(counts, town.residents / town.residents.sum())


def harm_weighted(town, rng):
    """Incidents fall on land; each has a harm in days, most of them little and a few much."""
    drawn = even(town, rng)
    cell = np.repeat(np.arange(len(drawn.counts)), drawn.counts)
    harm = np.bincount(cell, rng.choice(HARM[0], len(cell), p=HARM[1]), minlength=len(drawn.counts))
    return Map(drawn.counts, drawn.chance, harm=harm)


def _planted(base: Callable, times: float, town, rng, hotspots: int = 10):
    middles = rng.choice(len(town.residents), hotspots, replace=False, p=town.residents / town.residents.sum())
    planted = (town.near[middles].sum(axis=0) > 0).ravel()
    return _drawn(town, base(town, rng).chance * np.where(planted, times, 1.0), rng, planted)


NULLS: dict[str, Callable] = {
    "even": even,
    "shuffled": shuffled,
    "residents": by_residents,
    "residents, gamma": by_residents_gamma,
    "residents, smooth": by_residents_smooth,
    "clustered parents": clustered_parents,
    "harm": harm_weighted,
}
TRUTHS: dict[str, Callable] = {
    "×5 on land": partial(_planted, even, 5.0),
    "×5 on residents": partial(_planted, by_residents, 5.0),
    "×5 on residents, gamma": partial(_planted, by_residents_gamma, 5.0),
}


# ----------------------------------------------------------------------------------------------------
# tests


@dataclass(frozen=True)
class Test:
    """A test as a pipeline calls it, and the maps that are of its null."""

    run: Callable
    own: tuple[str, ...]
    slow: bool = False
    coarse: bool = False  # measured over 553 cells instead of 3,291


def _counts(town: Town, one: Map) -> pd.DataFrame:
    if one.harm is None:
        return pd.DataFrame({"count": one.counts}, index=town.grid.cells.index)
    often = tuple(zip(HARM[0].tolist(), (HARM[1] * 1000).astype(int).tolist(), strict=True))
    about = CountsAbout(kind="weighted", weight="harm", rows=int(one.counts.sum()), weights=often)
    return Counts({"count": one.harm, "incidents": one.counts}, index=town.grid.cells.index, about=about)


def _over_cells(method: Callable, **options):
    def run(town: Town, one: Map, rng):
        given = {name: getattr(town, value) if isinstance(value, str) and value in ("residents", "land") else value
                 for name, value in options.items()}  # fmt: skip
        if "random_state" in options:
            given["random_state"] = rng
        return method(_counts(town, one), town.grid, **given)

    return run


def _rates(town: Town, one: Map, rng):
    return gm.incident_rates(_counts(town, one), population=town.residents)


def _two_periods(town: Town, one: Map, rng):
    again = rng.multinomial(one.counts.sum(), one.chance)
    before = pd.DataFrame({"count": again}, index=town.grid.cells.index)
    return gm.compare_periods({1: before, 2: _counts(town, one)}, town.grid, before=1, after=2)


def _history(town: Town, one: Map, rng):
    months = rng.multinomial(one.counts, np.full(12, 1 / 12))
    if one.harm is not None:  # the harm of a cell, spread over its months
        months = months * (one.harm / np.maximum(one.counts, 1))[:, None]
    index = pd.MultiIndex.from_product(
        [town.grid.cells.index, pd.period_range("2017-08", periods=12, freq="M")], names=["cell_id", "period"]
    )
    table = pd.DataFrame({"count": months.ravel()}, index)
    return gm.emerging_hotspots(table if one.harm is None else table.assign(incidents=1), town.grid)


def _earlier(town: Town, one: Map, rng):
    again = rng.multinomial(one.counts.sum(), one.chance)
    before = pd.DataFrame({"count": again}, index=town.grid.cells.index)
    return gm.hotspot_test(_counts(town, one), town.grid, at_risk=before)


def _events(town: Town, one: Map, rng, days: int = 84) -> pd.DataFrame:
    """Single incidents, anywhere within 300 m of the middle of their cell, on dates that have nothing to do with it."""
    cell = np.repeat(np.arange(len(one.counts)), one.counts)
    middle = town.grid.centroids_m[cell] + rng.uniform(-300, 300, (len(cell), 2))
    lon, lat = Transformer.from_crs(town.grid.metric_crs, 4326, always_xy=True).transform(*middle.T)
    date = pd.Timestamp("2018-01-01") + pd.to_timedelta(rng.integers(0, days, len(cell)), unit="D")
    return pd.DataFrame({"x": middle[:, 0], "y": middle[:, 1], "lon": lon, "lat": lat, "date": date})


def _scan(town: Town, one: Map, rng):
    return gm.spatial_scan(_counts(town, one), population=town.residents, grid=town.grid, random_state=rng)


def _scan_of_months(town: Town, one: Map, rng):
    cells = town.grid.cells.index
    months = rng.multinomial(one.counts, np.full(6, 1 / 6))
    middle = Transformer.from_crs(town.grid.metric_crs, 4326, always_xy=True).transform(*town.grid.centroids_m.T)
    table = pd.DataFrame(
        {
            "area": np.repeat(cells, 6),
            "date": np.tile(pd.period_range("2018-01", periods=6, freq="M").to_timestamp(), len(cells)),
            "cases": months.ravel(),
            "population": np.repeat(town.residents, 6),
            "lon": np.repeat(middle[0], 6),
            "lat": np.repeat(middle[1], 6),
        }
    )
    if one.harm is not None:
        table = Counts(table, about=CountsAbout(kind="weighted", weight="harm"))
    return gm.space_time_scan(table, every="month", random_state=rng)


def _scan_of_cases(town: Town, one: Map, rng):
    return gm.space_time_permutation_scan(_events(town, one, rng), grid=town.grid, every="week", random_state=rng)


BANDS = {"space_breaks_m": [0, 250, 500, 1000], "time_breaks_days": [0, 7, 14, 28]}


def _repeats(town: Town, one: Map, rng):
    return gm.near_repeat(_events(town, one, rng), **BANDS, random_state=rng)


def _repeats_across(town: Town, one: Map, rng):
    others = Map(rng.multinomial(one.counts.sum(), one.chance), one.chance)
    first, second = _events(town, one, rng), _events(town, others, rng)
    return gm.cross_near_repeat(first, second, **BANDS, random_state=rng)


def _incidents(events: pd.DataFrame) -> Incidents:
    named = events[["lon", "lat"]].assign(incident_id=[f"i{k}" for k in range(len(events))])
    return Incidents(pa.Table.from_pandas(named, preserve_index=False))


def _risk(town: Town, one: Map, rng):
    others = Map(rng.multinomial(2 * one.counts.sum(), one.chance), one.chance)
    cases, at_risk = (_incidents(_events(town, m, rng)) for m in (one, others))
    return gm.relative_risk(cases, at_risk, town.grid, bandwidth_m=2000, random_state=rng)


def _of_everywhere(method: Callable, **options):
    def run(town: Town, one: Map, rng):
        given = dict.fromkeys(options, town.residents)
        return method(_counts(town, one), town.grid, **given)

    return run


ANYWHERE = ("even", "shuffled", "residents", "residents, gamma", "residents, smooth", "clustered parents")
STAY = (
    "even",
    "residents",
    "residents, gamma",
    "residents, smooth",
    "×5 on land",
    "×5 on residents",
    "×5 on residents, gamma",
)
TESTS: dict[str, Test] = {
    "hotspot_test": Test(_over_cells(gm.hotspot_test), ("residents",)),
    "hotspot_test, strict": Test(
        _over_cells(gm.hotspot_test, strict=True),
        ("residents", "residents, gamma", "residents, smooth", "clustered parents"),
    ),
    "hotspot_test, at_risk: land": Test(_over_cells(gm.hotspot_test, at_risk="land"), ("even", "harm")),
    "hotspot_test, at_risk: last year's counts": Test(_earlier, STAY),
    "getis_ord": Test(_over_cells(gm.getis_ord), ("shuffled",)),
    "getis_ord, inference: exact": Test(_over_cells(gm.getis_ord, inference="exact"), ("shuffled", "harm")),
    "getis_ord, inference: conditional": Test(
        _over_cells(gm.getis_ord, inference="conditional", random_state=0), ("shuffled",), slow=True
    ),
    "getis_ord, population: persons": Test(_over_cells(gm.getis_ord, population="residents"), ("residents",)),
    "local_moran": Test(_over_cells(gm.local_moran, random_state=0), ("shuffled", "harm"), slow=True),
    "local_moran, population: persons": Test(
        _over_cells(gm.local_moran, population="residents", random_state=0), ("residents",), slow=True
    ),
    "incident_rates": Test(_rates, ("residents",)),
    "compare_periods": Test(_two_periods, STAY),
    "emerging_hotspots": Test(_history, ("shuffled",)),
    "quiet_cells": Test(_over_cells(gm.quiet_cells, population="residents"), ("residents",)),
    "global_moran": Test(_of_everywhere(gm.global_moran), ("shuffled", "harm")),
    "global_moran, population: persons": Test(_of_everywhere(gm.global_moran, population=None), ("residents",)),
    "global_geary": Test(_of_everywhere(gm.global_geary), ("shuffled", "harm")),
    "global_getis_ord": Test(_of_everywhere(gm.global_getis_ord), ("shuffled", "harm")),
    "spatial_scan": Test(_scan, ("residents",), slow=True, coarse=True),
    "space_time_scan": Test(_scan_of_months, ("residents",), slow=True, coarse=True),
    "space_time_permutation_scan": Test(_scan_of_cases, ANYWHERE, slow=True, coarse=True),
    "relative_risk": Test(_risk, STAY, slow=True, coarse=True),
    "near_repeat": Test(_repeats, ANYWHERE, slow=True, coarse=True),
    "cross_near_repeat": Test(_repeats_across, STAY, slow=True, coarse=True),
}
HOT = {"compare_periods": "up", "incident_rates": "high", "local_moran": "high-high"}


def hot_cells(result, level: float = 0.05) -> np.ndarray:
    """What a result finds: cells that hold more; for a table or one statistic, its bands or itself."""
    if isinstance(result, GlobalResult):
        return np.array([result.p_value <= level])
    if result.method in ("near_repeat", "cross_near_repeat"):
        return (result.q_value <= level).to_numpy().ravel()
    if result.method.endswith("_scan"):
        return (result.clusters["p_value"] <= level).to_numpy()
    if result.method == "quiet_cells":
        return (result.cells["label"] == "possibly under-reported").to_numpy()
    label = result.cells["label"].astype(str)
    if result.method == "local_moran":
        return label.isin(["high-high", "high-low"]).to_numpy()
    if result.method == "emerging_hotspots":
        return label.str.endswith(" hot").to_numpy()
    sign = HOT.get(result.method, "hot")
    return label.isin([f"{sign} 99", f"{sign} 95"]).to_numpy()


def measure(town: Town, test: Test, draw: Callable, maps: int, seed: int) -> dict:
    """Share of maps with any hot cell, hot cells a map, and of planted ones false discoveries, recall and coverage."""
    rows, claims, covered = [], [], []
    near = town.near
    for k in range(maps):
        one = draw(town, np.random.default_rng([seed, k]))
        try:
            result = test.run(town, one, np.random.default_rng([seed, k, 1]))
        except GridmapError as refusal:
            return {"refused": str(refusal)[:120]}
        hot = hot_cells(result)
        claims.append(may_claim(result))
        row = {"any": hot.any(), "cells": hot.sum()}
        if one.planted is not None and len(hot) == len(town.grid):
            touching = near @ one.planted.astype(float) > 0
            row |= {"fdp": (hot & ~touching).sum() / max(hot.sum(), 1), "recall": hot[one.planted].mean()}
        rows.append(row)
        covered += [_covered(result, one, town)]
    table = pd.DataFrame(rows).mean().round(4).to_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a result without intervals
        coverage = float(np.round(np.nanmean(covered), 4))
    table |= {"claims": any(claims), "maps": maps}
    if any(claims) and not all(claims):
        table["silent"] = round(1 - float(np.mean(claims)), 4)
    return table | ({"coverage": coverage} if np.isfinite(coverage) else {})


def _covered(result, one: Map, town: Town) -> float:
    """Share of the cells whose interval holds what the map was drawn from; nan where there is none."""
    if result.method == "hotspot_test" and result.params["null"] in ("residents", "land"):
        at_risk = town.residents if result.params["null"] == "residents" else town.land
        truth = one.chance / (at_risk / at_risk.sum())
        low, high = result.cells["ratio_low"], result.cells["ratio_high"]
    elif result.method == "incident_rates":
        truth = one.chance * one.counts.sum() / town.residents * result.params["per"]
        low, high = result.cells["rate_low"], result.cells["rate_high"]
    elif result.method == "compare_periods":
        truth, low, high = 1.0, result.cells["ratio_low"], result.cells["ratio_high"]
    else:
        return float("nan")
    known = (low.notna() & high.notna()).to_numpy()
    return float(((low <= truth) & (truth <= high)).to_numpy()[known].mean())


def band(maps: int, level: float = 0.05) -> float:
    """The most maps of so many that may show a hot cell: 99 % of the time there are no more, at a chance of `level`."""
    return float(stats.binom.ppf(0.99, maps, level)) / maps


def run(
    town: Town, maps: int, *, slow: int, only: str = "*", case: str = "*", keep: Callable | None = None
) -> dict[str, dict]:
    """All tests on all maps: test → map → numbers; `keep` is given each entry when it is there."""
    found: dict[str, dict] = {}
    coarse = west_yorkshire(resolution=7)
    for name, test in TESTS.items():
        for seed, (one, draw) in enumerate({**NULLS, **TRUTHS}.items()):
            if not (fnmatch(name, only) and fnmatch(one, case)):
                continue
            many = min(maps, slow) if test.slow and one not in test.own else maps
            entry = measure(coarse if test.coarse else town, test, draw, many, seed)
            found.setdefault(name, {})[one] = entry
            print(name, "|", one, entry, flush=True)
            if keep:
                keep(name, one, entry)
    return found


# ----------------------------------------------------------------------------------------------------
# the page


def _entry(found: dict, own: bool) -> str:
    if "refused" in found:
        return "refused"
    text = f"{found['any']:.2f} ({found['cells']:.3g})" + (f" of {found['maps']}" if found["maps"] != 100 else "")
    text += f", silent on {found['silent']:.2f}" if "silent" in found else ""
    if not own:
        return text
    if not found["claims"]:
        return f"{text} *claims nothing*"
    return f"**{text}**" if found["any"] <= band(found["maps"]) else f"**{text} OUT OF ITS BAND**"


def _taken(cases: dict[str, dict]) -> str:
    """The days on which a row's entries were measured: one, or the first and the last."""
    days = sorted({found["on"] for found in cases.values()})
    return days[0] if len(days) == 1 else f"{days[0]} … {days[-1][-5:]}"


def _planted_entry(found: dict | None) -> str:
    if found is None:
        return "not run"
    if "refused" in found:
        return "refused"
    return f"{found['fdp']:.3f} / {found['recall']:.2f}" if "fdp" in found else "–"


def tables(rows: dict) -> str:
    """The results as Markdown."""
    lines = ["| test | " + " | ".join(NULLS) + " | taken on |", "|---" * (len(NULLS) + 2) + "|"]
    for name, cases in rows.items():
        entries = [_entry(cases[case], case in TESTS[name].own) if case in cases else "not run" for case in NULLS]
        entries.append(_taken(cases))
        lines.append(f"| `{name}` | " + " | ".join(entries) + " |")
    lines += ["", "| test | " + " | ".join(TRUTHS) + " |", "|---" * (len(TRUTHS) + 1) + "|"]
    for name, cases in rows.items():
        entries = [_planted_entry(cases.get(case)) for case in TRUTHS]
        if set(entries) - {"–", "not run", "refused"}:  # cells only: nothing to tell of tables and clusters
            lines.append(f"| `{name}` | " + " | ".join(entries) + " |")
    lines += ["", "| interval | " + " | ".join((*NULLS, *TRUTHS)) + " |", "|---" * (len(NULLS) + len(TRUTHS) + 1) + "|"]
    for name, cases in rows.items():
        shares = [cases.get(c, {}).get("coverage") for c in (*NULLS, *TRUTHS)]
        if any(share is not None for share in shares):
            lines.append(f"| `{name}` | " + " | ".join("–" if s is None else f"{s:.3f}" for s in shares) + " |")
    return "\n".join(lines)


def put(text: str, words: dict[str, str]) -> str:
    """The text with its words in another language."""
    for word, other in words.items():
        text = text.replace(word, other)
    return text


def kept() -> dict[str, dict]:
    """What was measured, test → map → numbers, in the order of `TESTS`."""
    rows = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return {name: rows[name] for name in TESTS if name in rows}


def keep(name: str, case: str, entry: dict) -> None:
    """Keep an entry, and make the page's tables from all that are kept."""
    rows = kept()
    rows[name] = rows.get(name, {}) | {case: entry | {"on": datetime.date.today().isoformat()}}
    rows = {name: rows[name] for name in TESTS if name in rows}
    lines = [f" {json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items()]
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for page, words in DOCUMENTS.items():
        before, _, rest = page.read_text(encoding="utf-8").partition("<!-- tables -->")
        after = rest.partition("<!-- end of tables -->")[2]
        text = f"{before}<!-- tables -->\n\n{put(tables(rows), words)}\n\n<!-- end of tables -->{after}"
        page.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--maps", type=int, default=100)
    parser.add_argument("--slow-maps", type=int, default=20, help="of slow tests, on maps of another null")
    parser.add_argument("--only", default="*", help="rows by name, with * for any text")
    parser.add_argument("--case", default="*", help="maps by name, with * for any text")
    parser.add_argument("--write", action="store_true", help="keep each entry and put it into docs/calibration.md")
    options = parser.parse_args()
    found = run(
        west_yorkshire(),
        options.maps,
        slow=options.slow_maps,
        only=options.only,
        case=options.case,
        keep=keep if options.write else None,
    )
    print(tables(found))


if __name__ == "__main__":
    main()
