"""What is wrong with the coordinates of a file: missing, exchanged, rounded, piled on one point, of another datum.

Counts go into the report, what a person must decide into `problems`, what a pipeline should say into `settings`.
"""

import numpy as np
import shapely

from gridmap.messages import Note
from gridmap.read.coordinates import needs_datum
from gridmap.read.datum import estimate_datum, from_wgs84
from gridmap.read.schema import Plan, place_columns

__all__ = ["inspect_places"]


def inspect_places(plan: Plan, facts, boundaries, roads, datum, problems: list, settings: dict) -> dict:
    """The report's `coordinates`; adds to `problems` and `settings`. Empty where there are no coordinate columns."""
    if not place_columns(plan.roles):
        return {}
    lon, lat, reasons = facts["lon"], facts["lat"], facts["reasons"]
    pairs, n = facts["pairs"]
    out = {
        "columns": [plan.roles[r] for r in place_columns(plan.roles)],
        "missing": reasons.get("no_coordinates", 0),
        "not_numbers": reasons.get("bad_coordinates", 0),
        "zero": reasons.get("zero_coordinates", 0),
        "swapped": reasons.get("swapped", 0),
        "sign_lost": reasons.get("sign_lost", 0),
        "outside_range": reasons.get("outside_range", 0),
        "datum": plan.datum if plan.crs is None else plan.crs.name,
    }
    if not len(lon):
        return out
    rounded = (np.abs(lon * 1000 - np.round(lon * 1000)) < 1e-6) & (np.abs(lat * 1000 - np.round(lat * 1000)) < 1e-6)
    top = int(np.argmax(n))
    out |= {
        "extent": [float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max())],
        "rounded_to_3_decimals": int(rounded.sum()) if plan.datum == "wgs84" and plan.crs is None else None,
        "different_places": len(pairs),
        "most_on_one_place": {
            "lon": float(pairs[top, 0]),
            "lat": float(pairs[top, 1]),
            "rows": int(n[top]),
            "share": float(n[top] / len(lon)),
        },
    }
    if out["rounded_to_3_decimals"] and out["rounded_to_3_decimals"] > 0.5 * len(lon):
        problems.append(Note("read.rounded", share=rounded.mean()))
    if n[top] > max(10, 0.05 * len(lon)):
        problems.append(Note("read.piled", n=n[top], share=n[top] / len(lon), lon=pairs[top, 0], lat=pairs[top, 1]))
    if boundaries is not None:
        inside = np.zeros(len(pairs), bool)
        tree = shapely.STRtree(shapely.points(pairs))
        inside[tree.query(boundaries.geometry.to_numpy(), predicate="intersects")[1]] = True
        out["outside_boundaries"] = int(n[~inside].sum())
        if out["outside_boundaries"] > 0.05 * len(lon):
            problems.append(Note("read.outside_boundaries", n=out["outside_boundaries"], points=len(lon)))
    if plan.crs is None and needs_datum(lon, lat):
        _china(plan, facts, boundaries, roads, datum, problems, settings, out)
    return out


def _china(plan, facts, boundaries, roads, datum, problems, settings, out) -> None:
    declared = datum or (plan.datum if any("datum was not declared" in note for note in plan.notes) else None)
    settings["datum"] = declared or "gcj02"
    if boundaries is None and roads is None:
        if declared is None:
            problems.append(Note("read.datum_not_given"))
        return
    if plan.datum != "wgs84":  # the estimate is about the coordinates as they stand in the file
        lon, lat = from_wgs84(facts["lon"], facts["lat"], datum=plan.datum)
    else:
        lon, lat = facts["lon"], facts["lat"]
    estimate = estimate_datum(lon, lat, boundaries=boundaries, roads=roads, zone=facts["zone"])
    out["datum_estimate"] = {"likely": estimate.likely, "z_score": estimate.z_score, "evidence": estimate.evidence}
    if declared is None and estimate.likely == "wgs84" and boundaries is not None and roads is None:
        settings.pop("datum")  # they fit as they stand: the boundaries may be shifted alike, which nothing here tells
        problems.append(Note("read.datum_alike", estimate=estimate.sentence()))
    elif declared is None:
        settings["datum"] = estimate.likely or "gcj02"
        problems.append(Note("read.datum_estimated", estimate=estimate.sentence()))
    elif estimate.likely == "wgs84" and declared in ("gcj02", "bd09"):
        problems.append(Note("read.boundaries_alike", datum=declared, z=estimate.z_score))
    elif estimate.likely not in (None, declared, {"cgcs2000": "wgs84"}.get(declared, declared)):
        problems.append(Note("read.datum_doubted", datum=declared, estimate=estimate.sentence()))
