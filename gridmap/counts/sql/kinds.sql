-- The values that occur in a column.
SELECT DISTINCT {column} AS kind FROM incidents ORDER BY kind NULLS LAST
