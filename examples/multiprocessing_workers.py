"""Worker processes, each a session of its own, and one of them is killed: the others go on, and the server tells why.

    python examples/multiprocessing_workers.py                     with fork where there is one, else with spawn
    python examples/multiprocessing_workers.py --method spawn
    datacat run -- python examples/multiprocessing_workers.py      all processes join one session

A worker calls `create_session` like any program, and is judged like one: killed by SIGKILL it has crashed, whatever its
parent does about it. Its state names the pool's session and its task, so the last task of the dead is known. Under
`datacat run` the first session of each process is the one that `$DATACAT_SESSION` names: one page for the whole pool.
It runs on Python 3.6 or newer.
"""

import argparse
import multiprocessing
import os
import signal
import time
from multiprocessing.connection import wait

import datacat

PRODUCT = "Thumbnails"
PICTURES = ["harbour", "lighthouse", "gull", "ferry", "dunes", "pier", "tide", "storm", "nets"]


def work(pipe, pool, number):
    """A worker: a picture in, its thumbnail out, until there is None."""
    session = datacat.create_session(product=PRODUCT + " worker", version="1.1")
    session.update_state({"pool": pool, "worker": number})
    pipe.send(session.session_id)
    for picture in iter(pipe.recv, None):
        session.update_state({"task": picture})
        with session.timer("shrink", tags=[f"worker:{number}"]):
            thumbnail = shrink(picture)
        session.log_event("shrunk", {"picture": picture, "bytes": thumbnail})
        session.log_counter("pictures")
        pipe.send(thumbnail)
    session.update_state({"task": None})
    session.end()


def shrink(picture):
    """Something that takes a moment; how many bytes are left."""
    time.sleep(0.05)
    return sum(len(picture) * i % 97 for i in range(20000)) % 4096


class Pool:
    """Workers with a pipe each: one that is killed holds no lock that another one waits for.

    Args:
        session: of this process.
        context: of multiprocessing.
        workers: how many.
    """

    def __init__(self, session, context, workers):
        self.session = session
        self.waiting = list(PICTURES)
        self.busy = {}  # pipe -> picture
        self.processes = {}  # pipe -> process
        self.sessions = {}  # pipe -> session id
        for number in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, session.session_id, number))
            process.start()
            theirs.close()  # so that a worker that is gone is the end of its pipe
            self.processes[ours] = process
            self.sessions[ours] = ours.recv()
        session.update_state({"workers": list(self.sessions.values()), "left": len(self.waiting)})

    def run(self, victim):
        """Have all pictures shrunk. A worker by that number is killed at its work; None spares them all."""
        doomed = list(self.processes)[victim] if victim is not None else None
        for pipe in list(self.processes):
            self.give(pipe)
        if doomed is not None:
            os.kill(self.processes[doomed].pid, signal.SIGKILL)  # as the kernel does it where memory runs out
        while self.busy:
            for pipe in wait(list(self.busy)):
                self.take(pipe)
        for pipe, process in self.processes.items():
            pipe.send(None)
            process.join()

    def give(self, pipe):
        if self.waiting:
            self.busy[pipe] = self.waiting.pop(0)
            pipe.send(self.busy[pipe])

    def take(self, pipe):
        """What a worker has to say: a thumbnail, or nothing more at all."""
        picture = self.busy.pop(pipe)
        try:
            size = pipe.recv()
        except (EOFError, OSError):
            self.lose(pipe, picture)
            return
        self.session.log_event("thumbnail", {"picture": picture, "bytes": size})
        self.session.update_state({"left": len(self.waiting) + len(self.busy)})
        self.give(pipe)

    def lose(self, pipe, picture):
        process = self.processes.pop(pipe)
        process.join()
        data = {"session": self.sessions[pipe], "exitcode": process.exitcode, "picture": picture}
        self.session.log_event("worker_lost", data, level="error", message="a worker died at " + picture)
        self.waiting.append(picture)
        for other in self.processes:
            if other not in self.busy:
                self.give(other)


def main():
    methods = multiprocessing.get_all_start_methods()
    parser = argparse.ArgumentParser(description="A pool of workers that DataCat watches.")
    parser.add_argument("--method", choices=methods, default=methods[0], help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--spare", action="store_true", help="kill none of them")
    options = parser.parse_args()
    context = multiprocessing.get_context(options.method)
    session = datacat.create_session(product=PRODUCT, version="1.1")
    pool = Pool(session, context, options.workers)
    pool.run(victim=None if options.spare else 1)
    session.log_event("all_done", {"pictures": len(PICTURES)})
    session.end()
    print("pool", session.session_id)
    for worker in pool.sessions.values():
        print("worker", worker)


if __name__ == "__main__":
    main()
