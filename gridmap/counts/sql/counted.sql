-- Keyed points, added up. "row" is the row in the grid's cells, -1 outside.
CREATE OR REPLACE TEMP TABLE counted AS
SELECT "row", period, kind, {sums}
FROM keyed
GROUP BY ALL
