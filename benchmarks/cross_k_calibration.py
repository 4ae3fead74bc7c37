"""Does `cross_k` keep its promise? Each of its three nulls on simulated maps, its own and the others'.

A window of 10 × 10 km with 400 events of each kind (and West Yorkshire's cells by residents, whose rectangle is far
from full), distances of 50 to 800 m, 199 simulations: in what share of the maps is p at most 0.05? A null is held to
the maps that it describes (`Case.own`); on others it finds what it does not explain. Two planted maps say what it sees.

`python benchmarks/cross_k_calibration.py --write` measures (about half an hour of one core) and puts the table into
docs/calibration.md and its Chinese twin; `--maps 20` and `--only` for a look. Entries are kept in
benchmarks/cross_k_calibration.json; tests/governance/test_colocation.py holds page and numbers together.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from scipy import ndimage, stats

import gridmap as gm

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "benchmarks" / "cross_k_calibration.json"
PAGES = (ROOT / "docs" / "calibration.md", ROOT / "docs" / "calibration.zh-CN.md")
NULLS = ("labels", "independence", "inhomogeneous")
SIDE_M, EVENTS = 10_000.0, 400
WINDOW = (0.0, 0.0, SIDE_M, SIDE_M)
BEGIN, END = "<!-- cross-K -->", "<!-- end of cross-K -->"
Pattern = tuple[np.ndarray, np.ndarray]


def _uniform(rng, n: int = EVENTS) -> np.ndarray:
    return rng.uniform(0, SIDE_M, (n, 2))


def _field(rng, over_m: float, sd: float = 1.0, step_m: float = 100.0) -> np.ndarray:
    """A smooth log-normal density on squares of 100 m: chances that add up to one."""
    many = int(SIDE_M / step_m)
    rough = ndimage.gaussian_filter(rng.standard_normal((many, many)), over_m / step_m, mode="wrap")
    chance = np.exp(sd * (rough - rough.mean()) / rough.std())
    return chance / chance.sum()


def _from(chance: np.ndarray, rng, n: int = EVENTS) -> np.ndarray:
    step = SIDE_M / len(chance)
    at = np.unravel_index(rng.choice(chance.size, n, p=chance.ravel()), chance.shape)
    return (np.column_stack(at) + rng.uniform(0, 1, (n, 2))) * step


def _clumps(rng, mean: float = 7.0, spread_m: float = 150.0, n: int = EVENTS) -> np.ndarray:
    """A Thomas process with parents beyond the window too, so that its edge is like its middle."""
    margin = 4 * spread_m
    parents = rng.uniform(-margin, SIDE_M + margin, (rng.poisson(n / mean * (1 + 2 * margin / SIDE_M) ** 2), 2))
    children = np.repeat(parents, rng.poisson(mean, len(parents)), axis=0)
    children = children + rng.normal(0, spread_m, children.shape)
    return children[((children >= 0) & (children <= SIDE_M)).all(axis=1)]


def even(rng) -> Pattern:
    """Both fall anywhere."""
    return _uniform(rng), _uniform(rng)


def shared_field(over_m: float) -> Callable:
    """Both fall by one and the same smooth density, each by itself."""

    def draw(rng) -> Pattern:
        chance = _field(rng, over_m)
        return _from(chance, rng), _from(chance, rng)

    return draw


def own_clumps(rng) -> Pattern:
    """Both come in clumps, each in its own."""
    return _clumps(rng), _clumps(rng)


def shared_clumps(rng) -> Pattern:
    """One pattern of clumps; which event is of which kind is dealt."""
    both = rng.permutation(_clumps(rng, n=2 * EVENTS))
    return both[: len(both) // 2], both[len(both) // 2 :]


def residents(rng) -> Pattern:
    """Both fall on West Yorkshire's residents, anywhere within 300 m of the middle of their cell."""
    town = _town()
    cells = rng.choice(len(town.residents), 2 * EVENTS, p=town.residents / town.residents.sum())
    both = town.grid.centroids_m[cells] + rng.uniform(-300, 300, (2 * EVENTS, 2))
    return both[:EVENTS], both[EVENTS:]


def _town(_kept: list = []):  # noqa: B006 - read once
    if not _kept:
        from calibration import west_yorkshire

        _kept.append(west_yorkshire(resolution=8))
    return _kept[0]


