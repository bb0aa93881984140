"""A small game that tells DataCat what it does: state, events, and all four kinds of metric.

python game.py                      plays for six seconds and ends its session
python game.py --fate segfault      comes to a bad end instead; --help lists the ways to go

It needs nothing but the DataCat client. With no server it runs just the same.
"""

import argparse
import collections
import ctypes
import json
import os
import random
import signal
import threading
import time

import datacat

FRAME_SECONDS = 1 / 60
LEVELS = ("Ember Cavern", "Drowned Library", "Glass Orchard", "Clockwork Spire")
ENEMIES = ("moss golem", "ink wraith", "brass beetle", "lantern thief", "salt hydra")
HEROES = ("Iris", "Tamsin", "Bao", "Ravi", "Oleander", "Juno", "Piet")
FRAME_TIME_BOUNDS = [0.0166, 0.0168, 0.0170, 0.0175, 0.018, 0.019, 0.020, 0.025, 0.033, 0.050]


class Game:
    """One hero, some enemies, and a loop that runs sixty times a second."""

    def __init__(self, session, fate, heartbeat_timeout, seed):
        self.session = session
        self.fate = fate
        self.heartbeat_timeout = heartbeat_timeout
        self.random = random.Random(seed)
        self.hero = HEROES[seed % len(HEROES)]
        self.hit_points = 100
        self.x, self.y = 0.0, 0.0
        self.level = 0
        self.score = 0
        self.frame = 0
        self.logged = collections.Counter()  # how many records of each kind and name this run has logged

    def start(self):
        """Describe the world before the first frame."""
        self.state(
            {
                "hero": {"name": self.hero, "hit_points": self.hit_points, "position": {"x": 0, "y": 0}},
                "level": {"number": 1, "name": LEVELS[0]},
                "window_state": {"open": ["map"], "fullscreen": True},
                "score": 0,
                "fate": self.fate,
            }
        )
        self.event("game_started", {"hero": self.hero, "levels": len(LEVELS)})

    def state(self, patch):
        self.session.update_state(patch)
        self.logged["state"] += 1

    def event(self, name, data, **more):
        self.session.log_event(name, data, **more)
        self.logged["event:" + name] += 1

    def play(self, seconds):
        """Run the loop for so many seconds. A late frame is not made up for."""
        begin = time.time()
        while time.time() - begin < seconds:
            frame_begin = time.time()
            self.session.heartbeat()
            self.step()
            time.sleep(max(0.0, frame_begin + FRAME_SECONDS - time.time()))
            self.measure(time.time() - frame_begin)

    def step(self):
        """Move the game on by one frame."""
        self.frame += 1
        self.x += self.random.uniform(-0.5, 1.0)
        self.y += self.random.uniform(-0.4, 0.4)
        if self.frame % 6 == 0:
            self.event("moved", {"x": round(self.x, 2), "y": round(self.y, 2)}, level="debug")
        if self.random.random() < 0.06:
            self.fight()
        if self.frame % 90 == 0:
            self.enter_next_level()
        if self.frame % 30 == 0:
            self.find_path()

    def fight(self):
        enemy = self.random.choice(ENEMIES)
        damage = self.random.randint(0, 6)
        self.hit_points = max(1, self.hit_points - damage)
        self.score += 25
        self.event(
            "enemy_defeated",
            {"enemy": enemy, "damage_taken": damage, "weapon": "comet bow"},
            category="combat",
            labels=["combat", enemy],
        )
        self.session.log_counter("enemies_defeated", 1, tags=["enemy:" + enemy.replace(" ", "_")])
        self.logged["counter:enemies_defeated"] += 1
        self.state({"hero": {"hit_points": self.hit_points, "position": {"x": round(self.x, 1)}}, "score": self.score})
        if self.hit_points < 30:
            self.event("health_low", {"hit_points": self.hit_points}, level="warning", message="Drinking a potion")
            self.hit_points = 100

    def enter_next_level(self):
        self.level = (self.level + 1) % len(LEVELS)
        windows = ["map", "inventory"] if self.level % 2 else ["map", "space probe"]
        self.state({"level": {"number": self.level + 1, "name": LEVELS[self.level]}, "window_state": {"open": windows}})
        self.event("level_entered", {"level": LEVELS[self.level]}, message="Welcome to the " + LEVELS[self.level])

    def find_path(self):
        """Something worth timing: a walk over a grid."""
        with self.session.timer("find_path") as timer:
            steps = 0
            x, y = self.random.randrange(60), self.random.randrange(60)
            while (x, y) != (0, 0):
                x, y = max(0, x - 1), max(0, y - (x % 2))
                if x == 0:
                    y = max(0, y - 1)
                steps += 1
            timer.count = max(1, steps)
        self.logged["timer:find_path"] += 1

    def measure(self, took):
        self.session.log_histogram("frame_time", took, unit="seconds", buckets=FRAME_TIME_BOUNDS)
        self.logged["histogram:frame_time"] += 1
        if self.frame % 10 == 0:
            self.session.log_gauge("fps", round(1 / took, 1), unit="frames/s")
            self.logged["gauge:fps"] += 1


