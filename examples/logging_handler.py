"""Python's logging into a session: what a program logs already becomes events, with no change to the code that logs.

    python examples/logging_handler.py

The loans desk of a library. In the web UI each line is an event with its level, the logger's name as its group, and
`extra` as its data; the exception has its traceback. The line of level DEBUG stays out, as the handler's level says.
It runs on Python 2.7 and on 3.6 or newer.
"""

from __future__ import print_function

import logging

import datacat

catalogue = logging.getLogger("library.catalogue")
loans = logging.getLogger("library.loans")

SHELF = {"Moby Dick": 2, "The Odyssey": 0}


def lend(title, reader):
    catalogue.debug("looking for %s", title)
    if not SHELF[title]:
        loans.warning("%s has to wait for %s", reader, title, extra={"title": title, "waiting": 4})
        return
    SHELF[title] -= 1
    loans.info("%s has %s now", reader, title, extra={"title": title, "left": SHELF[title]})


logging.basicConfig(level=logging.DEBUG, format="%(levelname)-8s %(name)s: %(message)s")
session = datacat.create_session(product="Library Desk", version="3.0.2")
logging.getLogger().addHandler(datacat.DatacatHandler(session, level=logging.INFO))

lend("Moby Dick", "Ada")
lend("The Odyssey", "Grace")
try:
    lend("Ulysses", "Edsger")
except KeyError as error:
    catalogue.exception("no such title: %s", error, extra={"reader": "Edsger"})
catalogue.critical("the catalogue is read-only from now on")

session.end()
print("Session", session.session_id)
print("See it: datacat show", session.session_id[:8])
