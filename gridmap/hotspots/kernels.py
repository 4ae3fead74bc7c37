"""Kernels in the plane, and two ways of summing them: exactly, and over a raster by FFT.

Each kernel integrates to one over the plane. `h` is the radius beyond which quartic and triangular
kernels are zero, and the standard deviation of the Gaussian:

* quartic     3 / (π h²) · (1 − d²/h²)²
* triangular  3 / (π h²) · (1 − d/h)
* gaussian    1 / (2π h²) · exp(−d² / 2h²), summed to 8 h, where it is 10⁻¹⁴ of its peak

The exact sum visits only points near enough, found by sorting them into squares as wide as the
largest kernel. The raster sum spreads each point over the four pixel centres around it (linear
binning) and convolves by FFT: its cost does not grow with the bandwidth, and how far it can be from the exact sum is
known (`binned_error`).

Source: Wand & Jones (1995), Kernel Smoothing, appendix D.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy

from gridmap._compiled import njit

__all__ = [
    "CANONICAL",
    "KERNELS",
    "REACH",
    "binned",
    "binned_error",
    "convolve",
    "exact",
    "kernel_raster",
    "most_near",
    "pairs_expected",
]

KERNELS = ("quartic", "gaussian", "triangular")
CODE = {name: i for i, name in enumerate(KERNELS)}
#: How far a kernel of bandwidth 1 reaches.
REACH = {"quartic": 1.0, "gaussian": 8.0, "triangular": 1.0}
#: Bandwidths that smooth alike, against the Gaussian's: (R(K)/μ₂²)^(1/6) over the same for the Gaussian.
CANONICAL = {"quartic": 460.8 ** (1 / 6), "gaussian": 1.0, "triangular": (800 / 3) ** (1 / 6)}


@njit(cache=True, nogil=True, inline="always")
def _value(code, d2, h):
    h2 = h * h
    if code == 0:
        if d2 >= h2:
            return 0.0
        u = 1.0 - d2 / h2
        return 3.0 / (np.pi * h2) * u * u
    if code == 1:
        return np.exp(-0.5 * d2 / h2) / (2.0 * np.pi * h2) if d2 < 64.0 * h2 else 0.0
    if d2 >= h2:
        return 0.0
    return 3.0 / (np.pi * h2) * (1.0 - np.sqrt(d2 / h2))


@njit(cache=True, nogil=True)
def _sum_near(tx, ty, x, y, w, h, start, columns, rows, west, south, side, code, out):
    for t in range(len(tx)):
        c = int(np.floor((tx[t] - west) / side))
        r = int(np.floor((ty[t] - south) / side))
        total = 0.0
        for rr in range(max(r - 1, 0), min(r + 2, rows)):
            first, last = max(c - 1, 0), min(c + 1, columns - 1)
            if first > last:
                continue
            for i in range(start[rr * columns + first], start[rr * columns + last + 1]):
                dx, dy = tx[t] - x[i], ty[t] - y[i]
                total += w[i] * _value(code, dx * dx + dy * dy, h[i])
        out[t] = total


def _frame(xy: np.ndarray, side: float) -> tuple[int, int, float, float, float]:
    """Columns, rows, west, south and side of squares over points, at least `side` wide."""
    west, south = (float(v) for v in xy.min(axis=0))
    spread = xy.max(axis=0) - [west, south]
    side = max(side * (1 + 1e-12), float(spread.max()) / 2000, 1e-9)  # at most 2,001 × 2,001 squares
    columns, rows = (int(v) + 1 for v in spread // side)
    return columns, rows, west, south, side


def _squares(xy: np.ndarray, side: float) -> tuple[np.ndarray, tuple]:
    """The square of each point, at least `side` wide, and the frame: columns, rows, west, south, side."""
    frame = columns, _, west, south, side = _frame(xy, side)
    column, row = ((xy[:, 0] - west) // side).astype(np.int64), ((xy[:, 1] - south) // side).astype(np.int64)
    return row * columns + column, frame


def exact(targets: np.ndarray, xy: np.ndarray, weight: np.ndarray, h, kernel: str) -> np.ndarray:
    """Sum of kernels of `xy` at each target, per square metre.

    Parameters
    ----------
    targets : array (m, 2), in metres
    xy : array (n, 2), in metres
    weight : array (n,)
    h : float or array (n,)
        The bandwidth, one for all or one a point.
    kernel : {"quartic", "gaussian", "triangular"}
    """
    out = np.zeros(len(targets))
    if not len(xy):
        return out
    h = np.broadcast_to(np.asarray(h, float), len(xy))
    square, frame = _squares(xy, float(h.max()) * REACH[kernel])
    start = np.r_[0, np.cumsum(np.bincount(square, minlength=frame[0] * frame[1]))]
    order = np.argsort(square, kind="stable")
    x, y = xy[order].T.copy()
    sources = x, y, weight[order].astype(float), h[order].copy(), start, *frame, CODE[kernel]
    tx, ty = np.asarray(targets, float).T.copy()
    cuts = np.linspace(0, len(out), 9).astype(int)

    def one_share(k: int) -> None:
        here = slice(cuts[k], cuts[k + 1])
        _sum_near(tx[here], ty[here], *sources, out[here])  # releases the GIL; each target is summed by one thread

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one_share, range(8)))
    return out


@njit(cache=True, nogil=True)
def _by_square(xy, columns, rows, west, south, side):
    count = np.zeros((rows + 2, columns + 2))
    for k in range(len(xy)):
        count[int((xy[k, 1] - south) // side) + 1, int((xy[k, 0] - west) // side) + 1] += 1
    return count


def pairs_expected(targets: np.ndarray, xy: np.ndarray, reach: float) -> float:
    """How many pairs the exact sum would visit, from a sample of the targets."""
    if not len(xy) or not len(targets):
        return 0.0
    frame = columns, rows, west, south, side = _frame(xy, reach)
    count = _by_square(np.ascontiguousarray(xy), *frame)
    around = sum(np.roll(count, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    some = targets[:: max(1, len(targets) // 20_000)]
    at = ((some - [west, south]) // side).astype(np.int64) + 1
    near = ((at >= 0) & (at < [columns + 2, rows + 2])).all(axis=1)
    return float(around[at[near, 1], at[near, 0]].sum() * len(targets) / len(some))


@njit(cache=True, nogil=True)
def _spread(xy, weight, west, north, pixel, mass):
    rows, columns = mass.shape
    for k in range(len(xy)):
        column, row = (xy[k, 0] - west) / pixel - 0.5, (north - xy[k, 1]) / pixel - 0.5
        if not (-1 < column < columns and -1 < row < rows):
            continue
        c, r = int(np.floor(column)), int(np.floor(row))
        u, v = column - c, row - r
        for i in range(2):
            for j in range(2):
                if 0 <= r + i < rows and 0 <= c + j < columns:
                    mass[r + i, c + j] += weight[k] * (v if i else 1 - v) * (u if j else 1 - u)


def binned(xy: np.ndarray, weight: np.ndarray, west: float, north: float, pixel: float, shape: tuple) -> np.ndarray:
    """Weights spread over the four pixel centres around each point; row 0 is the northernmost.

    The mass of a point farther than a pixel outside the raster is left out.
    """
    mass = np.zeros(shape)
    _spread(np.ascontiguousarray(xy, float), np.ascontiguousarray(weight, float), west, north, pixel, mass)
    return mass


def binned_error(h: float, pixel: float, kernel: str, *, between: bool = False) -> float:
    """The most by which one point's share of the raster sum differs from its kernel, anywhere, per square metre.

    A point that is spread over four pixel centres counts there as the kernel's bilinear interpolation between them
    would: wrong by at most pixel²/8 times the bounds of the second derivatives along both axes, or, for the triangular
    kernel with its tip and its rim, by slope times pixel. To that comes by how much the kernel over the pixels is
    scaled, and what is cut off beyond 5 h. `between`: values are read between pixel centres, which errs once more.

    Examples
    --------
    >>> round(binned_error(800, 100, "gaussian") * 2 * np.pi * 800**2, 4)  # a share of the kernel's peak
    0.0039
    """
    u = pixel / h
    peak = {"quartic": 3 / np.pi, "gaussian": 1 / (2 * np.pi), "triangular": 3 / np.pi}[kernel] / h**2
    once = {"quartic": 2 * u * u, "gaussian": u * u / 4, "triangular": u}[kernel]
    k = kernel_raster(h, pixel, kernel)
    scaled = abs(k[k.shape[0] // 2, k.shape[0] // 2] / peak - 1)
    cut = np.exp(-12.5) if kernel == "gaussian" else 0.0
    return float(peak * (once * (1 + between) * (1 + scaled) + scaled + cut))


def most_near(mass: np.ndarray, reach: int) -> float:
    """The most mass in any square of 2 `reach` + 1 pixels, and so within so many pixels of any place."""
    side = 2 * reach + 1
    return float(scipy.ndimage.uniform_filter(mass, side, mode="constant").max()) * side * side


def kernel_raster(h: float, pixel: float, kernel: str) -> np.ndarray:
    """The kernel at pixel distances, per square metre, odd-sized, scaled to sum to one over the pixels."""
    half = int(np.ceil(min(h * REACH[kernel], h * 5) / pixel))  # beyond 5 h a Gaussian holds 4·10⁻⁶ of its mass
    step = np.arange(-half, half + 1) * pixel
    d2 = step[:, None] ** 2 + step**2
    u2 = d2 / h**2
    if kernel == "quartic":
        k = np.where(u2 < 1, (1 - u2) ** 2, 0.0)
    elif kernel == "gaussian":
        k = np.exp(-u2 / 2)
    else:
        k = np.where(u2 < 1, 1 - np.sqrt(u2), 0.0)
    return k / (k.sum() * pixel**2)


def convolve(mass: np.ndarray, k: np.ndarray) -> np.ndarray:
    """`mass` smoothed by `k`, same shape as `mass` (its last two axes), nothing beyond its edge."""
    rows, columns = mass.shape[-2:]
    half = k.shape[0] // 2
    up, across = min(half, rows - 1), min(half, columns - 1)  # nothing on the raster is farther apart
    k = k[half - up : half + up + 1, half - across : half + across + 1]
    shape = [scipy.fft.next_fast_len(rows + up, real=True), scipy.fft.next_fast_len(columns + across, real=True)]
    wrapped = np.zeros(shape)  # the kernel's centre stands at 0, so that there is no shift to undo
    wrapped[np.ix_(np.arange(-up, up + 1) % shape[0], np.arange(-across, across + 1) % shape[1])] = k
    turned = scipy.fft.rfft2(wrapped, workers=2)
    del wrapped
    found = scipy.fft.rfft2(mass, shape, workers=2)
    found *= turned.real  # the kernel is even, and so its transform is real
    del turned
    out = scipy.fft.irfft2(found, shape, workers=2, overwrite_x=True)[..., :rows, :columns]
    return np.maximum(out, 0.0)  # rounding may leave −10⁻²⁰
