"""Which coordinates are these? Order of the pair, CRS, datum, exchanged columns: decided once for a whole file.

What decides is a sample of the rows, the columns' names and what the caller declared; what was found rather than
declared is written into the plan's notes, and what must not be guessed is asked back with an error.
"""

import re

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.read.coordinates import could_be_in_china, swapped_rows
from gridmap.read.datum import cgcs2000_zone
from gridmap.read.decisions import Plan, place_columns, raw_places
from gridmap.read.frames import X

__all__ = ["decide_places"]

SAID_BY_NAME = {
    "gcj02": r"gcj|火星|高德|amap|腾讯",
    "bd09": r"bd-?_?09|百度|baidu",
    "cgcs2000": r"cgcs|国家2000|2000坐标|大地2000",
    "wgs84": r"wgs|84坐标|gps",
}


def decide_places(plan: Plan, raw, sample, datum, crs, repair, ask_datum) -> None:
    """Set the plan's `pair_order, exchange, crs, datum, chinese` by a sample of the rows.

    Raises
    ------
    InputError
        If longitude and latitude are exchanged.
    CRSError
        If the datum or the CRS must be said and was not.
    SettingError
        If what was said contradicts itself.
    """
    x, y, _ = raw_places(plan, sample)
    fine = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    if "coordinates" in plan.roles and place_columns(plan.roles) == ["coordinates"]:
        name = plan.roles["coordinates"].lower()
        texts = [t for t in sample[plan.roles["coordinates"]].slice(0, 200).to_pylist() if t]
        wkt = any(str(t).upper().lstrip().startswith(("POINT", "SRID")) for t in texts)
        says = (
            "lonlat"
            if wkt or re.search(r"lon.*lat|lng.*lat|经.*纬", name)
            else "latlon"
            if re.search(r"lat.*(lon|lng)|纬.*经", name)
            else None
        )
        if says is None:
            bracketed = np.mean([str(t).lstrip().startswith("(") for t in texts]) > 0.5 if texts else False
            exchanged = swapped_rows(x[fine], y[fine]).mean() > 0.5 if fine.any() else False
            says = "latlon" if exchanged or bracketed else "lonlat"
            plan.notes.append(
                f"{plan.roles['coordinates']!r} was read as "
                f"{'latitude, longitude' if says == 'latlon' else 'longitude, latitude'}."
            )
        if says == "latlon":
            plan.pair_order = "latlon"
            x, y = y, x
    plan.crs = _crs_of(plan, raw, x[fine], y[fine], datum, crs)
    if plan.crs is not None:
        if datum in ("gcj02", "bd09"):
            raise SettingError(
                f"datum={datum!r} is for degrees, but the coordinates are in {plan.crs.name}. Leave one of them out."
            )
        plan.datum = "wgs84"
        return
    swapped = swapped_rows(x[fine], y[fine])
    if fine.sum() and swapped.mean() > 0.5 and "swapped" not in repair:
        lon, lat = plan.roles.get("lon"), plan.roles.get("lat")
        remedy = f"columns={{'lon': {lat!r}, 'lat': {lon!r}}}" if lon else "repair=['swapped']"
        raise InputError(
            f"Longitude and latitude are exchanged in {raw.name}: {int(swapped.sum())} of {int(fine.sum())} pairs "
            f"make sense only the other way round (the first: lon {x[fine][swapped][0]:.6g}, lat "
            f"{y[fine][swapped][0]:.6g}). "
            f"Read it with {remedy}."
        )
    if "swapped" in repair:
        at = np.flatnonzero(fine)[swapped]
        x[at], y[at] = y[at].copy(), x[at].copy()
    inside = could_be_in_china(x[fine], y[fine])
    plan.datum = datum or "wgs84"
    if datum is None and raw.crs is None and fine.any() and inside.mean() > 0.5:
        told = _datum_said(plan, raw)
        if told:
            plan.datum = told
            plan.notes.append(f"datum was not declared; the file says {told} in a column's or its own name.")
        elif ask_datum:
            raise CRSError(
                f"The points of {raw.name} lie in China, where coordinates may be WGS 84, GCJ-02 or "
                "BD-09, which differ by "
                f'several cells. Say datum="gcj02", "bd09", "cgcs2000" or "wgs84"; `gridmap inspect` estimates which.'
            )
        plan.chinese = True
    elif fine.any() and inside.mean() > 0.5:
        plan.chinese = True


def _datum_said(plan: Plan, raw) -> str | None:
    names = " ".join([*(plan.roles[r] for r in place_columns(plan.roles)), *raw.notes, raw.name]).lower()
    told = [d for d, pattern in SAID_BY_NAME.items() if re.search(pattern, names)]
    return told[0] if len(told) == 1 else None


def _crs_of(plan: Plan, raw, x, y, datum, crs) -> CRS | None:
    """The CRS the numbers are in, None for degrees on `datum`."""
    if crs is not None:
        try:
            crs = CRS.from_user_input(crs)
        except (ProjError, ValueError, TypeError):
            raise CRSError(f"crs={crs!r} is not a coordinate reference system. Write it as 'EPSG:4527'.") from None
    elif raw.crs is not None and plan.roles.get("lon") == X:
        crs = CRS.from_user_input(raw.crs)
    if crs is not None:
        return None if crs.is_geographic and crs.to_epsg() in (4326, 4490) else crs
    far = (np.abs(x) > 360) | (np.abs(y) > 360)
    if not len(x) or far.mean() <= 0.5:
        return None
    if datum in (None, "cgcs2000"):
        for exchange in (False, True):
            east, north = (y, x) if exchange else (x, y)
            zone = cgcs2000_zone(east[far])
            if zone is not None and np.median(np.abs(north[far])) < 6e6 and (datum or plan.chinese):
                plan.exchange = exchange
                plan.notes.append(
                    f"The eastings begin with a zone number, so the coordinates were read as CGCS2000, EPSG:{zone}"
                    + (", X northward and Y eastward as surveyors write." if exchange else ".")
                )
                return CRS.from_epsg(zone)
    raise CRSError(
        f"The coordinates of {raw.name} are no degrees (the first: {x[far][0]:.8g}, {y[far][0]:.8g}). "
        'Name the CRS they are in, as in crs="EPSG:4527".'
    )
