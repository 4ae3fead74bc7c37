-- The period an event is counted in: the start of the period, in microseconds since 1970, that holds the middle of
-- its interval; the hour of the week (Monday 00h = 0) for 'hour_of_week'. Null when there is no time, or when the
-- interval is longer than that period, so that the event cannot be put in any one.
CREATE OR REPLACE TEMP MACRO middle_of(since, until) AS
    make_timestamp((epoch_us(since) + epoch_us(coalesce(until, since))) // 2);

CREATE OR REPLACE TEMP MACRO length_us(since, until) AS
    abs(epoch_us(coalesce(until, since)) - epoch_us(since));

CREATE OR REPLACE TEMP MACRO step_of(every) AS
    CASE every
        WHEN 'year' THEN INTERVAL 1 YEAR
        WHEN 'quarter' THEN INTERVAL 3 MONTH
        WHEN 'month' THEN INTERVAL 1 MONTH
        WHEN 'week' THEN INTERVAL 7 DAY
        WHEN 'day' THEN INTERVAL 1 DAY
        ELSE INTERVAL 1 HOUR
    END;

CREATE OR REPLACE TEMP MACRO start_of(every, moment) AS
    date_trunc(CASE every WHEN 'hour_of_week' THEN 'hour' ELSE every END, moment);

CREATE OR REPLACE TEMP MACRO period_of(since, until, every) AS
    CASE
        WHEN start_of(every, middle_of(since, until)) + step_of(every)
            < start_of(every, middle_of(since, until)) + to_microseconds(length_us(since, until)) THEN NULL
        WHEN every = 'hour_of_week'
            THEN 24 * (isodow(middle_of(since, until)) - 1) + hour(middle_of(since, until))
        ELSE epoch_us(start_of(every, middle_of(since, until)))
    END;
