-- Nobody has used it for a year. As written this waits for, and then blocks, everybody on the table.

DROP INDEX orders_status_idx;
