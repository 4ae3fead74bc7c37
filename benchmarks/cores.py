"""Cores against cells ranked by count, at the same area, on months that neither has seen: share held and PAI.

`make bench` runs it where the shared data are at hand. A core is compact, so it is bound to give away some of what the
busiest single cells hold; the question is how much of that is there again next month.

`python -m benchmarks.cores --rules` grows the cores by other rules too, in these cities and in nine others, on which
no rule was chosen, and by the months to come themselves, which no rule can know: what is then still missing
is the price of being connected.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
from scipy import sparse

import gridmap as gm
from gridmap.hotspots import cores
from gridmap.read.incident_table import Incidents

SHARED = Path(__file__).parents[2] / "shared" / "data"


def incidents_of(lon, lat, times) -> Incidents:
    times = pa.array(pd.to_datetime(times).astype("datetime64[us]"))
    return Incidents(
        pa.table({"lon": lon, "lat": lat, "occurred_from": times, "occurred_to": times, "category": ["x"] * len(times)})
    )


def cities():
    chicago = pd.read_csv(SHARED / "chicago" / "chicago_burglary_2014_2017.csv")
    lon, lat = pyproj.Transformer.from_crs(26971, 4326, always_xy=True).transform(chicago["x"], chicago["y"])
    days = pd.to_datetime(chicago["date_single"], format="%d/%m/%Y")
    zones = gm.read_boundaries(SHARED / "chicago" / "chicago77_wgs84.geojson")
    for year in (2014, 2015, 2016):
        yield f"Chicago burglary {year} → {year + 1}", zones, incidents_of(lon, lat, days), (f"{year}-01", f"{year}-12")
    memphis = pd.read_csv(SHARED / "memphis" / "memphis_robberies.csv")
    zones = gm.read_boundaries(SHARED / "memphis" / "memphis_precincts.geojson")
    points = incidents_of(memphis["longitude"].to_numpy(), memphis["latitude"].to_numpy(), memphis["date"])
    yield "Memphis robbery, January to June → July to December 2019", zones, points, ("2019-01", "2019-06")


def held(cells: np.ndarray, busiest: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of each cell the cores take (0 or 1) and the busiest cells of the same area: of the last one, a part.

    The areas are equal to the square metre, so the share captured and the PAI (that share over the share of area)
    differ by one factor and say the same of which is better.
    """
    cores_take, cells_take = np.zeros(len(area)), np.zeros(len(area))
    cores_take[cells] = 1
    before = np.concatenate([[0.0], area[busiest].cumsum()[:-1]])
    cells_take[busiest] = np.clip((area[cells].sum() - before) / area[busiest], 0, 1)
    return cores_take, cells_take


def compare(zones, incidents: Incidents, seen: tuple[str, str], cell_size_m: float) -> pd.DataFrame:
    """For 5, 10, 20 and 50 cores: the share of each later month that cores and busiest cells captured, and the PAI."""
    grid = gm.make_grid(zones, system="square", cell_size_m=cell_size_m)
    months = gm.count_by_cell(incidents, grid, every="month")["count"].unstack("period")  # noqa: PD010 - counts by cell and period are unique
    first, last = pd.Period(seen[0], "M"), pd.Period(seen[1], "M")
    known = months.loc[grid.cells.index, first:last].sum(axis=1).to_frame("count")
    later = [months.loc[grid.cells.index, month] for month in months if last < month <= last + (last - first).n + 1]
    grown = gm.hotspot_cores(gm.getis_ord(known, grid), grid)
    area = grid.cells["area_m2"].to_numpy(float)
    busiest = np.argsort(-known["count"].to_numpy(), kind="stable")
    rows = []
    for n in (5, 10, 20, 50):
        if len(grown) < n:
            continue
        cells = grid.cells.index.get_indexer([cell for ids in grown["cell_ids"].head(n) for cell in ids])
        taken = held(cells, busiest, area)
        share = np.array([[(month.to_numpy() * t).sum() / month.sum() for t in taken] for month in later])
        area_share = area[cells].sum() / area.sum()
        apart = (share[:, 0] - share[:, 1]) / area_share
        rows.append({"cores": n, "area_share": area_share,
                     "share_cores": share[:, 0].mean(), "share_cells": share[:, 1].mean(),
                     "pai_cores": share[:, 0].mean() / area_share, "pai_cells": share[:, 1].mean() / area_share,
                     "difference": apart.mean(),
                     "standard_error": apart.std(ddof=1) / np.sqrt(len(later))})  # fmt: skip
    return pd.DataFrame(rows).round(4)


