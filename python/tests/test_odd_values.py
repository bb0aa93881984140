"""Whatever a value is made of, a logging call with it raises nothing, keeps the rest of its record, and is quick."""

import sys

import pytest
from support.spools import run_program, sessions_in

ODD = """
import sys, weakref
class Gone(object):
    pass
class Lost(dict):
    pass
class NoClass(object):
    @property
    def __class__(self):
        raise RuntimeError("no object is bound")
class Liar(object):
    __class__ = dict
def methods_that_raise(kind):
    def method(self, *arguments):
        raise kind("from a value")
    names = "bool nonzero int float index len iter str repr hash eq lt gt getitem call mod".split()
    own = dict(("__%s__" % name, method) for name in names)
    own.update(keys=method, values=method, items=method)
    return own
odd = [weakref.proxy(Gone()), weakref.proxy(Lost()), NoClass(), Liar()]
for kind in (RuntimeError, SystemExit, GeneratorExit, OSError, MemoryError, type("Own", (Exception,), {})):
    for base in (object, dict, list, str, float, int):
        odd.append(type("Odd", (base,), methods_that_raise(kind))())
        if base is not object:
            odd.append(type("Bare", (base,), dict((name, method) for name, method in methods_that_raise(kind).items()
                                                  if name in ("__float__", "__bool__", "__iter__", "values")))())
"""

EVERY_CALL = """
calls = {
    "event's name": lambda it: session.log_event(it, {"x": 1}),
    "event's data": lambda it: session.log_event("data", it),
    "event": lambda it: session.log_event("event", {"it": it, "kept": 1}),
    "level": lambda it: session.log_event("fields", level=it, category=it, labels=it, message=it, group=it, data=it),
    "labels": lambda it: session.log_event("labels", labels=[it]),
    "state": lambda it: session.update_state(it),
    "in the state": lambda it: session.update_state({"it": it, "deeper": [it]}),
    "gauge": lambda it: session.log_gauge("gauge", it),
    "gauge's fields": lambda it: session.log_gauge(it, 1.0, unit=it, tags=it),
    "tags": lambda it: session.log_gauge("tags", 1.0, tags={"it": it}),
    "counter": lambda it: session.log_counter("counter", it),
    "counter's fields": lambda it: session.log_counter(it, 1, tags=[it]),
    "histogram": lambda it: session.log_histogram("histogram", it, unit=it, buckets=it),
    "timer": lambda it: session.log_timer("timer", it, count=it, unit=it, tags=it),
    "metric": lambda it: session.log_metric(it, it, it, it, it, it, it),
    "exception": lambda it: session.log_exception(it, it),
    "an exception's own": lambda it: session.log_exception(ValueError(it)),
    "monitor": lambda it: session.start_heartbeat_monitor(it),
    "flush": lambda it: session.flush(it),
}
def timed(it):
    with session.timer("block", unit=it, tags=it):
        pass
calls["timed"] = timed
raised = []
for name, call in sorted(calls.items()):
    for it in odd:
        for again in range(2):  # the first of a name may take another way
            try:
                call(it)
            except BaseException:
                raised.append((name, type(it).__name__, repr(sys.exc_info()[1])))
print(raised)
"""


@pytest.mark.parametrize("mode", ["stdlib", "fastest"])
def test_whatever_its_methods_raise_no_call_does(interpreter, tmp_path, mode):
    program = tmp_path / "program.py"
    program.write_text("import datacat\nsession = datacat.create_session()\n" + ODD + EVERY_CALL)
    done = run_program(tmp_path / "spool", [interpreter, program], DATACAT_JSON=mode)
    assert done.stdout == "[]\n", done.stdout[:3000] + done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    events = left.of("event", "event")
    assert len(events) == 2 * 70
    assert all(event["data"]["kept"] == 1 for event in events)
    assert not left.of("event", "unloggable_record")


def test_no_number_is_looked_for_in_a_huge_text(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import datacat
asked = []
class Float(float):
    def __new__(cls, value):
        asked.append(len(value))
        return float.__new__(cls, value)
session = datacat.create_session()
datacat.session.float = Float
for huge in ("x" * 50000000, b"1" * 50000000, bytearray(50000000), memoryview(b"1" * 50000000)):
    session.log_gauge("huge", huge)
session.log_gauge("text", " 2.5 ")
print(asked)
""")
    done = run_program(tmp_path / "spool", [sys.executable, program])
    assert done.stdout == "[5]\n", done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    assert left.of("metric", "text")[0]["value"] == 2.5
    assert "cut: 50000000" in left.of("metric", "huge")[0]["value"]
