"""H3 cells for millions of points: H3's own answer, many times faster than asking it point by point.

H3 lays a hexagonal lattice on each face of an icosahedron around the Earth. A point is projected from the Earth's
centre onto its nearest face; the nearest lattice point there is its cell. The cell's name is made by walking up the
coarser lattices, each √7 times wider and turned by 19.1°: every step gives one digit, the top gives one of 122 base
cells. All of that is arithmetic, so it is done here for whole arrays (numba), without a call per point.

How the digits are turned on each face, and which base cell stands where, is nothing to be worked out or copied: it is
learned from the H3 library itself, once in a process, from some ten thousand points around the globe (`_learned`).

Exact means: H3's answer for every point. H3's rounding and ours differ in the last bits, so a point that lies
within a generous bound on both errors of a cell's edge, of a face's edge, or in a place that was not learned is put to
the library: about one in a million.

References
----------
Uber's H3, https://h3geo.org: indexing, aperture 7 and the icosahedron.
Sahr, White & Kimerling (2003), Geodesic discrete global grid systems, Cartography and Geographic Information
Science 30, 121–134.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import h3
import h3.api.numpy_int as h3i
import numpy as np

from gridmap.grids.index.locator import each
from gridmap.grids.index.zone_raster import compiled

__all__ = ["SURE_OF_FACE", "KeyTable", "Lattice", "faces", "keys_of_points", "lattice", "lattice_over", "measures"]

UNIT = (3 - 5**0.5) / 2  # spacing of the coarsest lattice on a face at distance 1: a face's corner is two steps out
TURN = np.arcsin((3 / 28) ** 0.5)  # each finer lattice is turned against the one before, to and fro
SURE_OF_FACE = 0.935  # cosine: nearer to a face's middle than its edges are
UNKNOWN = 255

# Digit of a step (i, j) in −1..1, and the step each digit becomes when turned by 60°.
DIGIT = np.full((3, 3), 7, np.uint8)
for _digit, (_i, _j) in enumerate([(0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1)]):
    DIGIT[_i + 1, _j + 1] = _digit
TURNED = np.zeros((6, 8), np.uint8)
TURNED[:, 7] = 7
for _turns in range(6):
    for _digit in range(1, 7):
        _round = [1, 5, 4, 6, 2, 3]  # the six digits, counter-clockwise
        TURNED[_turns, _digit] = _round[(_round.index(_digit) + _turns) % 6]


@compiled
def lattice(lon, lat, faces, scale, turn_cos, turn_sin, last):
    """Face and lattice point (i, j) of a point; `sure` when no rounding error could change them."""
    phi, lam = lat * (np.pi / 180), lon * (np.pi / 180)
    cos_phi = np.cos(phi)
    x, y, z = cos_phi * np.cos(lam), cos_phi * np.sin(lam), np.sin(phi)
    face, sure = last, True
    near = x * faces[face, 0] + y * faces[face, 1] + z * faces[face, 2]
    if near < SURE_OF_FACE:
        near, second = -2.0, -2.0
        for f in range(20):
            d = x * faces[f, 0] + y * faces[f, 1] + z * faces[f, 2]
            if d > near:
                second, near, face = near, d, f
            elif d > second:
                second = d
        sure = near - second > 1e-10
    u = (x * faces[face, 3] + y * faces[face, 4] + z * faces[face, 5]) / near
    v = (x * faces[face, 6] + y * faces[face, 7] + z * faces[face, 8]) / near
    away = abs(u) + abs(v)
    u, v = scale * (u * turn_cos + v * turn_sin), scale * (v * turn_cos - u * turn_sin)
    b = v / 0.8660254037844386
    a = u + b / 2
    i, j = np.floor(a), np.floor(b)
    a, b = a - i, b - j
    # The nearest of the four lattice points around, and by how much (distances squared, axes at 120°).
    one, two = 1 - a, 1 - b
    best, second, di, dj = a * a - a * b + b * b, 9.0, 0, 0
    for d, ei, ej in (
        (one * one - one * two + two * two, 1, 1),
        (one * one + one * b + b * b, 1, 0),
        (a * a + a * two + two * two, 0, 1),
    ):
        if d < best:
            second, best, di, dj = best, d, ei, ej
        elif d < second:
            second = d
    if away < 1e-7 or second - best < 1e-9 + scale * (1e-13 + 1e-14 / away):
        sure = False
    return face, np.int64(i) + di, np.int64(j) + dj, sure


@compiled
def _digits(i, j, resolution, digit_of, digits):
    """Walk up from a lattice point; the digits on the way, and where it ends on the coarsest lattice."""
    for r in range(resolution, 0, -1):
        if r & 1:
            p, q = 3 * i - j, i + 2 * j
        else:
            p, q = 2 * i + j, 3 * j - i
        p, q = (2 * p + 7) // 14, (2 * q + 7) // 14  # rounded to the nearest; there are no ties in sevenths
        if r & 1:
            di, dj = i - (2 * p + q), j - (3 * q - p)
        else:
            di, dj = i - (3 * p - q), j - (p + 2 * q)
        digits[r] = digit_of[di + 1, dj + 1]
        i, j = p, q
    return i, j


@compiled
def _head(resolution):
    """What the keys of all cells of a resolution have in common: the mode, the resolution, the unused digits."""
    head = (np.uint64(1) << np.uint64(59)) | (np.uint64(resolution) << np.uint64(52))
    for r in range(resolution + 1, 16):
        head |= np.uint64(7) << np.uint64(3 * (15 - r))
    return head


@compiled
def _key(i, j, face, resolution, head, digit_of, turned, base, turns, digits):
    """The key of a lattice point of a face; 1 where only the library can tell."""
    i, j = _digits(i, j, resolution, digit_of, digits)
    lead = 0
    for r in range(1, resolution + 1):
        if digits[r]:
            lead = digits[r]
            break
    if not (-3 < i < 3 and -3 < j < 3) or turns[face, i + 2, j + 2, lead] == UNKNOWN:
        return np.uint64(1)
    turn = turns[face, i + 2, j + 2, lead]
    key = head | (np.uint64(base[face, i + 2, j + 2]) << np.uint64(45))
    for r in range(1, resolution + 1):
        key |= np.uint64(turned[turn, digits[r]]) << np.uint64(3 * (15 - r))
    return key


@compiled
def _keys(lon, lat, keys, resolution, faces, scale, turn_cos, turn_sin, digit_of, turned, base, turns):
    """H3's cells; 0 where there is none, 1 where only the library can tell."""
    digits, head = np.zeros(16, np.uint8), _head(resolution)
    last = np.int64(0)
    for k in range(len(lon)):
        if not (abs(lat[k]) <= 90.0 and abs(lon[k]) <= 360.0):
            keys[k] = 0
            continue
        last, i, j, sure = lattice(lon[k], lat[k], faces, scale, turn_cos, turn_sin, last)
        keys[k] = _key(i, j, last, resolution, head, digit_of, turned, base, turns, digits) if sure else np.uint64(1)


