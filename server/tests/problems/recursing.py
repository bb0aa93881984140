"""Calls itself until the interpreter has enough: `recursing.py LIMIT SHAPE`; prints the exception as JSON."""

import json
import sys
import traceback


def odd(count):
    return even(count + 1)


def even(count):
    check(count)
    return odd(count + 1)


def check(count):
    return [count]


class Node:
    def visit(self, count):
        return getattr(self, "visit_" + "abc"[count % 3])(count + 1)

    def visit_a(self, count):
        return self.visit(count)

    def visit_b(self, count):
        return self.visit(count)

    def visit_c(self, count):
        return self.visit(count)


def nested(depth):
    return [] if depth == 0 else parts(depth - 1)


def parts(depth):
    if depth == 0:
        raise ValueError("the end")
    return nested(depth)


shapes = {
    "circle": lambda: odd(0),
    "circle from elsewhere": lambda: even(0),
    "tree": lambda: Node().visit(0),
    "bounded": lambda: nested(6),
    "bounded, deeper": lambda: nested(31),
}
sys.setrecursionlimit(int(sys.argv[1]))
try:
    shapes[sys.argv[2]]()
except Exception:
    kind, value, trace = sys.exc_info()
    found = traceback.format_exception(kind, value, trace)
sys.setrecursionlimit(1000)
print(json.dumps([kind.__name__, [line for part in found for line in part.rstrip("\n").split("\n")]]))
