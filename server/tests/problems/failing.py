"""Fails in several ways, in plain code for every Python; prints each traceback as a client would send it, as JSON."""

# ruff: noqa: UP036, C402
import json
import sys
import traceback


def load(name):
    raise KeyError(name)


def during(name):
    try:
        raise ValueError(name)
    except ValueError:
        load(name)


def deep(count):
    deep(count + 1)


def library(name):
    json.loads("{" + name)


def syntax(name):
    compile("def broken(:\n    pass\n", "level.py", "exec")


def one_line(name):
    eval("missing + 1")


def said(function):
    try:
        function("m")
    except Exception:
        kind, value, trace = sys.exc_info()
        parts = traceback.format_exception(kind, value, trace)
        return [kind.__name__, [line for part in parts for line in part.rstrip("\n").split("\n")]]


def group(name):
    found = []
    for failing in (load, library):
        try:
            failing(name)
        except Exception as error:
            found.append(error)
    raise ExceptionGroup("several", found)  # of 3.11


cases = [load, during, library, syntax, one_line]
if sys.version_info >= (3, 11):
    cases.append(group)
answers = dict((case.__name__, said(case)) for case in cases)
sys.setrecursionlimit(200)
answers["deep"] = said(lambda name: deep(0))
print(json.dumps(answers))
