-- What was sold on which day: read every morning, not by the application.

CREATE MATERIALIZED VIEW sales_by_day AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, channel, count(*) AS orders, sum(total_cents) AS total_cents
FROM orders
GROUP BY 1, 2;

CREATE UNIQUE INDEX sales_by_day_key ON sales_by_day (day, channel);
