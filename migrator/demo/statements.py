"""What the shop's application asks of its database, as careful code does: every column is named.

The code that runs before the migrations knows none of their columns. The next release writes
`email_normalised`.
"""

from migrator.shadow.traffic.session import Statement

READ_ORDER = Statement(
    "read order",
    "SELECT id, customer_id, status, channel, total_cents, metadata, created_at FROM orders WHERE id = %s",
)
READ_ORDERS_OF_CUSTOMER = Statement(
    "read orders of a customer",
    "SELECT id, status, total_cents, created_at FROM orders WHERE customer_id = %s"
    " ORDER BY created_at DESC LIMIT 20",
)
READ_LINES = Statement(
    "read order with its lines",
    "SELECT o.id, o.status, i.line, i.quantity, p.name FROM orders AS o"
    " JOIN order_items AS i ON i.order_id = o.id JOIN products AS p ON p.id = i.product_id WHERE o.id = %s",
)
READ_HISTORY = Statement(
    "read history of an order",
    "SELECT number, status, happened_at FROM order_history WHERE order_id = %s ORDER BY number",
)
READ_EVENTS = Statement(
    "read events of an order",
    "SELECT kind, payload, happened_at FROM events WHERE order_id = %s ORDER BY happened_at",
)
READ_CUSTOMER = Statement(
    "read customer", "SELECT id, name, country FROM customers WHERE lower(email) = lower(%s)"
)
READ_NEWEST = Statement(
    "read newest orders", "SELECT id, customer_id, status FROM orders ORDER BY created_at DESC LIMIT 50"
)
READ_RANGE = Statement(
    "sum up a range of orders",
    "SELECT count(*), sum(total_cents) FROM (SELECT total_cents FROM orders"
    " WHERE created_at >= (SELECT created_at FROM orders WHERE id = %s) ORDER BY created_at LIMIT 500) AS o",
)
SEARCH = Statement(
    "search products",
    "SELECT id, name, price_cents FROM products"
    " WHERE search @@ plainto_tsquery('english', %s) AND metadata @> %s::jsonb LIMIT 20",
)

INSERT_ORDER = Statement(
    "insert order",
    "INSERT INTO orders (customer_id, status, channel, total_cents)"
    " VALUES (%s, 'new', 'web', %s) RETURNING id",
)
INSERT_LINE = Statement(
    "insert line",
    "INSERT INTO order_items (order_id, line, product_id, quantity, price_cents) VALUES (%s, %s, %s, %s, %s)",
)
INSERT_HISTORY = Statement(
    "insert history", "INSERT INTO order_history (order_id, number, status) VALUES (%s, %s, %s)"
)
INSERT_EVENT = Statement(
    "insert event", "INSERT INTO events (kind, order_id, product_id) VALUES (%s, %s, %s)"
)
INSERT_CUSTOMER = Statement(
    "insert customer", "INSERT INTO customers (email, name) VALUES (%s, %s) RETURNING id"
)
INSERT_CUSTOMER_NEXT = Statement(
    "insert customer",
    "INSERT INTO customers (email, name, email_normalised) VALUES (%(email)s, %(name)s, lower(%(email)s))"
    " RETURNING id",
)
UPDATE_STATUS = Statement("update order", "UPDATE orders SET status = %s WHERE id = %s RETURNING id")
UPDATE_EMAIL = Statement("update customer", "UPDATE customers SET email = %s WHERE id = %s RETURNING id")
UPDATE_EMAIL_NEXT = Statement(
    "update customer",
    "UPDATE customers SET email = %(email)s, email_normalised = lower(%(email)s) WHERE id = %(id)s"
    " RETURNING id",
)
UPDATE_STOCK = Statement(
    "update product", "UPDATE products SET stock = stock - %s WHERE id = %s RETURNING id"
)
DELETE_LINES = Statement("delete lines", "DELETE FROM order_items WHERE order_id = %s RETURNING line")
DELETE_HISTORY = Statement("delete history", "DELETE FROM order_history WHERE order_id = %s RETURNING number")
DELETE_ORDER = Statement("delete order", "DELETE FROM orders WHERE id = %s RETURNING id")
