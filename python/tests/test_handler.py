"""`logging` into a session: levels, groups, extras and exceptions, and never an endless loop."""

from support.spools import run_program, sessions_in

HEAD = """# -*- coding: utf-8 -*-
import datacat, logging, sys
session = datacat.create_session()
logger = logging.getLogger("engine.gpu")
logger.setLevel(logging.DEBUG)
handler = datacat.DatacatHandler(session)
logger.addHandler(handler)
"""


def events_of(interpreter, tmp_path, code):
    """Run a program; its events in their order, and what it wrote to its standard error."""
    program = tmp_path / "program.py"
    program.write_text(HEAD + code, encoding="utf-8")
    done = run_program(tmp_path / "spool", [interpreter, program])
    assert done.returncode == 0, done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    return left.of("event"), done.stderr


def test_levels_are_told_by_their_numbers(interpreter, tmp_path):
    code = "for number in (5, 10, 15, 20, 25, 30, 40, 50, 60):\n    logger.log(number, 'at %d', number)\n"
    events, _ = events_of(interpreter, tmp_path, "logger.setLevel(1)\n" + code)
    assert [(event["message"], event["level"]) for event in events] == [
        ("at 5", "debug"),
        ("at 10", "debug"),
        ("at 15", "debug"),
        ("at 20", "info"),
        ("at 25", "info"),
        ("at 30", "warning"),
        ("at 40", "error"),
        ("at 50", "critical"),
        ("at 60", "critical"),
    ]
    assert {event["group"] for event in events} == {"engine.gpu"}


def test_a_handler_takes_what_its_level_lets_through(interpreter, tmp_path):
    code = "handler.setLevel(logging.ERROR)\nlogger.warning('less')\nlogger.error('more')\n"
    events, _ = events_of(interpreter, tmp_path, code)
    assert [event["message"] for event in events] == ["more"]


def test_extras_are_data_whatever_they_are(interpreter, tmp_path):
    code = "logger.info('loaded', extra={'pool': 'terrain', 'count': 3, 'odd': object})\n"
    events, _ = events_of(interpreter, tmp_path, code)
    (event,) = events
    data = event["data"]
    assert (data["pool"], data["count"]) == ("terrain", 3)
    assert "object" in data["odd"]
    assert data["source"].endswith("in <module>")
    assert set(data) == {"pool", "count", "odd", "source"}


def test_an_exception_goes_with_its_message_its_traceback_and_its_extras(interpreter, tmp_path):
    code = """
logger.info("nothing wrong", exc_info=True)
def load():
    {}["spawn_point"]
try:
    load()
except KeyError:
    logger.warning("no level", exc_info=True, extra={"map": "harbour"})
"""
    (plain, event), _ = events_of(interpreter, tmp_path, code)
    assert (event["level"], event["message"], event["group"]) == ("warning", "no level", "engine.gpu")
    assert (event["exception_type"], event["source_function"]) == ("KeyError", "load")
    assert event["data"]["map"] == "harbour"
    assert any('{}["spawn_point"]' in line for line in event["stacktrace"])
    assert "exception_type" not in plain


def test_what_is_logged_while_a_record_is_handled_is_left_out(interpreter, tmp_path):
    code = """
class Chatty(object):
    def __repr__(self):
        logger.info("logged by a repr")
        return "chatty"
    __str__ = __repr__
logger.info("hello %s", Chatty(), extra={"who": Chatty()})
logger.info("and on")
"""
    events, errors = events_of(interpreter, tmp_path, code)
    assert [event["message"] for event in events] == ["hello chatty", "and on"]
    assert events[0]["data"]["who"] == "chatty"
    assert errors == ""


def test_a_record_that_cannot_be_formatted_is_reported_as_logging_does_and_raises_nothing(interpreter, tmp_path):
    events, errors = events_of(interpreter, tmp_path, "logger.info('%d apples', 'no number')\nlogger.info('on')\n")
    assert [event["message"] for event in events] == ["on"]
    assert "TypeError" in errors


def test_unicode_is_kept(interpreter, tmp_path):
    events, _ = events_of(interpreter, tmp_path, "logger.info(u'gr\\u00fc\\u00dfe %s', u'\\U0001f408')\n")
    assert [event["message"] for event in events] == ["gr\u00fc\u00dfe \U0001f408"]


def test_logging_of_the_library_itself_does_not_feed_on_itself(interpreter, tmp_path):
    code = "logging.getLogger().addHandler(handler)\nlogging.getLogger().setLevel(1)\nlogger.info('once')\n"
    events, _ = events_of(interpreter, tmp_path, code + "logger.removeHandler(handler)\nlogger.info('again')\n")
    assert [event["message"] for event in events] == ["once", "once", "again"]
