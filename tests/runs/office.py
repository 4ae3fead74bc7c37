"""An office's exports: thirteen months in one file and four weekly ones that overlap, in GB18030, on GCJ-02."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap import from_wgs84

KINDS = {"盗窃": 0.34, "电动车被盗": 0.2, "诈骗": 0.16, "纠纷": 0.14, "扰乱秩序": 0.1, "噪音扰民": 0.06}
NAMES = ["东关", "西关", "南门", "北园", "花园", "解放路", "历山", "泉城", "文化", "工人新村", "和平", "青年"]
STREETS = ["泉城路", "大明湖", "历山路"]
WEST, SOUTH, WIDE, HIGH = 117.0, 36.6, 0.011, 0.0088

PIPELINE = """title: 一周警情
language: zh
audience: internal
as_of: 2024-06-30
boundaries: {path: 社区.geojson, datum: gcj02}
grid: {system: square, cell_size_m: 400}
incidents: {path: 导出, datum: gcj02}
timeline: {every: month}
hotspots:
  - hotspot_test: {order: 1}
    period: last month
    name: 本月热点
  - compare_periods: {before: 2023-06, after: 2024-06}
    name: 同比
  - incident_rates: {population: population}
    grid: {system: zones}
    name: 各社区发案率
outputs: {map: index.html, counts: counts.csv}
"""


def make_office(folder: Path, n: int = 1500) -> pd.DataFrame:
    """Write `社区.geojson`, `导出/` and `周.yaml`; the incidents, each once, with their true places and communities."""
    rng = np.random.default_rng(5)
    shapes = []
    for i in range(12):
        x, y = WEST + i % 4 * WIDE, SOUTH + i // 4 * HIGH
        ring = np.array(shapely.box(x, y, x + WIDE, y + HIGH).exterior.coords)
        shapes.append(shapely.Polygon(np.c_[from_wgs84(ring[:, 0], ring[:, 1], datum="gcj02")]))
    zones = {"OBJECTID": range(1, 13), "adcode": [370102001 + i for i in range(12)]}
    zones |= {"name": [f"{name}社区" for name in NAMES], "街道": [f"{STREETS[i // 4]}街道" for i in range(12)]}
    zones |= {"population": rng.integers(4000, 15000, 12)}
    gpd.GeoDataFrame(zones, geometry=shapes, crs=4326).to_file(folder / "社区.geojson")
    dense = rng.random(n) < 0.3
    lon = np.where(dense, rng.normal(WEST + 2.5 * WIDE, 0.0012, n), rng.uniform(WEST, WEST + 4 * WIDE, n))
    lat = np.where(dense, rng.normal(SOUTH + 1.5 * HIGH, 0.001, n), rng.uniform(SOUTH, SOUTH + 3 * HIGH, n))
    when = pd.Timestamp("2023-05-01") + pd.to_timedelta(np.sort(rng.integers(0, 427 * 1440, n)), unit="m")
    x, y = from_wgs84(lon, lat, datum="gcj02")
    rows = pd.DataFrame(
        {
            "警情编号": [f"J{i:06d}" for i in range(n)],
            "发生时间": when.strftime("%Y年%m月%d日 %H时%M分"),
            "警情类别": rng.choice(list(KINDS), n, p=list(KINDS.values())),
            "报警人": "某某",
            "经度": x.round(6),
            "纬度": y.round(6),
        }
    )
    exports = folder / "导出"
    exports.mkdir()

    def write(part: pd.DataFrame, name: str) -> None:
        text = f"警情台账,,,,,\n制表单位：指挥中心,,,,,\n{part.to_csv(index=False)}合计,{len(part)},,,,\n"
        (exports / name).write_bytes(text.encode("gb18030"))

    write(rows[when < "2024-06-03"], "十三个月.csv")
    for k, start in enumerate(pd.date_range("2024-06-03", periods=4, freq="7D"), 1):
        write(rows[(when >= start - pd.Timedelta(days=3)) & (when < start + pd.Timedelta(days=7))], f"第{k}周.csv")
    (exports / "第4周 (副本).csv").write_bytes((exports / "第4周.csv").read_bytes())
    (folder / "周.yaml").write_text(PIPELINE, encoding="utf-8")
    column, row = ((lon - WEST) // WIDE).astype(int), ((lat - SOUTH) // HIGH).astype(int)
    named = [f"{NAMES[r * 4 + c]}社区" for c, r in zip(column, row, strict=True)]
    return rows.assign(when=when, place=named)[when < "2024-07-01"]