def other_cities() -> Iterator[tuple]:
    """Cities on which no rule was chosen: assault in Chicago, burglary in Cincinnati, thefts in Vancouver, disorder."""
    folder = SHARED / "forecast"
    zones = gm.read_boundaries(SHARED / "chicago" / "chicago77_wgs84.geojson")
    found = pd.read_csv(folder / "chicago_aggravated_assault_2010_2019.csv.gz")
    for year in (2011, 2013, 2015, 2017):
        points = incidents_of(found["lon"].to_numpy(), found["lat"].to_numpy(), found["time"])
        yield f"Chicago assault {year}", zones, points, (f"{year}-01", f"{year}-12")
    found = pd.read_csv(folder / "cincinnati_burglary_2016_2018.csv.gz").drop_duplicates("incident_no")
    for year in (2016, 2017):
        yield f"Cincinnati burglary {year}", *around(found, "date"), (f"{year}-01", f"{year}-12")
    found = pd.read_csv(folder / "vancouver_theft_2020.csv.gz")
    for kind in ("Other Theft", "Theft from Vehicle"):
        yield f"Vancouver {kind}", *around(found[found["category"] == kind], "time"), ("2020-01", "2020-06")
    found = pd.read_csv(folder / "lancashire_asb_2022.csv.gz")
    found = found[(found["lon"] > -3.1) & (found["lat"] > 53.6)]
    yield "Lancashire disorder", *around(found, "month"), ("2022-01", "2022-06")


def around(found: pd.DataFrame, time: str) -> tuple[gpd.GeoDataFrame, Incidents]:
    """The land within 400 m of any incident, as the territory, and the incidents."""
    found = found.dropna(subset=["lon", "lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(found["lon"], found["lat"]), crs=4326)
    crs = points.estimate_utm_crs()
    land = points.to_crs(crs).buffer(400).union_all().simplify(50)
    zones = gpd.GeoDataFrame({"zone_id": ["a"], "name": ["a"]}, geometry=[land], crs=crs).to_crs(4326)
    with tempfile.TemporaryDirectory() as folder:
        zones.to_file(Path(folder) / "land.geojson", driver="GeoJSON")
        land = gm.read_boundaries(Path(folder) / "land.geojson")
    return land, incidents_of(found["lon"].to_numpy(), found["lat"].to_numpy(), found[time])


class Case:
    """What cores are grown from, as arrays, and the months to come."""

    def __init__(self, zones, incidents: Incidents, seen: tuple[str, str], cell_size_m: float):
        grid = gm.make_grid(zones, system="square", cell_size_m=cell_size_m)
        months = gm.count_by_cell(incidents, grid, every="month")["count"].unstack("period")  # noqa: PD010 - counts by cell and period are unique
        first, last = pd.Period(seen[0], "M"), pd.Period(seen[1], "M")
        known = months.loc[grid.cells.index, first:last].sum(axis=1).to_frame("count")
        wanted = [month for month in months if last < month <= last + (last - first).n + 1]
        self.later = [months.loc[grid.cells.index, month].to_numpy() for month in wanted]
        result = gm.getis_ord(known, grid)
        self.count = result.cells["count"].to_numpy(float)
        self.area = grid.cells["area_m2"].to_numpy(float)
        self.expected = cores._expected(result.cells, self.count, self.area)
        self.found = cores.significant_cells(result).to_numpy()
        self.near = sparse.csr_array(grid.adjacency())
        self.limit = 1e6 * cores.default_core_km2(self.area)

    def smoothed(self, weight: float) -> np.ndarray:
        """Counts with a share of the neighbours' mixed in, as many as the cell's area holds."""
        mixed = (self.count + weight * (self.near @ self.count)) / (self.area + weight * (self.near @ self.area))
        return mixed * self.area

    def drawn_to_neighbourhood(self) -> np.ndarray:
        """Counts drawn towards what the cell and its neighbours hold in its area, the more, the less counts vary."""
        around = (self.count + self.near @ self.count) / (self.area + self.near @ self.area) * self.area
        mean, spread = self.count[self.found].mean(), ((self.count - around)[self.found] ** 2).mean()
        own = max(0.0, 1 - mean / max(spread, 1e-9))
        return own * self.count + (1 - own) * around

    def grown(self, amounts: np.ndarray, *, found: np.ndarray | None = None, limit: float = 1) -> list[list[int]]:
        found = self.found if found is None else found
        return cores._grow(amounts, np.zeros(len(amounts)), self.area, limit * self.limit, found, self.near)

    def differences(self, groups: list[list[int]], amounts: np.ndarray) -> list[tuple[float, float, float]]:
        """PAI of cores less that of as much of the busiest cells, its standard error, and the latter."""
        groups = sorted(groups, key=lambda g: (-amounts[g].sum(), -amounts[g].sum() / self.area[g].sum(), g[0]))
        busiest = np.argsort(-self.count, kind="stable")
        rows = []
        for n in (5, 10, 20, 50):
            if len(groups) < n:
                continue
            cells = np.concatenate(groups[:n])
            taken = held(cells, busiest, self.area)
            area_share = self.area[cells].sum() / self.area.sum()
            pai = np.array([[(m * t).sum() / m.sum() / area_share for t in taken] for m in self.later])
            apart = pai[:, 0] - pai[:, 1]
            rows.append((apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart)), pai[:, 1].mean()))
        return rows


