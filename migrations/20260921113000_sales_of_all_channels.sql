-- The first orders have a channel now. As written nobody can read the view until every order has been read.

REFRESH MATERIALIZED VIEW sales_by_day;
