"""Rows without coordinates, placed by a list of the user's own: community or address → point.

A dispute is filed under 幸福社区, not under a coordinate. With a gazetteer it gets the community's point, and the
row says so: `placed_by` names the field that matched and `uncertainty_m` how far off the point may be. Where the
gazetteer does not give an uncertainty, it is half the distance to the next point of the gazetteer: a centre stands
for what is nearer to it than to another.
"""

import unicodedata
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import normal
from gridmap.read.metric_projection import metric_crs, project
from gridmap.read.row_conversion import CODE, convert
from gridmap.read.schema import make_plan
from gridmap.read.sources import open_source, sample_of

__all__ = ["Gazetteer"]

NAMES = (
    "名称 地名 社区名称 社区 村社区 村居 小区 地址 标准地址 网格名称 网格"
    " place placename name address community ward zone zoneid zonename"
)
UNCERTAINTY = "uncertaintym uncertainty radiusm 误差 精度 半径"
PLACEABLE = ("no_coordinates", "bad_coordinates", "zero_coordinates")


def _key(text: object) -> str:
    return "".join(unicodedata.normalize("NFKC", str(text)).lower().split())


class Gazetteer:
    """Names and their points.

    Parameters
    ----------
    names : list of str, (n,)
    lon, lat : float arrays, (n,), degrees, WGS 84
    uncertainty_m : float array, (n,), optional

    Examples
    --------
    >>> places = Gazetteer(["幸福社区", "和平社区"], [116.40, 116.42], [39.90, 39.90])
    >>> [round(m) for m in places.uncertainty_m]
    [855, 855]
    """

    def __init__(self, names, lon, lat, uncertainty_m=None):
        frame = pd.DataFrame({"key": [_key(n) for n in names], "lon": lon, "lat": lat})
        frame["uncertainty_m"] = (
            np.nan if uncertainty_m is None else pd.to_numeric(pd.Series(uncertainty_m), errors="coerce")
        )
        frame = frame[frame["key"].str.len() > 0]
        twice = frame["key"].duplicated(keep=False) & ~frame.duplicated(keep=False)
        if twice.any():
            raise InputError(
                Note("read.gazetteer_twice", n=frame.loc[twice, "key"].nunique(), name=frame.loc[twice, "key"].iloc[0])
            )
        frame = frame.drop_duplicates("key", ignore_index=True)
        if frame.empty:
            raise InputError(Note("read.gazetteer_empty"))
        self.index = pd.Index(frame["key"])
        self.lon, self.lat = frame["lon"].to_numpy(float), frame["lat"].to_numpy(float)
        self.uncertainty_m = self._with_default(frame["uncertainty_m"].to_numpy(float))
        self.longest_first = sorted(self.index[self.index.str.len() >= 2], key=len, reverse=True)

    @classmethod
    def of(cls, source, *, datum: str | None = None) -> "Gazetteer":
        """From a table with a name, a longitude and a latitude, as a path or a frame; or one made before.

        `datum` is what the coordinates are on where neither the table nor a mapping `{path: …, datum: …}` says it: that
        of the incidents.

        Raises
        ------
        InputError
            Without a column of names.
        CRSError
            If it lies in China and the datum is not declared.
        """
        if isinstance(source, cls):
            return source
        if isinstance(source, Mapping):
            for key in source:
                if key not in ("path", "datum"):
                    meant = did_you_mean(key, ["path", "datum"])
                    raise SettingError(Note("hotspots.no_such_option", name="gazetteer", name2=key, meant=meant))
            datum = source.get("datum", datum)
            source = source.get("path")
        raw, _ = open_source(source, None, None)
        short = {normal(c): c for c in reversed(raw.columns)}
        name = next((short[n] for n in NAMES.split() if n in short), None)
        if name is None:
            raise InputError(Note("read.gazetteer_no_names", columns=list(raw.columns[:12])))
        absent = dict.fromkeys(("incident_id", "occurred_from", "occurred_to", "category", "officer_initiated", "zone"))
        sample, whole = sample_of(raw)
        columns = {**absent, "address": name}
        try:
            plan = make_plan(raw, sample, columns=columns, datum=datum, not_personal=[name])
        except CRSError as problem:
            if getattr(problem.args[0], "code", "") != "read.datum_needed":
                raise
            raise CRSError(Note("read.gazetteer_datum", file=raw.name)) from None
        batches = whole if whole is not None else raw.batches()
        found = pa.concat_tables([convert(b, plan)[0] for b in batches], promote_options="permissive").to_pandas()
        if found.empty:
            raise InputError(Note("read.gazetteer_no_points"))
        given = next((short[n] for n in UNCERTAINTY.split() if n in short and short[n] in found), None)
        return cls(found[name].fillna(""), found["lon"], found["lat"], None if given is None else found[given])

    def _with_default(self, given: np.ndarray) -> np.ndarray:
        missing = np.isnan(given)
        if not missing.any() or len(self.lon) < 2:
            return given
        crs = metric_crs((self.lon.min(), self.lat.min(), self.lon.max(), self.lat.max()))
        points = shapely.points(np.column_stack(project(self.lon, self.lat, crs)))
        near, distance = shapely.STRtree(points).query_nearest(
            points, exclusive=True, return_distance=True, all_matches=False
        )
        half = np.full(len(given), np.nan)
        half[near[0]] = distance / 2
        return np.where(missing, half, given)

    def find(self, texts) -> np.ndarray:
        """Position of the name that each text is, or contains; −1 where none.

        Examples
        --------
        >>> Gazetteer(["幸福社区", "幸福"], [1, 2], [1, 2]).find(["幸福社区3号楼", "别处", None]).tolist()
        [0, -1, -1]
        """
        keys = pd.Series([_key(t) if t is not None else "" for t in texts], dtype=object)
        at = self.index.get_indexer(keys)
        for key in keys[(at < 0) & (keys.str.len() > 0)].unique():
            inside = next((name for name in self.longest_first if name in key), None)
            if inside is not None:
                at[(keys == key).to_numpy()] = self.index.get_loc(inside)
        return at

    def place(self, table: pa.Table, plan, lon, lat, reason, counts):
        """Give the rows without coordinates a point; `(lon, lat, (placed_by, uncertainty_m))`."""
        roles = [r for r in ("address", "zone") if r in plan.roles and plan.roles[r] not in plan.personal]
        if not roles:
            raise InputError(Note("read.gazetteer_no_address"))
        lon, lat = lon.copy(), lat.copy()
        placed = np.full(len(reason), None, dtype=object)
        uncertainty = np.full(len(reason), np.nan)
        for role in roles:
            open_rows = np.flatnonzero(np.isin(reason, [CODE[r] for r in PLACEABLE]))
            if not len(open_rows):
                break
            texts = table[plan.roles[role]].take(pa.array(open_rows)).to_pylist()
            at = self.find(texts)
            rows, at = open_rows[at >= 0], at[at >= 0]
            lon[rows], lat[rows] = self.lon[at], self.lat[at]
            placed[rows], uncertainty[rows], reason[rows] = plan.roles[role], self.uncertainty_m[at], 0
            counts["placed"] = counts.get("placed", 0) + len(rows)
        return lon, lat, (pa.array(placed, pa.string()), pa.array(uncertainty, pa.float64(), from_pandas=True))
