"""Frame times: a histogram whose bounds are what a frame may take at 60 and at 30 frames a second, and how to read it.

    python examples/frame_times.py [--frames N]

A boat race draws frames, first in low and then in high detail. A mean of 12 ms says little: one frame in twenty that
takes 40 ms is what a player sees. The buckets keep that: the last lines printed are the share of frames that were late,
and the frame time that 99 of 100 keep within. In the web UI the metric frame_time has a histogram for each detail, and
each frame that is too late even for 30 a second is an event, with its place on the time axis.
"""

import argparse
import random
import time

import datacat

AT_60 = 1 / 60  # 16.7 ms
AT_30 = 1 / 30  # 33.3 ms
BOUNDS = [0.004, 0.008, 0.012, AT_60, 0.025, AT_30, 0.050, 0.100]
SECONDS_TO_DRAW = {"low": 0.004, "high": 0.011}


def draw(detail, chance):
    """Stands for drawing: some frames take a little longer, and one in twenty waits for a texture."""
    time.sleep(SECONDS_TO_DRAW[detail] * chance.uniform(0.7, 1.3))
    if chance.random() < 0.05:
        time.sleep(0.022)


def race(session, detail, frames):
    """Draw so many frames. What is measured is the work, not the wait for the display that comes after it."""
    chance = random.Random(detail)
    session.update_state({"graphics": {"detail": detail}})
    for frame in range(frames):
        begin = time.perf_counter()
        draw(detail, chance)
        took = time.perf_counter() - begin
        session.log_histogram("frame_time", took, unit="seconds", tags=["detail:" + detail], buckets=BOUNDS)
        if took > AT_30:
            session.log_event("frame_late", {"frame": frame, "milliseconds": round(took * 1000, 1)}, level="warning")


def share_over(bound, histogram):
    """How much of a histogram lies above one of its bounds: 0 to 1."""
    within = 0
    for bucket in histogram["buckets"]:
        if bucket["le"] is not None and bucket["le"] <= bound:
            within += bucket["count"]
    return 1 - within / histogram["count"]


def percentile(share, histogram):
    """The bound that so much of a histogram stays within; None when that is above the last one."""
    within = 0
    for bucket in histogram["buckets"]:
        within += bucket["count"]
        if within >= share * histogram["count"]:
            return bucket["le"]


def report(metrics):
    """Print how the frames of each detail fared."""
    newest = {metric["tags"][0]: metric for metric in metrics}
    for tag, histogram in newest.items():
        p99 = percentile(0.99, histogram)
        print(f"{tag}: {histogram['count']} frames, mean {histogram['value'] * 1000:.1f} ms", end=", ")
        print(f"p99 within {p99 * 1000:.1f} ms" if p99 else "p99 above all bounds", end=", ")
        print(f"late at 60 a second {share_over(AT_60, histogram):.1%}", end=", ")
        print(f"at 30 {share_over(AT_30, histogram):.1%}")


def main():
    parser = argparse.ArgumentParser(description="Draws frames and looks at how long they took.")
    parser.add_argument("--frames", type=int, default=150, help="of each detail (default: 150)")
    frames = parser.parse_args().frames

    session = datacat.create_session(product="Boat Race", version="0.4")
    print("Session", session.session_id)
    for detail in SECONDS_TO_DRAW:
        race(session, detail, frames)
    session.end()

    if session.flush(timeout=10):
        report(session.get_details()["metrics"])
    else:
        print("No server; the records wait for one.")
    print("See it: datacat show", session.session_id[:8])


if __name__ == "__main__":
    main()