def eligible(case: Case) -> np.ndarray:
    return case.found & (case.count > 0) & (case.count >= case.expected)


def busier(case: Case, share: float) -> np.ndarray:
    """Without the weakest share of the significant cells."""
    found = eligible(case)
    return found & (case.count >= np.quantile(case.count[found], share))


#: Name → case → (cores, what they are ranked by).
RULES: dict[str, Callable[[Case], tuple[list[list[int]], np.ndarray]]] = {
    "as it is: densest neighbour": lambda c: (c.grown(c.count, found=eligible(c)), c.count),
    "neighbours mixed in, 5 %": lambda c: (c.grown(c.smoothed(0.05), found=eligible(c)), c.count),
    "neighbours mixed in, 10 %": lambda c: (c.grown(c.smoothed(0.1), found=eligible(c)), c.count),
    "neighbours mixed in, 10 %, ranked by it": lambda c: (
        c.grown(c.smoothed(0.1), found=eligible(c)),
        c.smoothed(0.1),
    ),
    "neighbours mixed in, 40 %": lambda c: (c.grown(c.smoothed(0.4), found=eligible(c)), c.count),
    "without the weakest 30 % of cells": lambda c: (c.grown(c.count, found=busier(c, 0.3)), c.count),
    "without the weakest 50 % of cells": lambda c: (c.grown(c.count, found=busier(c, 0.5)), c.count),
    "half as large": lambda c: (c.grown(c.count, found=eligible(c), limit=0.5), c.count),
    "a quarter as large": lambda c: (c.grown(c.count, found=eligible(c), limit=0.25), c.count),
    "drawn towards its neighbourhood": lambda c: (c.grown(c.drawn_to_neighbourhood(), found=eligible(c)), c.count),
    "by the months to come (no rule can)": lambda c: (
        c.grown(np.sum(c.later, axis=0).astype(float), found=eligible(c)),
        np.sum(c.later, axis=0).astype(float),
    ),
}


def rules() -> None:
    """Each rule: in how many comparisons it holds as much as the busiest cells, and how much more in the mean."""
    for title, given in (("the four of the table", cities), ("nine others", other_cities)):
        cases = [Case(*what, size) for _, *what in given() for size in (250, 500)]
        print(f"\n{title}")
        for name, rule in RULES.items():
            rows = np.array([row for case in cases for row in case.differences(*rule(case))])
            print(f"{name:42s} {(rows[:, 0] >= -0.0005).sum():3d} of {len(rows):3d}, beyond two standard errors better "
                  f"{(rows[:, 0] > 2 * rows[:, 1]).sum():2d}, worse {(rows[:, 0] < -2 * rows[:, 1]).sum():2d}; "
                  f"mean {(rows[:, 0] / rows[:, 2]).mean():+.1%}")  # fmt: skip


def summary(rows: pd.DataFrame) -> str:
    """In how many comparisons cores captured at least as much as the busiest cells, and how much more in the mean."""
    apart, error = rows["difference"], rows["standard_error"]
    return (
        f"share captured at least as large in {(rows['share_cores'] >= rows['share_cells']).sum()} of {len(rows)}, "
        f"PAI in {(rows['pai_cores'] >= rows['pai_cells']).sum()}; beyond two standard errors "
        f"better in {(apart > 2 * error).sum()}, worse in {(apart < -2 * error).sum()}; "
        f"mean {(apart / rows['pai_cells']).mean():+.1%}"
    )


def main() -> None:
    found = []
    for title, zones, incidents, seen in cities():
        for cell_size_m in (250, 500):
            found.append(compare(zones, incidents, seen, cell_size_m).assign(where=title.split()[0]))
            print(f"\n{title}, squares of {cell_size_m} m, month by month")
            print(found[-1].drop(columns="where").to_string(index=False))
    rows = pd.concat(found)
    print()
    for where, some in [*rows.groupby("where"), ("all", rows)]:
        print(f"{where}: {summary(some)}")


if __name__ == "__main__":
    if not SHARED.is_dir():
        print("left out: the shared data are not here")
    elif "--rules" in sys.argv:
        rules()
    else:
        main()
