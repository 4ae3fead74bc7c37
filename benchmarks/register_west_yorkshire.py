"""What became of the hotspots of July 2016 in West Yorkshire, in 2017 and 2018, of burglary and of disorder.

`python benchmarks/register_west_yorkshire.py`; the printed numbers stand in docs/governance.md. A general rise or fall
of the territory is no change of an area (`exposure`), and what was gone in 2017 and is there in 2018 is back.
"""

from pathlib import Path

import gridmap as gm

DATA = Path(__file__).parents[1] / "data" / "west_yorkshire"
YEARS = (2016, 2017, 2018)


def main() -> None:
    boundaries = gm.read_boundaries(DATA / "lsoa_2011.geojson", name="msoa_name")
    grid = gm.make_grid(boundaries, system="h3", resolution=8)
    files = {year: gm.read_incidents(DATA / f"{year}-07-west-yorkshire-street.csv.gz") for year in YEARS}
    for category in ("Burglary", "Anti-social behaviour"):
        own = {year: incidents.where(category=category) for year, incidents in files.items()}
        hot = {y: gm.hotspot_areas(gm.hotspot_test(gm.count_by_cell(i, grid), grid)) for y, i in own.items()}
        total = {year: len(incidents) for year, incidents in own.items()}
        first = gm.match_hotspots(hot[2016], hot[2017], exposure=(total[2016], total[2017]))
        gone = hot[2016].loc[list(first.loc[first["status"] == "gone", "identity"])]
        second = gm.match_hotspots(hot[2017], hot[2018], exposure=(total[2017], total[2018]), former=gone)
        print(category, total, {year: len(areas) for year, areas in hot.items()})
        for name, found in (("2016 → 2017", first), ("2017 → 2018", second)):
            print(" ", name, found["status"].value_counts().to_dict())


if __name__ == "__main__":
    main()
