-- Keyed points, added up. "row" is the row in the grid's cells, -1 outside.
CREATE TEMP TABLE counted AS
SELECT "row", period, kind, sum(n)::BIGINT AS n
FROM keyed
GROUP BY ALL
