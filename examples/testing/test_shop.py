"""Tests of a shop. One of them is flaky; $SHOP_SEED settles how it comes out: 2 passes, 1 fails."""

import os
import random

import pytest
from shop import PRICES, OutOfStock, Shop, quotes


@pytest.fixture
def shop():
    return Shop(stock={"lamp": 5, "candle": 200})


@pytest.mark.parametrize("article", ["lamp", "candle"])
def test_what_is_in_the_basket_is_paid(shop, article):
    shop.add(article, 2)
    assert shop.total() == 2 * PRICES[article]


def test_from_100_euro_on_there_is_a_discount(shop):
    shop.add("lamp", 5)
    assert shop.total() == 108.0


def test_nothing_is_sold_that_is_not_there(shop):
    with pytest.raises(OutOfStock):
        shop.add("lantern")


def test_the_parcel_goes_with_the_cheapest_courier():
    seed = os.environ.get("SHOP_SEED")
    first, _ = quotes(random.Random(int(seed) if seed else None))[0]
    assert first == "Turtle"  # wrong: the first to answer is the cheapest by chance only


@pytest.mark.xfail(reason="a basket is one order, and an order has one address")
def test_a_basket_goes_to_two_addresses(shop):
    shop.add("candle", 2)
    shop.send({"candle": "Reed Lane"}, {"candle": "Mill Road"})


@pytest.mark.skipif("SHOP_PRINTER" not in os.environ, reason="$SHOP_PRINTER names no printer")
def test_the_invoice_is_printed(shop):
    raise NotImplementedError("connect a printer first")
