"""An office's export as it is, made up: title rows, GB18030, GCJ-02, Chinese dates, a column of telephones."""

import json
from pathlib import Path

import numpy as np

WEST, SOUTH, STEP = 116.40, 39.90, 0.012
NAMES = [
    f"{name}社区"
    for name in ["东街", "西街", "南关", "北关", "河沿", "桥头", "站前", "工农", "新华", "建设", "和平", "胜利"]
]


def write_boundaries(path: Path) -> Path:
    """Twelve communities, four by three, with their residents."""
    features = []
    for i, name in enumerate(NAMES):
        x, y = WEST + (i % 4) * STEP, SOUTH + (i // 4) * STEP
        ring = [[x, y], [x + STEP, y], [x + STEP, y + STEP], [x, y + STEP], [x, y]]
        about = {"社区编码": f"1101010010{i + 1:02}", "社区名称": name, "人口": 3000 + 150 * i}
        features.append(
            {"type": "Feature", "properties": about, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        )
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )
    return path


def write_export(path: Path, rows: int = 900, seed: int = 0, *, closed: bool = False) -> Path:
    """Incidents of a year, a third of them around one corner; `closed`: with the day on which each was closed."""
    from gridmap.read.datum import from_wgs84

    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(WEST, WEST + 4 * STEP, rows), rng.uniform(SOUTH, SOUTH + 3 * STEP, rows)
    third = rows // 3
    lon[:third], lat[:third] = rng.normal(116.415, 0.0015, third), rng.normal(39.912, 0.0012, third)
    lon, lat = from_wgs84(lon, lat, datum="gcj02")
    months, days = rng.integers(1, 13, rows), rng.integers(1, 29, rows)
    hours, minutes = rng.integers(0, 24, rows), rng.integers(0, 60, rows)
    kinds = rng.choice(["盗窃电动车", "入室盗窃", "打架斗殴"], rows, p=[0.5, 0.3, 0.2])
    taken = rng.integers(1, 28, rows)
    lines = ["某某分局案件导出表,,,,,", "导出时间：2025年1月5日,,,,,", "案件编号,案别,发案时间,报警人电话,经度,纬度"]
    if closed:
        lines[2] += ",结案时间"
    for i in range(rows):
        when = f"2024年{months[i]}月{days[i]}日 {hours[i]}时{minutes[i]}分"
        month = f"{2024 + (months[i] == 12)}-{months[i] % 12 + 1:02}"
        end = f",{month}-{taken[i]:02}"
        lines.append(f"A{i:06},{kinds[i]},{when},1380013{i:04},{lon[i]:.6f},{lat[i]:.6f}" + end * closed)
    lines.append(f"合计,{rows},,,,")
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gb18030"))
    return path
