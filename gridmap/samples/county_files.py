"""The simulated county as the files that an office would have: what a user looks at, opens in Excel, and imitates.

Communities, streets, roads, river and cameras as GeoJSON in WGS 84; buildings and incidents as CSV with Chinese
headers and coordinates on GCJ-02, as case systems export them. Beside them a pipeline file that draws the grids by
households, codes them, finds the hotspots and makes the map.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from gridmap.errors import OutputError
from gridmap.messages import Note
from gridmap.samples.county import County

__all__ = ["write_county"]

BUILDINGS = {
    "building_id": "建筑编号",
    "kind": "建筑类型",
    "households": "户数",
    "persons": "人口",
    "lon_gcj02": "经度",
    "lat_gcj02": "纬度",
}
INCIDENTS = {
    "incident_id": "事件编号",
    "group": "事件大类",
    "category": "事件类别",
    "occurred_from": "案发时间起",
    "occurred_to": "案发时间止",
    "found_by": "发现方式",
    "lon_gcj02": "经度",
    "lat_gcj02": "纬度",
    "found_at": "发现时间",
    "filed_at": "立案时间",
    "dispatched_at": "派遣时间",
    "handled_at": "处置时间",
    "checked_at": "核查时间",
    "closed_at": "结案时间",
    "deadline_at": "办结时限",
    "withdrawn_at": "撤回时间",
    "reopened_at": "返工时间",
    "outcome": "办理结果",
}


def write_county(county: County, folder, *, pipeline: str = "county") -> Path:
    """Write a simulated county as files, with a pipeline that maps it.

    Parameters
    ----------
    county : County
        Of `simulated_county`.
    folder : str or Path
        Made if absent. `data/` gets the files, the pipeline file stands beside it.
    pipeline : {"county", "hours", "hours_en"}
        Which one: all kinds on grids drawn by households; one kind with its months, hours, streets and patrols.

    Returns
    -------
    Path
        The pipeline file.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    folder = Path(folder)
    data = folder / "data"
    try:
        data.mkdir(parents=True, exist_ok=True)
        for name, frame in (
            ("communities", county.boundaries),
            ("streets", county.streets),
            ("roads", county.roads),
            ("river", county.river),
            ("cameras", county.cameras),
        ):
            frame.to_file(data / f"{name}.geojson", driver="GeoJSON", COORDINATE_PRECISION=7)
        houses = pd.DataFrame(county.buildings.drop(columns="geometry"))
        houses[list(BUILDINGS)].rename(columns=BUILDINGS).to_csv(
            data / "buildings.csv", index=False, encoding="utf-8-sig", float_format="%.7f"
        )
        _incidents(county).to_csv(data / "incidents.csv", index=False, encoding="utf-8-sig", float_format="%.7f")
        path = folder / f"{pipeline.removesuffix('_en')}.yaml"
        path.write_text(files("gridmap.samples").joinpath(f"{pipeline}.yaml").read_text("utf-8"), encoding="utf-8")
    except OSError as error:
        raise OutputError(Note("samples.unwritable", folder=folder, why=error.strerror or error)) from None
    return path


def _incidents(county: County) -> pd.DataFrame:
    """The incidents under Chinese headers, times to the minute."""
    frame = county.incidents.to_frame()
    found = frame["officer_initiated"]
    frame["found_by"] = np.where(found.isna(), "", np.where(found.fillna(False).astype(bool), "巡逻发现", "群众报案"))
    frame = frame[list(INCIDENTS)].rename(columns=INCIDENTS)
    times = frame.select_dtypes("datetime").columns
    return frame.assign(**{name: frame[name].dt.strftime("%Y-%m-%d %H:%M") for name in times})
