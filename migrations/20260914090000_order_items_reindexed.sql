-- As written writes wait until every index is built, and reads that would use one too.

REINDEX TABLE order_items;
