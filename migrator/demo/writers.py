"""The application's writing: each writer keeps to orders and customers of its own, and a ledger.

Rows that were loaded belong to the writer whose number is the remainder of their number. An action is one
transaction; the ledger learns of it only after COMMIT was confirmed. Products belong to everybody, so each
action changes at most one, last.
"""

from random import Random
from threading import Event

import msgspec
from msgspec.structs import replace

from migrator.demo import statements as say
from migrator.demo.ledger import Ledger, Order
from migrator.demo.shop import Size, key
from migrator.shadow.traffic.session import Refused, Session

STATES = ("new", "paid", "packed", "sent", "delivered", "returned")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are a writer's own."""

    number: int
    writers: int

    def pick(self, random: Random, highest: int) -> int:
        """Return the number of one of the writer's rows among 1 … highest."""
        return random.randrange(highest // self.writers) * self.writers + self.number + 1


class Writer:
    """One writing session."""

    def __init__(self, session: Session, random: Random, size: Size, share: Share, released: Event) -> None:
        self.session = session
        self.random = random
        self.size = size
        self.share = share
        self.released = released
        self.ledger = Ledger()
        self.own: list[str] = []
        """Orders that this writer placed and has not cancelled."""
        self.at = ""
        """The order or customer of the action that is under way."""

    def act(self) -> None:
        """Do one of the things a writer does."""
        actions = (
            self.place_order,
            self.advance_order,
            self.cancel_order,
            self.change_email,
            self.sign_up,
        )
        try:
            self.random.choices(actions, weights=(4, 4, 1, 3, 2))[0]()
        except Refused as refused:
            if not refused.certain:
                self.ledger.uncertain.add(self.at)
                self.ledger.doubts += 1
            raise

    def place_order(self) -> None:
        """An order, its lines, the begin of its history, an event, and less on stock."""
        lines, price = self.random.randint(1, 3), self.random.randint(100, 9_000)
        customer = self.loaded("customer", self.size.customers)
        product = key("product", self.random.randint(1, self.size.products))
        self.session.begin()
        ((new,),) = self.session.expect(1, say.INSERT_ORDER, (customer, lines * price))
        self.at = order = str(new)
        for line in range(1, lines + 1):
            self.session.run(say.INSERT_LINE, (order, line, product, 1, price))
        self.session.run(say.INSERT_HISTORY, (order, 1, "new"))
        self.session.run(say.INSERT_EVENT, ("order placed", order, product))
        self.session.expect(1, say.UPDATE_STOCK, (lines, product))
        self.session.commit()
        self.ledger.orders[order] = Order("new", 1, lines, lines * price)
        self.ledger.placed += 1
        self.own.append(order)

    def advance_order(self) -> None:
        """The next status of an order, new or loaded, with its line in the history."""
        fresh = self.own and self.random.random() < 0.5  # noqa: PLR2004  # a fair coin
        order = self.random.choice(self.own) if fresh else self.loaded("order", self.size.orders)
        known = self.ledger.orders.get(order, Order("delivered", 1, 1, None))
        if order in self.ledger.uncertain:
            return
        self.at = order
        status = STATES[(STATES.index(known.status) + 1) % len(STATES)]
        self.session.begin()
        self.session.expect(1, say.UPDATE_STATUS, (status, order))
        self.session.run(say.INSERT_HISTORY, (order, known.history + 1, status))
        self.session.commit()
        self.ledger.orders[order] = replace(known, status=status, history=known.history + 1)

    def cancel_order(self) -> None:
        """Delete an order that this writer placed, with all that belongs to it but its events."""
        if not self.own:
            return
        order = self.random.choice(self.own)
        if order in self.ledger.uncertain:
            return
        self.at = order
        known = self.ledger.orders[order]
        self.session.begin()
        self.session.expect(known.items, say.DELETE_LINES, (order,))
        self.session.expect(known.history, say.DELETE_HISTORY, (order,))
        self.session.expect(1, say.DELETE_ORDER, (order,))
        self.session.run(say.INSERT_EVENT, ("order cancelled", order, None))
        self.session.commit()
        self.own.remove(order)
        del self.ledger.orders[order]
        self.ledger.cancelled.add(order)

    def change_email(self) -> None:
        """Another address for a customer, in one statement without BEGIN."""
        customer = self.loaded("customer", self.size.customers)
        email = f"Moved.{customer}.{self.random.getrandbits(40)}@Example.com"
        self.at = customer
        if self.released.is_set():
            self.session.expect(1, say.UPDATE_EMAIL_NEXT, {"email": email, "id": customer})
        else:
            self.session.expect(1, say.UPDATE_EMAIL, (email, customer))
        self.ledger.emails[customer] = email

    def sign_up(self) -> None:
        """A new customer."""
        email = f"New.{self.share.number}.{self.random.getrandbits(48)}@Example.com"
        if self.released.is_set():
            rows = self.session.expect(1, say.INSERT_CUSTOMER_NEXT, {"email": email, "name": "New"})
        else:
            rows = self.session.expect(1, say.INSERT_CUSTOMER, (email, "New"))
        self.ledger.emails[str(rows[0][0])] = email
        self.ledger.signed_up += 1

    def loaded(self, table: str, highest: int) -> str:
        """Return the id of one of the writer's loaded rows."""
        return str(key(table, self.share.pick(self.random, highest)))
