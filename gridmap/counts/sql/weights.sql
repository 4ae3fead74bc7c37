-- A weight as a whole part and millionths, both whole numbers, whose sums are the same in any order. Null where it
-- is missing, negative or too large.
CREATE OR REPLACE TEMP MACRO usable(weight) AS
    CASE WHEN isfinite(weight::DOUBLE) AND weight::DOUBLE >= 0 AND weight::DOUBLE < 1e10 THEN weight::DOUBLE END;

CREATE OR REPLACE TEMP MACRO whole_of(weight) AS floor(usable(weight))::BIGINT;

CREATE OR REPLACE TEMP MACRO millionths_of(weight) AS
    round((usable(weight) - floor(usable(weight))) * 1000000)::BIGINT;
