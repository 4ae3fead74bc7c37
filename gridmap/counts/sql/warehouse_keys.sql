-- Incidents by hexagon in plain SQL, from a column of H3 cells: a cell's parent in the grid is its number with other
-- bits. Replaced before use: incidents, lookup, place_h3, counted_by, bits_kept, bits_cleared, bits_set, least, most.
SELECT zone, kind, SUM(n) AS n, CAST(NULL AS DOUBLE) AS lon, CAST(NULL AS DOUBLE) AS lat
FROM (
    SELECT lookup.zone AS zone, keyed.kind AS kind, COUNT(*) AS n
    FROM (
        SELECT (CAST(place_h3 AS BIGINT) & bits_kept) | bits_set AS cell, CAST(counted_by AS VARCHAR) AS kind
        FROM incidents
        WHERE CAST(place_h3 AS BIGINT) BETWEEN least AND most
    ) AS keyed
    JOIN lookup ON lookup.cell = keyed.cell
    GROUP BY lookup.zone, keyed.kind
    UNION ALL
    SELECT -1 AS zone, CAST(counted_by AS VARCHAR) AS kind, COUNT(*) AS n
    FROM incidents
    GROUP BY CAST(counted_by AS VARCHAR)
) AS parts
GROUP BY zone, kind