def together(rng) -> Pattern:
    """A tenth of the second kind lies within 100 m of one of the first, the rest by one smooth density with it."""
    chance = _field(rng, 3000)
    first, second = _from(chance, rng), _from(chance, rng)
    tied = EVENTS // 10
    second[:tied] = np.clip(first[rng.choice(EVENTS, tied)] + rng.uniform(-70, 70, (tied, 2)), 0, SIDE_M)
    return first, second


def apart(rng) -> Pattern:
    """None of the second kind lies within 150 m of one of the first, which fall anywhere."""
    first, found = _uniform(rng), np.zeros((0, 2))
    while len(found) < EVENTS:
        more = _uniform(rng)
        near = np.hypot(*(more[:, None] - first[None]).transpose(2, 0, 1)).min(axis=1)
        found = np.vstack([found, more[near > 150]])
    return first, found[:EVENTS]


@dataclass(frozen=True)
class Case:
    """How maps are drawn, and the nulls that describe them."""

    draw: Callable
    own: tuple[str, ...] = ()
    window: tuple[float, float, float, float] | None = WINDOW


MAPS: dict[str, Case] = {
    "even": Case(even, NULLS),
    "one smooth density, 3 km": Case(shared_field(3000), ("labels", "inhomogeneous")),
    "one smooth density, 1.5 km": Case(shared_field(1500), ("labels",)),
    "clumps, each kind its own": Case(own_clumps, ("independence",)),
    "clumps, kinds dealt": Case(shared_clumps, ("labels",)),
    "residents": Case(residents, ("labels",), None),
    "a tenth tied within 100 m": Case(together),
    "none within 150 m": Case(apart),
}


def measure(name: str, null: str, maps: int) -> dict:
    """Share of the maps with p at most 0.05, and at how many distances of the five a claim is made."""
    case, seed = MAPS[name], list(MAPS).index(name)
    rows = []
    for k in range(maps):
        first, second = case.draw(np.random.default_rng([22, seed, k]))
        found = gm.cross_k(first, second, null=null, window=case.window, random_state=k)
        rows.append((found.p_value <= 0.05, len(found.together), len(found.apart)))
    share, near, far = np.mean(rows, axis=0).round(3).tolist()
    return {"maps": maps, "claimed": share, "together": near, "apart": far}


def band(maps: int) -> float:
    """The largest share within the 99 % band of a binomial of 5 %."""
    return float(stats.binom.ppf(0.99, maps, 0.05)) / maps


def kept() -> dict:
    """What was measured: map → null → numbers."""
    rows = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return {name: rows[name] for name in MAPS if name in rows}


def table(rows: dict) -> str:
    """The page's table: a row a map, the share of the maps with a claim for each null, its own in bold."""

    def entry(name: str, null: str) -> str:
        found = rows.get(name, {}).get(null)
        if found is None:
            return "–"
        text = f"{found['claimed']:.3f}"
        if null not in MAPS[name].own:
            return text
        return f"**{text}**" + ("" if found["claimed"] <= band(found["maps"]) else " OUT OF ITS BAND")

    lines = [f"| `cross_k` | {' | '.join(f'`{null}`' for null in NULLS)} |", "|---" * (len(NULLS) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(entry(name, null) for null in NULLS) + " |" for name in MAPS]
    return "\n".join(lines)


def put(page: Path) -> None:
    """Put the table into a page, between its marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{table(kept())}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--maps", type=int, default=100)
    parser.add_argument("--only", default="*", help="maps by name, with * for any text")
    parser.add_argument("--null", default="*")
    parser.add_argument("--write", action="store_true", help="keep each entry and put the table into the pages")
    parser.add_argument("--pages", action="store_true", help="put what is kept into the pages, and measure nothing")
    options = parser.parse_args()
    if options.pages:
        for page in PAGES:
            put(page)
        return
    for null in NULLS:
        for name in MAPS:
            if not (fnmatch(name, options.only) and fnmatch(null, options.null)):
                continue
            entry = measure(name, null, options.maps)
            print(name, "|", null, entry, flush=True)
            if options.write:
                rows = kept()
                rows[name] = rows.get(name, {}) | {null: entry}
                lines = [f" {json.dumps(n)}: {json.dumps(rows[n])}" for n in MAPS if n in rows]
                KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
                for page in PAGES:
                    put(page)


if __name__ == "__main__":
    main()
