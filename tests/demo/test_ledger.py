"""What was confirmed to the application survives its end."""

from pathlib import Path

from migrator.demo import ledger
from migrator.demo.ledger import Ledger, Order


def test_the_ledgers_of_all_writers_are_read_as_one(tmp_path: Path) -> None:
    one = Ledger(orders={"1": Order("new", 1, 2, 300)}, emails={"7": "a@b"}, placed=1, signed_up=1)
    other = Ledger(orders={"2": Order("paid", 2, 1, None)}, cancelled={"3"}, uncertain={"2"}, doubts=1)
    ledger.write([one, other], tmp_path / "ledger.json")

    assert ledger.read(tmp_path / "ledger.json") == Ledger(
        orders={"1": Order("new", 1, 2, 300), "2": Order("paid", 2, 1, None)},
        cancelled={"3"},
        emails={"7": "a@b"},
        placed=1,
        signed_up=1,
        uncertain={"2"},
        doubts=1,
    )
