-- The values that occur in a column, as they are and as text.
SELECT DISTINCT {column} AS kind, {column}::VARCHAR AS key FROM incidents ORDER BY kind NULLS LAST
