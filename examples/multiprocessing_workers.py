"""Worker processes, each a session of its own, and one of them is killed: the others go on, and the server tells why.

    python examples/multiprocessing_workers.py                     with the default method of this Python
    python examples/multiprocessing_workers.py --method spawn
    datacat run -- python examples/multiprocessing_workers.py      all processes join one session

A worker calls `create_session` like any program, and is judged like one: killed by SIGKILL it has crashed, whatever its
parent does about it. Its state names the pool's session and its task, so the last task of the dead is known. Under
`datacat run` the first session of each process is the one that `$DATACAT_SESSION` names: one page for the whole pool,
where a worker is told by its process id. It runs on Python 3.7 or newer.
"""

import argparse
import contextlib
import multiprocessing
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

    Attributes:
        names: of all workers, by their pipes: the session's id, or the process's where they share one session.
    """

    def __init__(self, session, context):
        self.session = session
        self.context = context
        self.waiting = list(PICTURES)
        self.busy = {}  # pipe -> picture
        self.processes = {}  # pipe -> process
        self.names = {}

    def hire(self, workers):
        for number in range(workers):
            ours, theirs = self.context.Pipe()
            process = self.context.Process(target=work, args=(theirs, self.session.session_id, number))
            process.start()
            theirs.close()  # so that a worker that is gone is the end of its pipe
            self.processes[ours] = process
            session_id = ours.recv()
            self.names[ours] = process.pid if session_id == self.session.session_id else session_id
        self.session.update_state({"workers": list(self.names.values()), "left": len(self.waiting)})

    def run(self, victim):
        """Have all pictures shrunk. A worker by that number is killed at its work; None spares them all."""
        doomed = list(self.processes)[victim] if victim is not None else None
        for pipe in list(self.processes):
            self.give(pipe)
        if doomed is not None:
            self.processes[doomed].kill()  # as the kernel does it where memory runs out
        while self.busy:
            for pipe in wait(list(self.busy)):
                self.take(pipe)

    def dismiss(self):
        """Send all workers home, whatever has happened here: the interpreter does not end before they have."""
        for pipe in self.processes:
            with contextlib.suppress(OSError):  # it is gone already
                pipe.send(None)
        for process in self.processes.values():
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
        data = {"worker": self.names[pipe], "exitcode": process.exitcode, "picture": picture}
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
    if options.workers < (1 if options.spare else 2):
        parser.error("--workers: one is killed, and one has to go on; with --spare one will do")
    context = multiprocessing.get_context(options.method)
    session = datacat.create_session(product=PRODUCT, version="1.1")
    print("Session", session.session_id)
    pool = Pool(session, context)
    try:
        pool.hire(options.workers)
        pool.run(victim=None if options.spare else 1)
    finally:
        pool.dismiss()
    session.log_event("all_done", {"pictures": len(PICTURES)})
    session.end()
    for worker in pool.names.values():
        print("worker", worker)
    print("See it: datacat show", session.session_id[:8])


if __name__ == "__main__":
    main()
