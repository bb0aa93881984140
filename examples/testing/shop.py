"""What the tests of this example test: a shop that sells lamps and sends them out."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

PRICES = {"lamp": 24.0, "candle": 3.5, "lantern": 61.0}  # in euro
COURIERS = {"Swift": 9.0, "Heron": 5.0, "Turtle": 3.0}


class OutOfStock(Exception):
    """There are not so many of an article."""


@dataclass
class Shop:
    """Its stock, by article, and what is in the basket."""

    stock: dict[str, int]
    basket: dict[str, int] = field(default_factory=dict)

    def add(self, article: str, count: int = 1) -> None:
        """Put articles into the basket. Raises OutOfStock, and KeyError for what the shop does not sell."""
        wanted = self.basket.get(article, 0) + count
        if PRICES[article] and wanted > self.stock.get(article, 0):
            raise OutOfStock(f"{self.stock.get(article, 0)} of {article}, {wanted} wanted")
        self.basket[article] = wanted

    def total(self) -> float:
        """The price of the basket in euro, with 10 % off from 100 euro on."""
        price = sum(PRICES[article] * count for article, count in self.basket.items())
        return round(price * 0.9 if price >= 100 else price, 2)


def quotes(chance: random.Random) -> list[tuple[str, float]]:
    """What each courier asks, in the order in which they answer: some are quicker than others, most of the time."""
    answers = sorted(COURIERS, key=lambda name: chance.random() * COURIERS[name])
    time.sleep(0.01)
    return [(name, COURIERS[name]) for name in answers]
