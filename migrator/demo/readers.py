"""The application's reading: single rows, short lists, ranges and joins, as the pages of a shop need them."""

from random import Random

from migrator.demo import statements as say
from migrator.demo.session import Session
from migrator.demo.shop import Size


class Reader:
    """One reading session."""

    def __init__(self, session: Session, random: Random, size: Size) -> None:
        self.session = session
        self.random = random
        self.size = size

    def act(self) -> None:
        """Do one of the things a reader does. Loaded orders are never deleted, so one row must come back."""
        order = self.random.randint(1, self.size.orders)
        customer = self.random.randint(1, self.size.customers)
        match self.random.randrange(8):
            case 0 | 1:
                self.session.expect(1, say.READ_ORDER, (order,))
            case 2:
                self.session.run(say.READ_ORDERS_OF_CUSTOMER, (customer,))
            case 3:
                self.session.expect(1, say.READ_LINES, (order,))
            case 4:
                self.session.run(say.READ_EVENTS, (order,))
            case 5:
                self.session.run(say.READ_CUSTOMER, (f"Customer.{customer}@Example.com",))
            case 6:
                self.session.expect(50, say.READ_NEWEST, ())
            case _:
                self.session.expect(1, say.READ_RANGE, {"first": order})
