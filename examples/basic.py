"""The first steps: one session, its state, its events and its metrics.

    python examples/basic.py

A photo album takes in the pictures of a holiday. In the web UI the session "Photo Album 2.3.0" has ended; its page
shows each picture as an event, and beside it the state at that instant. It runs on Python 2.7 and on 3.6 or newer.
"""

from __future__ import print_function

import time

import datacat

PICTURES = [
    ("fjord.jpg", 4.1),
    ("ferry.jpg", 3.8),
    ("stave church.jpg", 5.2),
    ("moose.jpg", 0.0),
    ("northern lights.jpg", 6.4),
]

# The server's address comes from $DATACAT_URL, else it is http://localhost:9090.
session = datacat.create_session(product="Photo Album", version="2.3.0")
print("Session", session.session_id)

session.update_state({"status": "importing", "album": {"name": "Norway", "pictures": 0}})
pictures = 0
for name, megabytes in PICTURES:
    time.sleep(0.1)  # reading it from the camera
    if not megabytes:
        session.log_event("picture_skipped", level="warning", message="The file is empty", data={"file": name})
        continue
    pictures += 1
    session.log_event("picture_imported", {"file": name, "megabytes": megabytes})
    session.log_gauge("picture_size", megabytes, unit="MB")
    session.log_counter("pictures_imported")
    session.update_state({"album": {"pictures": pictures, "newest": name}})  # the album keeps its name

session.update_state({"status": "done"})
session.end()

print("See it: datacat show", session.session_id[:8])
