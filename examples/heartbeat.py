"""A heartbeat: a hang that is found while it lasts, one that is over again, and a pause for what is known to take long.

    python examples/heartbeat.py [--timeout SECONDS]

A program exports a film and beats once a frame. At frame 20 the network drive has to wake up, which takes longer than
the timeout: a hang, with the stack of every thread. Then it recovers. The upload takes just as long, but the monitoring
is paused for it. In the web UI: the events application_appears_hung and application_recovered, the hang on the time
axis, the stacks with wake_up_network_drive in them, and a session that ended all the same.
"""

import argparse
import time

import datacat

FRAMES = 40


def export_film(session, timeout):
    """Forty frames, with one long wait."""
    for frame in range(FRAMES):
        session.heartbeat()
        if frame == FRAMES // 2:
            wake_up_network_drive(2 * timeout)
        time.sleep(timeout / 50)
        session.update_state({"export": {"frame": frame + 1, "of": FRAMES}})
    session.log_event("film_exported", {"frames": FRAMES})


def wake_up_network_drive(seconds):
    time.sleep(seconds)


def upload(session, seconds):
    """Takes long, and that is nothing to worry about."""
    session.pause_heartbeat_monitoring()
    time.sleep(seconds)
    session.resume_heartbeat_monitoring()
    session.log_event("film_uploaded", {"seconds": seconds})


def main():
    parser = argparse.ArgumentParser(description="Exports a film, and hangs for a while.")
    parser.add_argument("--timeout", type=float, default=2, help="seconds of silence that are a hang (default: 2)")
    timeout = parser.parse_args().timeout

    with datacat.create_session(product="Film Cutter", version="5.0") as session:
        print("Session", session.session_id)
        session.start_heartbeat_monitor(timeout=timeout)
        export_film(session, timeout)
        upload(session, 2 * timeout)
        session.stop_heartbeat_monitor()
    print("See it: datacat show", session.session_id[:8])


if __name__ == "__main__":
    main()
