"""In which unit is this column? Names carry it (`_m`, `_m2`, `_min`), and a few words of the trade are known.

Other programs do not know gridmap's names, so every file says the unit of each column in its metadata.
"""

from collections.abc import Iterable

__all__ = ["unit_of", "units_of"]

KNOWN = {
    **dict.fromkeys(("count", "expected", "before", "after", "difference", "stops", "visits"), "incidents"),
    **dict.fromkeys(("z_score", "p_value", "q_value", "ratio", "share_inside", "stability"), "1"),
    **{"persons": "persons", "households": "households", "lon": "degrees", "lat": "degrees"},
    **{"stops": "stops", "visits": "visits"},
}
ENDINGS = {
    "_per_km2": "per square kilometre", "_per_km": "incidents per kilometre", "_m2": "square metres", "_m": "metres",
    "_km": "kilometres", "_min": "minutes", "_h": "hours", "_s": "seconds", "_deg": "degrees", "_share": "1",
}  # fmt: skip


def unit_of(column: str, own: str | None = None) -> str | None:
    """The unit of a column by its name; None where the name does not say.

    `own` is the unit of the result itself, as a surface has it: that of `intensity`.

    Examples
    --------
    >>> unit_of("area_m2"), unit_of("count"), unit_of("zone_id")
    ('square metres', 'incidents', None)
    """
    if column == "intensity":
        return own or "incidents per square kilometre"
    if column in KNOWN:
        return KNOWN[column]
    return next((unit for ending, unit in ENDINGS.items() if column.endswith(ending)), None)


def units_of(columns: Iterable, own: str | None = None) -> dict[str, str]:
    """Column → unit, for those columns that have one."""
    found = {str(column): unit_of(str(column), own) for column in columns}
    return {column: unit for column, unit in found.items() if unit is not None}
