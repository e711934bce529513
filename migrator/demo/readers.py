"""The application's reading: single rows, short lists, ranges and joins, as the pages of a shop need them."""

from random import Random

from migrator.demo import statements as say
from migrator.demo.shop import Size, key
from migrator.shadow.traffic.session import Session

SEARCHES = (("coat", '{"colour": "red"}'), ("shoe", '{"colour": "green"}'), ("lamps", '{"colour": "blue"}'))


class Reader:
    """One reading session."""

    def __init__(self, session: Session, random: Random, size: Size) -> None:
        self.session = session
        self.random = random
        self.size = size

    def act(self) -> None:
        """Do one of the things a reader does. Loaded orders are never deleted, so one row must come back."""
        order = key("order", self.random.randint(1, self.size.orders))
        customer = self.random.randint(1, self.size.customers)
        match self.random.randrange(10):
            case 0 | 1:
                self.session.expect(1, say.READ_ORDER, (order,))
            case 2:
                self.session.run(say.READ_ORDERS_OF_CUSTOMER, (key("customer", customer),))
            case 3:
                self.session.expect(1, say.READ_LINES, (order,))
            case 4:
                self.session.run(say.READ_HISTORY, (order,))
            case 5:
                self.session.run(say.READ_EVENTS, (order,))
            case 6:
                self.session.run(say.READ_CUSTOMER, (f"customer.{customer}@example.com",))
            case 7:
                self.session.expect(50, say.READ_NEWEST, ())
            case 8:
                self.session.expect(20, say.SEARCH, self.random.choice(SEARCHES))
            case _:
                self.session.expect(1, say.READ_RANGE, (order,))