@compiled
def _walk(lon, lat, resolution, faces, scale, turn_cos, turn_sin, digit_of):
    """Face, top lattice point and digits of each point, as they are before any turning: what is learned from."""
    out = np.full((len(lon), 3 + resolution), -9, np.int64)
    digits = np.zeros(16, np.uint8)
    for k in range(len(lon)):
        face, i, j, sure = lattice(lon[k], lat[k], faces, scale, turn_cos, turn_sin, np.int64(0))
        if sure:
            i, j = _digits(i, j, resolution, digit_of, digits)
            out[k, 0], out[k, 1], out[k, 2] = face, i, j
            for r in range(resolution):
                out[k, 3 + r] = digits[r + 1]
    return out


def measures(resolution: int) -> tuple[float, float, float]:
    """Lattice steps per unit of a face, and cosine and sine of the lattice's turn, at a resolution."""
    turn = TURN if resolution % 2 else 0.0
    return 7 ** (resolution / 2) / UNIT, float(np.cos(turn)), float(np.sin(turn))


@lru_cache(maxsize=1)
def faces() -> np.ndarray:
    """Middle and two axes of each of the 20 faces: their corners are the middles of H3's pentagons."""
    lat, lon = np.radians([h3i.cell_to_latlng(c) for c in h3i.get_pentagons(15)]).T
    corner = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    near = (corner @ corner.T > 0.4) & (corner @ corner.T < 0.5)
    faces = []
    for three in combinations(range(12), 3):
        if all(near[a, b] for a, b in combinations(three, 2)):
            middle = corner[list(three)].sum(axis=0)
            middle /= np.linalg.norm(middle)
            first = corner[three[0]] - (corner[three[0]] @ middle) * middle
            first /= np.linalg.norm(first)
            faces.append(np.concatenate([middle, first, np.cross(middle, first)]))
    return np.array(faces)


