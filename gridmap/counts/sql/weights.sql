-- A weight as a whole part and millionths, both whole numbers, whose sums are the same in any order. Null where it
-- is missing, negative, too large, or text that is not a number.
CREATE OR REPLACE TEMP MACRO usable(weight) AS
    CASE
        WHEN isfinite(TRY_CAST(weight AS DOUBLE)) AND TRY_CAST(weight AS DOUBLE) >= 0 AND TRY_CAST(weight AS DOUBLE) < 1e10
            THEN TRY_CAST(weight AS DOUBLE)
    END;

CREATE OR REPLACE TEMP MACRO whole_of(weight) AS floor(usable(weight))::BIGINT;

CREATE OR REPLACE TEMP MACRO millionths_of(weight) AS
    round((usable(weight) - floor(usable(weight))) * 1000000)::BIGINT;
