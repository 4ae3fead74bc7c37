"""One pass over an incident file that counts instead of keeping: what `inspect` reports about rows."""

from collections import Counter

import numpy as np
import pandas as pd

from gridmap.read.row_conversion import SeenRows, convert
from gridmap.read.schema import Plan
from gridmap.read.sources import again

__all__ = ["read_facts"]


#: How many rows of each reason the report names.
FIRST_ROWS = 5


def read_facts(plan: Plan, batches, boundaries) -> dict:
    """Counts of rows, reasons, categories, times and places over all batches."""
    rows, used, seen = 0, 0, SeenRows(plan)
    reasons, categories, months, lengths = (Counter[str]() for _ in range(4))
    lons, lats, zones = [], [], []
    first_rows: dict[str, list[int]] = {}
    hours = np.zeros(24, np.int64)
    first = last = None
    box = None if boundaries is None else tuple(boundaries.total_bounds)
    for batch in again(batches):
        rows += batch.table.num_rows + len(batch.faults)
        table, _, aside = convert(batch, plan, boxes=box)
        used += table.num_rows
        reasons.update(aside["reason"])
        for reason, at in aside.groupby("reason")["row"]:
            first_rows[reason] = sorted([*first_rows.get(reason, ()), *at.nsmallest(FIRST_ROWS)])[:FIRST_ROWS]
        seen.again(table)
        lons.append(table["lon"].to_numpy())
        lats.append(table["lat"].to_numpy())
        if "zone" in plan.roles and plan.roles["zone"] in table.column_names:
            zones.extend(table[plan.roles["zone"]].slice(0, 20_000).to_pylist())
        categories.update(c for c in table["category"].to_pylist() if c is not None)
        start = table["occurred_from"].to_numpy().astype("datetime64[us]")
        end = table["occurred_to"].to_numpy().astype("datetime64[us]")
        known = ~np.isnat(start)
        if known.any():
            low, high = start[known].min(), start[known].max()
            first, last = (low if first is None else min(first, low)), (high if last is None else max(last, high))
            values, n = np.unique(start[known].astype("datetime64[M]"), return_counts=True)
            months.update(dict(zip(values.astype(str).tolist(), n.tolist(), strict=True)))
            exact = known & (start == end)
            hour = ((start[exact] - start[exact].astype("datetime64[D]")) // np.timedelta64(1, "h")).astype(int)
            hours += np.bincount(hour, minlength=24)[:24]
            length = (end[known] - start[known]).astype("timedelta64[h]").astype(int)
            lengths.update(
                {
                    "exact": int((length == 0).sum()),
                    "up to a day": int(((length > 0) & (length <= 24)).sum()),
                    "longer": int((length > 24).sum()),
                }
            )
    lon = np.concatenate(lons) if lons else np.empty(0)
    lat = np.concatenate(lats) if lats else np.empty(0)
    places = pd.DataFrame({"lon": lon, "lat": lat}).value_counts(sort=False)
    pairs, times = places.index.to_frame(index=False).to_numpy(float).reshape(-1, 2), places.to_numpy()
    same_row = {"same_id": seen.total()} if seen.by_id else {"same_id": 0, "same_row": seen.total()}
    return {
        "rows": rows,
        "used": used,
        "reasons": reasons,
        "first_rows": first_rows,
        "categories": categories,
        "duplicates": same_row,
        "lon": lon,
        "lat": lat,
        "zone": zones if len(zones) == len(lon) else None,
        "pairs": (pairs, times),
        "times": {
            "first": None if first is None else str(first)[:16],
            "last": None if last is None else str(last)[:16],
            "lengths": dict(lengths),
        },
        "charts": {
            "months": dict(sorted(months.items())),
            "hours": hours.tolist() if hours.sum() else [],
            "cloud": _cloud(lon, lat),
        },
    }


def _cloud(lon, lat, size: int = 48) -> list:
    """Counts on a small lattice, for a picture of where the points lie."""
    if not len(lon):
        return []
    west, east = np.quantile(lon, [0.001, 0.999])
    south, north = np.quantile(lat, [0.001, 0.999])
    grid, _, _ = np.histogram2d(lat, lon, bins=size, range=[[south - 1e-6, north + 1e-6], [west - 1e-6, east + 1e-6]])
    return grid.astype(int)[::-1].tolist()