@lru_cache(maxsize=1)
def _learned() -> tuple[np.ndarray, np.ndarray]:
    """Base cell and turn for each face, place on its coarsest lattice and leading digit, as H3 has them."""
    resolution, n = 3, 30_000
    k = np.arange(n) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * k / n))  # evenly over the globe, on a spiral
    lon = (np.degrees(np.pi * (1 + 5**0.5) * k) + 180) % 360 - 180
    walk = _walk(lon, lat, resolution, faces(), *measures(resolution), DIGIT)
    base = np.full((20, 5, 5), UNKNOWN, np.uint8)
    turns = np.full((20, 5, 5, 7), UNKNOWN, np.uint8)
    # Of all points with one place and leading digit the first and the last suffice: the library is slow to ask.
    leads = np.where(walk[:, 3] > 0, walk[:, 3], np.where(walk[:, 4] > 0, walk[:, 4], walk[:, 5]))
    alike = ((walk[:, 0] * 5 + walk[:, 1] + 2) * 5 + walk[:, 2] + 2) * 7 + leads
    alike[walk[:, 0] < 0] = -1
    known = np.flatnonzero(alike >= 0)
    first = np.unique(alike[known], return_index=True)[1]
    last = len(known) - 1 - np.unique(alike[known][::-1], return_index=True)[1]
    some = known[np.union1d(first, last)]
    for x, y, (face, i, j, *digits) in zip(lon[some].tolist(), lat[some].tolist(), walk[some].tolist(), strict=True):
        key = int(h3i.latlng_to_cell(y, x, resolution))
        expected = [(key >> 3 * (15 - r)) & 7 for r in range(1, resolution + 1)]
        lead = next((d for d in digits if d), 0)
        turn = next(t for t in range(6) if [int(TURNED[t, d]) for d in digits] == expected)
        place = face, i + 2, j + 2
        if turns[(*place, lead)] not in (UNKNOWN, turn) or base[place] not in (UNKNOWN, key >> 45 & 127):
            raise RuntimeError("This version of H3 numbers its cells in a way that gridmap does not know.")
        turns[(*place, lead)], base[place] = turn, key >> 45 & 127
        if lead and not turns[(*place, 0)] < 6:
            turns[(*place, 0)] = 0  # all digits 0: nothing to turn
    return base, turns


def keys_of_points(lon: np.ndarray, lat: np.ndarray, resolution: int, *, threads: int | None = None) -> np.ndarray:
    """The H3 cell of each point.

    Parameters
    ----------
    lon, lat : array of float, (n,)
        Degrees, WGS 84.
    resolution : int
        0 to 15.
    threads : int, optional
        All cores when not given.

    Returns
    -------
    ndarray of uint64
        H3's cells as integers; 0 where a coordinate is not finite or no latitude.

    Examples
    --------
    >>> [hex(key) for key in keys_of_points([116.39], [39.91], 8)]
    ['0x8831aa428dfffff']
    """
    lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
    keys = np.empty(len(lon), np.uint64)
    tables = (resolution, faces(), *measures(resolution), DIGIT, TURNED, *_learned())
    each(lambda part: _keys(lon[part], lat[part], keys[part], *tables), len(lon), threads)
    for k in np.flatnonzero(keys == 1).tolist():
        keys[k] = h3i.latlng_to_cell(lat[k], lon[k], resolution)
    return keys


@compiled
def _lattice_places(at, first_i, across, first_j, faces, face, scale, turn_cos, turn_sin, lon, lat):
    for k in range(len(lon)):
        i, j = first_i + at[k] % across, first_j + at[k] // across
        a, b = i - j / 2, j * 0.8660254037844386
        u, v = (a * turn_cos - b * turn_sin) / scale, (a * turn_sin + b * turn_cos) / scale
        x = faces[face, 0] + u * faces[face, 3] + v * faces[face, 6]
        y = faces[face, 1] + u * faces[face, 4] + v * faces[face, 7]
        z = faces[face, 2] + u * faces[face, 5] + v * faces[face, 8]
        lon[k] = np.arctan2(y, x) * (180 / np.pi)
        lat[k] = np.arctan2(z, np.sqrt(x * x + y * y)) * (180 / np.pi)


@compiled
def _numbers(lon, lat, first_i, across, first_j, faces, face, scale, turn_cos, turn_sin):
    at = np.empty(len(lon), np.int64)
    for k in range(len(lon)):
        _, i, j, _ = lattice(lon[k], lat[k], faces, scale, turn_cos, turn_sin, face)
        at[k] = (j - first_j) * across + i - first_i
    return at


@compiled
def _lattice_keys(at, first_i, across, first_j, face, resolution, digit_of, turned, base, turns, keys):
    digits, head = np.zeros(16, np.uint8), _head(resolution)
    for k in range(len(at)):
        i, j = first_i + at[k] % across, first_j + at[k] // across
        keys[k] = _key(i, j, face, resolution, head, digit_of, turned, base, turns, digits)


