-- Incidents by zone in plain SQL: no geometry, no extension, no function but FLOOR. Written for DuckDB, handed to other
-- engines by sqlglot. `lookup` has the zones that each square of a net may lie in, `edges` their outlines by the net's
-- rows. Replaced before use: incidents, lookup, edges, place_lon, place_lat, counted_by, steps (squares a degree).
WITH points AS (
    SELECT
        CASE WHEN ABS(lon) = 0 THEN 0.0 ELSE lon END AS lon,  -- some engines take -0 for less than 0
        CASE WHEN ABS(lat) = 0 THEN 0.0 ELSE lat END AS lat,
        kind, CAST(FLOOR(lon * steps) AS BIGINT) AS kx, CAST(FLOOR(lat * steps) AS BIGINT) AS ky
    FROM (
        SELECT CAST(place_lon AS DOUBLE) AS lon, CAST(place_lat AS DOUBLE) AS lat, CAST(counted_by AS VARCHAR) AS kind
        FROM incidents
    ) AS given
    WHERE lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90
),
-- A square that lies in one zone, whole: its points are counted without another look.
inner_counts AS (
    SELECT lookup.zone AS zone, points.kind AS kind, COUNT(*) AS n
    FROM points
    JOIN lookup ON lookup.kx = points.kx AND lookup.ky = points.ky
    WHERE lookup.border = 0
    GROUP BY lookup.zone, points.kind
),
-- Points in a square that a border crosses, each place once.
sites AS (
    SELECT points.lon AS lon, points.lat AS lat, points.kx AS kx, points.ky AS ky, points.kind AS kind, COUNT(*) AS n
    FROM points
    JOIN (SELECT DISTINCT kx, ky FROM lookup WHERE border = 1) AS crossed
        ON crossed.kx = points.kx AND crossed.ky = points.ky
    GROUP BY points.lon, points.lat, points.kx, points.ky, points.kind
),
-- For each edge at a point's height: whether it lies to the right of the point, or the point on it, or so near that
-- rounding could decide.
sides AS (
    SELECT
        sites.lon AS lon, sites.lat AS lat, sites.kind AS kind, sites.n AS n, lookup.zone AS zone,
        CASE WHEN edges.ax < sites.lon AND edges.bx < sites.lon THEN 0 ELSE 1 END AS near_enough,
        CASE WHEN (edges.ay > sites.lat AND edges.by <= sites.lat)
              OR (edges.by > sites.lat AND edges.ay <= sites.lat) THEN 1 ELSE 0 END AS at_height,
        CASE WHEN (edges.ax = sites.lon AND edges.ay = sites.lat) OR (edges.bx = sites.lon AND edges.by = sites.lat)
              OR (edges.ay = sites.lat AND edges.by = sites.lat
                  AND ((edges.ax <= sites.lon AND sites.lon <= edges.bx)
                    OR (edges.bx <= sites.lon AND sites.lon <= edges.ax))) THEN 1 ELSE 0 END AS touched,
        CASE WHEN edges.ax > sites.lon AND edges.bx > sites.lon THEN 1 ELSE 0 END AS beyond,
        CASE WHEN edges.by > edges.ay THEN 1 ELSE -1 END AS upward,
        (edges.ax - sites.lon) * (edges.by - sites.lat) AS p,
        (edges.ay - sites.lat) * (edges.bx - sites.lon) AS q
    FROM sites
    JOIN lookup ON lookup.kx = sites.kx AND lookup.ky = sites.ky
    JOIN edges ON edges.zone = lookup.zone AND edges.ky = sites.ky
    WHERE lookup.border = 1
),
held AS (
    SELECT
        lon, lat, kind, n, zone,
        MAX(CASE WHEN touched = 1 OR (near_enough = 1 AND at_height = 1 AND beyond = 0 AND ABS(p - q) = 0) THEN 1 ELSE 0 END)
            AS on_edge,
        SUM(CASE WHEN near_enough = 1 AND at_height = 1 AND (beyond = 1 OR (p - q) * upward > 0) THEN 1 ELSE 0 END)
            AS crossings,
        MAX(CASE WHEN near_enough = 1 AND at_height = 1 AND beyond = 0 AND touched = 0 AND (ABS(p) > 0 OR ABS(q) > 0)
              AND ABS(p - q) <= 1e-15 * (ABS(p) + ABS(q)) THEN 1 ELSE 0 END) AS doubtful
    FROM sides
    GROUP BY lon, lat, kind, n, zone
),
-- The zone of the lowest number that holds the place; a doubtful one goes back as it is.
placed AS (
    SELECT
        lon, lat, kind, n,
        MIN(CASE WHEN on_edge = 1 OR MOD(crossings, 2) = 1 THEN zone END) AS zone,
        MAX(doubtful) AS doubtful
    FROM held
    GROUP BY lon, lat, kind, n
)
SELECT zone, kind, SUM(n) AS n, lon, lat
FROM (
    SELECT zone, kind, n, CAST(NULL AS DOUBLE) AS lon, CAST(NULL AS DOUBLE) AS lat FROM inner_counts
    UNION ALL
    SELECT zone, kind, n, CAST(NULL AS DOUBLE) AS lon, CAST(NULL AS DOUBLE) AS lat
    FROM placed
    WHERE doubtful = 0 AND zone IS NOT NULL
    UNION ALL
    SELECT -2 AS zone, kind, n, lon, lat FROM placed WHERE doubtful = 1
    UNION ALL
    SELECT
        -1 AS zone, CAST(counted_by AS VARCHAR) AS kind, COUNT(*) AS n,
        CAST(NULL AS DOUBLE) AS lon, CAST(NULL AS DOUBLE) AS lat
    FROM incidents
    GROUP BY CAST(counted_by AS VARCHAR)
) AS parts
GROUP BY zone, kind, lon, lat
