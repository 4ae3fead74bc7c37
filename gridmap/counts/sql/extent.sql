-- The first and the last period that occur, whatever the category: a quiet month of a category is a zero, not a gap.
SELECT min(period), max(period), count(*), count(period)
FROM (SELECT {period} AS period FROM incidents)