@dataclass(frozen=True)
class Lattice:
    """The lattice points of one face over a box, numbered row by row: each is the middle of a cell.

    `lattice_over` makes it, and only where no cell of the box touches another face: there the lattice is all of H3.
    """

    resolution: int
    face: int
    first: tuple[int, int]
    across: int
    down: int

    def __len__(self) -> int:
        return self.across * self.down

    def middles(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude of the middles of some of them, −180 to 180."""
        lon, lat = np.empty(len(at)), np.empty(len(at))
        (i, j), tables = self.first, (faces(), self.face, *measures(self.resolution))
        each(lambda p: _lattice_places(at[p], i, self.across, j, *tables, lon[p], lat[p]), len(at))
        return lon, lat

    def numbers(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """The numbers of those in whose cells points lie, which must be over the box or within a cell of it."""
        i, j = self.first
        return _numbers(lon, lat, i, self.across, j, faces(), self.face, *measures(self.resolution))

    def keys(self, at: np.ndarray) -> np.ndarray:
        """The H3 cells of some, by their numbers."""
        keys = np.empty(len(at), np.uint64)
        (i, j), tables = self.first, (self.face, self.resolution, DIGIT, TURNED, *_learned())
        each(lambda p: _lattice_keys(at[p], i, self.across, j, *tables, keys[p]), len(at))
        unknown = np.flatnonzero(keys == 1)
        for k, x, y in zip(unknown.tolist(), *(v.tolist() for v in self.middles(at[unknown])), strict=True):
            keys[k] = h3i.latlng_to_cell(y, x, self.resolution)
        return keys


def lattice_over(box: tuple[float, float, float, float], resolution: int) -> Lattice | None:
    """The lattice over a box (west, south, east, north in degrees), or None where the box lies on several faces.

    Examples
    --------
    >>> lattice_over((-2.2, 53.5, -1.2, 54.0), 7).face == lattice_over((-1.0, 53.0, -0.9, 53.1), 9).face
    True
    >>> lattice_over((-180, -60, 180, 60), 3) is None
    True
    """
    west, south, east, north = box
    if not east - west < 60 or max(abs(south), abs(north)) > 85:
        return None
    edge = float(h3.average_hexagon_edge_length(resolution, unit="km")) / 6371.0
    higher = 2 * np.degrees(edge)
    wider = higher / np.cos(np.radians(max(abs(south), abs(north))))
    x, y = np.linspace(west - wider, east + wider, 1025), np.linspace(south - higher, north + higher, 1025)
    lon = np.radians(np.concatenate([x, x, np.full(1025, x[0]), np.full(1025, x[-1])]))
    lat = np.radians(np.concatenate([np.full(1025, y[0]), np.full(1025, y[-1]), y, y]))
    rim = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    near = rim @ faces()[:, :3].T
    face = int(near[0].argmax())
    others = np.delete(near, face, axis=1).max(axis=1)
    if not (near[:, face] - others > 3 * edge).all():  # 0.7 for each unit that a place lies from the faces' edge
        return None
    scale, turn_cos, turn_sin = measures(resolution)
    u, v = (rim @ faces()[face, 3:6]) / near[:, face], (rim @ faces()[face, 6:9]) / near[:, face]
    u, v = scale * (u * turn_cos + v * turn_sin), scale * (v * turn_cos - u * turn_sin)
    b = v / 0.8660254037844386
    a = u + b / 2
    i, j = int(np.floor(a.min())) - 2, int(np.floor(b.min())) - 2
    return Lattice(resolution, face, (i, j), int(np.ceil(a.max())) + 3 - i, int(np.ceil(b.max())) + 3 - j)


@compiled
def _fill(keys, shift, slots, rows):
    for row in range(len(keys)):
        at = (keys[row] * np.uint64(0x9E3779B97F4A7C15)) >> shift
        while rows[at] >= 0:
            at = (at + np.uint64(1)) & np.uint64(len(rows) - 1)
        slots[at], rows[at] = keys[row], row


@compiled
def _find(keys, shift, slots, rows, found):
    for k in range(len(keys)):
        at = (keys[k] * np.uint64(0x9E3779B97F4A7C15)) >> shift
        while rows[at] >= 0 and slots[at] != keys[k]:
            at = (at + np.uint64(1)) & np.uint64(len(rows) - 1)
        found[k] = rows[at]


class KeyTable:
    """Keys → rows by hashing (open addressing, multiplicative).

    Examples
    --------
    >>> KeyTable(np.array([70, 9], np.uint64)).rows(np.array([9, 8, 70], np.uint64)).tolist()
    [1, -1, 0]
    """

    def __init__(self, keys: np.ndarray):
        bits = max(int(np.ceil(np.log2(max(len(keys), 1)))) + 1, 3)
        self._shift = np.uint64(64 - bits)
        self._slots = np.zeros(1 << bits, np.uint64)
        self._rows = np.full(1 << bits, -1, np.int32)
        _fill(np.ascontiguousarray(keys, np.uint64), self._shift, self._slots, self._rows)

    def rows(self, keys: np.ndarray) -> np.ndarray:
        """The row of each key, −1 for one that is not there."""
        found = np.empty(len(keys), np.int32)
        each(lambda part: _find(keys[part], self._shift, self._slots, self._rows, found[part]), len(keys))
        return found
