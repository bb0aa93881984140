"""Exceptions: caught and logged, one out of another, in a thread, and the one that ends the program.

    python examples/exceptions.py

A robot sends invoices. Three of them fail, and the robot goes on; the fourth failure is a mistake in the robot, which
nobody catches: exit code 1, and a crashed session. In the web UI each exception has its traceback and the line that
raised it, the verdict is the last one, and /problems counts them by what they are, over all runs.
It runs on Python 2.7 and on 3.6 or newer. Only Python 3 tells which exception came out of which.
"""

from __future__ import print_function

import threading

import datacat

PRICES = {"lamp": 40, "desk": 220}


class NotSent(Exception):
    """An invoice that did not go out."""


def total(articles):
    return sum([PRICES[article] for article in articles])


def mean_price(articles):
    return total(articles) / len(articles)


def send(invoice):
    try:
        raise IOError("the mail server closed the connection")
    except IOError:
        raise NotSent("invoice %d stays in the outbox" % invoice)


def archive(invoice):
    raise ValueError("invoice %d has no date" % invoice)


session = datacat.create_session(product="Invoice Robot", version="1.8")
print("Session", session.session_id)

# Caught, with what it was about. Without an argument it is the exception that is being handled.
try:
    total(["lamp", "chair"])
except KeyError:
    session.log_exception(extra_data={"invoice": 1041, "articles": ["lamp", "chair"]})

# One out of another: the traceback has both.
try:
    send(1042)
except NotSent as error:
    session.log_exception(error, extra_data={"invoice": 1042, "attempt": 3})

# In a thread: nobody catches it, only the thread ends, and it is logged by itself.
thread = threading.Thread(target=archive, args=(1043,), name="archive")
thread.start()
thread.join()

print("See it: datacat show", session.session_id[:8])

# Nobody catches this one either, and it ends the program: the session has crashed.
session.update_state({"invoice": 1044})
mean_price([])