# The ways to go. Each gets the game after some seconds of play, and does not always come back.


def end(game, tally):
    """end its session as it should"""
    tally.write(game.logged)
    game.session.end()


def walk_away(game, tally):
    """leave without end(): the interpreter finishes by itself"""
    tally.write(game.logged)


def raise_exception(game, tally):
    """raise an exception that nothing catches"""
    tally.write(game.logged)
    inventory = {"comet bow": 1, "potion": 0}
    load_saved_game({"slot": 3, "hero": game.hero, "inventory": inventory})


def load_saved_game(save):
    return equip(save["inventory"], "moonlit shield")


def equip(inventory, item):
    return inventory[item]


def segfault(game, tally):
    """read address 0"""
    tally.write(game.logged)
    upload_texture(0)


def upload_texture(address):
    return ctypes.string_at(address)


def get_killed(game, tally):
    """be killed by SIGKILL in the middle of logging"""
    for number in range(5000):
        game.event("spark", {"number": number, "x": game.random.random()}, level="debug")
        if number == 4321:
            tally.write(game.logged)
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # which ends it at once on Windows


def stutter(game, tally):
    """stop the heartbeat for longer than its timeout, then go on and end"""
    game.event("shader_cache_rebuild_started", {"shaders": 1873}, level="warning")
    time.sleep(game.heartbeat_timeout * 2)
    game.event("shader_cache_rebuilt", {"seconds": game.heartbeat_timeout * 2})
    game.play(2)
    end(game, tally)


def deadlock(game, tally):
    """lock a lock twice in C code, with the interpreter lock held: every thread stands still for good"""
    threading.Thread(target=mix_audio, name="audio", daemon=True).start()
    time.sleep(0.1)
    tally.write(game.logged)
    save_game()


def mix_audio():
    while True:
        time.sleep(0.01)


def save_game():
    c = ctypes.PyDLL(None)
    mutex = ctypes.create_string_buffer(128)
    c.pthread_mutex_init(mutex, None)
    c.pthread_mutex_lock(mutex)
    c.pthread_mutex_lock(mutex)


FATES = {
    "play": end,
    "exception": raise_exception,
    "segfault": segfault,
    "killed": get_killed,
    "stutter": stutter,
    "deadlock": deadlock,
    "walk-away": walk_away,
}


class Tally:
    """A file that says what was logged, for whoever wants to check that all of it has arrived."""

    def __init__(self, path):
        self.path = path

    def write(self, logged):
        if self.path:
            with open(self.path + ".new", "w") as file:
                json.dump(logged, file)
            os.replace(self.path + ".new", self.path)


def main():
    fates = "\n".join(f"  {name:<11} {fate.__doc__}" for name, fate in FATES.items())
    parser = argparse.ArgumentParser(
        description="A small game that reports to DataCat.",
        epilog="fates:\n" + fates,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fate", choices=FATES, default="play", help="how it ends (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=6, help="how long to play first (default: %(default)s)")
    parser.add_argument("--heartbeat-timeout", type=float, default=60, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--url", help="the DataCat server (default: $DATACAT_URL, else http://localhost:9090)")
    parser.add_argument("--version", default="1.4.2", help="of the game (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which game to play (default: %(default)s)")
    parser.add_argument("--tally", metavar="FILE", help="write there what was logged, as JSON")
    options = parser.parse_args()

    session = datacat.create_session(base_url=options.url, product="Comet Bow", version=options.version)
    print(session.session_id, flush=True)
    session.start_heartbeat_monitor(timeout=options.heartbeat_timeout, check_interval=0.2)
    game = Game(session, options.fate, options.heartbeat_timeout, options.seed)
    game.start()
    game.play(options.seconds)
    FATES[options.fate](game, Tally(options.tally))


if __name__ == "__main__":
    main()
