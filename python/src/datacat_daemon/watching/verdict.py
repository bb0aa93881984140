"""Decides what became of a session when its process has ended. Pure: evidence in, verdict out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from datacat import control as layout

from datacat_daemon.spool.control import Control
from datacat_daemon.watching.exit_status import ABORTED_ON_WINDOWS, ON_WINDOWS, read_status
from datacat_daemon.watching.out_of_memory import OutOfMemory
from datacat_daemon.watching.signals import FAULTS, INTERRUPTS, in_words
from datacat_daemon.watching.stacks import fatal_error, fatal_signal, parse_stacks


@dataclass(frozen=True)
class Verdict:
    """A `status` record: `time` in microseconds since 1970 UTC, `reason` one sentence, `data` the evidence."""

    status: str
    time: int
    reason: str
    data: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """The record's payload (docs/design/records.md, kind `status`)."""
        return {"status": self.status, "reason": self.reason, "data": self.data}


@dataclass(frozen=True)
class Evidence:
    """What is known about the end of a process.

    Attributes:
        time: when it ended as far as that is known, microseconds since 1970 UTC.
        exit_status: as `exit_status` reads it, None if unknown.
        fatal_text: what faulthandler wrote when a fatal signal struck.
        exception: the payload of the last exception that was logged, if any.
        last_events: names and times of the last events, the newest last.
        rebooted: the machine has been started again since.
        hung_seconds: how long its heartbeat had been silent, if it hung in the end.
        out_of_memory: what the kernel's counts say of a SIGKILL.
        resident_bytes: the memory that it had when it was last looked at.
        namespace_ended: it was in a PID namespace of its own, a container, which has ended.
        wrapped: a program that `datacat run` started: it need not know of DataCat, so its exit code says how it ended.
        windows: it ran on Windows.
    """

    time: int
    exit_status: int | None = None
    fatal_text: str = ""
    exception: dict[str, Any] | None = None
    last_events: list[dict[str, Any]] = field(default_factory=list)
    rebooted: bool = False
    hung_seconds: float | None = None
    out_of_memory: OutOfMemory | None = None
    resident_bytes: int | None = None
    namespace_ended: bool = False
    wrapped: bool = False
    windows: bool = ON_WINDOWS


_END_REASONS = {
    layout.ENDED_BY_CALL: "end() was called",
    layout.ENDED_WITH_PROGRAM: "end() was called",
    layout.ENDED_BY_INTERPRETER: "the program finished",
    layout.ENDED_BY_INTERRUPT: "interrupted (Ctrl-C)",
}


def while_running(control: Control, hung_seconds: float | None = None) -> Verdict | None:
    """The verdict on a session whose process goes on: `ended` if it called end(), else none yet."""
    if control.ended_us and control.end_kind == layout.ENDED_BY_CALL:
        return _ended(control, None, hung_seconds)
    return None


def after_death(control: Control, evidence: Evidence) -> Verdict:
    """The verdict on a session whose process is gone."""
    signal, code = _signal_and_code(evidence)
    uncaught = bool(control.uncaught_us) and code != 0
    if control.ended_us:
        by_call = control.end_kind == layout.ENDED_BY_CALL
        by_interpreter = control.end_kind == layout.ENDED_BY_INTERPRETER
        went_on = control.end_kind == layout.ENDED_WITH_PROGRAM and signal is not None and signal not in INTERRUPTS
        # A fault while the interpreter tears itself down is a crash, even though its exit handlers had run by then.
        if by_call or not ((by_interpreter and uncaught) or signal in FAULTS or went_on):
            return _ended(_until_the_program_ended(control, evidence), code, evidence.hung_seconds)
    if evidence.rebooted:
        return _crashed(evidence, "reboot", "the machine was restarted")
    if evidence.wrapped and (signal in INTERRUPTS or code == 0):
        return _ended_without_a_word(signal, evidence)
    if signal is not None:
        return _killed(signal, evidence)
    if uncaught:
        return _exception(evidence, code)
    if evidence.wrapped and code is not None:
        return _crashed(evidence, "exit", f"it ended with exit code {code}", exit_code=code)
    if code is not None:
        outside = ", or was terminated from outside" if evidence.windows else ""  # nothing there tells the two apart
        reason = f"exited with code {code} without ending the session{outside}"
        return _crashed(evidence, "exit", reason, exit_code=code)
    if evidence.out_of_memory is not None and evidence.out_of_memory.certain:
        return _killed_by_kernel(None, evidence.out_of_memory, evidence)
    if evidence.namespace_ended:
        return _crashed(evidence, "container", "its container (PID namespace) ended, and it with it")
    return _crashed(evidence, "unknown", "the process is gone; nobody saw how it ended")


def _signal_and_code(evidence: Evidence) -> tuple[str | None, int | None]:
    """The signal that killed the process, or its exit code; both None if unknown."""
    if evidence.exit_status is None:
        return fatal_signal(evidence.fatal_text), None
    signal, code = read_status(evidence.exit_status, evidence.windows)
    if evidence.windows and code == ABORTED_ON_WINDOWS and fatal_signal(evidence.fatal_text):
        return fatal_signal(evidence.fatal_text), None
    return signal, code


def _until_the_program_ended(control: Control, evidence: Evidence) -> Control:
    """The page, where the session of a program in `datacat run` ends when that does, not when it calls end()."""
    if control.exit_us or control.end_kind == layout.ENDED_WITH_PROGRAM:
        return control._replace(ended_us=max(control.ended_us, evidence.time))
    return control


def _ended(control: Control, code: int | None, hung_seconds: float | None) -> Verdict:
    reason = _END_REASONS.get(control.end_kind, "the session was ended")
    data: dict[str, Any] = {} if code is None else {"exit_code": code}
    if code and control.end_kind in (layout.ENDED_BY_INTERPRETER, layout.ENDED_WITH_PROGRAM):
        reason = f"{reason}, with exit code {code}"
    if hung_seconds is not None:
        reason = f"{reason}, {hung_seconds:.1f} s after the last heartbeat: it was hung"
        data["hung_seconds"] = round(hung_seconds, 3)
    return Verdict("ended", control.ended_us, reason, data)


def _ended_without_a_word(signal: str | None, evidence: Evidence) -> Verdict:
    kind = layout.ENDED_BY_INTERPRETER if signal is None else layout.ENDED_BY_INTERRUPT
    control = Control(ended_us=evidence.time, end_kind=kind)
    return _ended(control, 0 if signal is None else None, evidence.hung_seconds)


def _killed(signal: str, evidence: Evidence) -> Verdict:
    if signal == "SIGKILL" and evidence.out_of_memory is not None:
        return _killed_by_kernel(signal, evidence.out_of_memory, evidence)
    words = in_words(signal)
    reason = f"killed by {signal} ({words})" if words else f"killed by {signal}"
    stacks = parse_stacks(evidence.fatal_text) if signal in FAULTS else []
    error = fatal_error(evidence.fatal_text)
    if error is not None and fatal_signal(evidence.fatal_text) is None and signal in FAULTS:
        reason = f"{reason}: {error}"
    return _crashed(evidence, "signal", reason, signal=signal, stacks=stacks)


def _killed_by_kernel(signal: str | None, memory: OutOfMemory, evidence: Evidence) -> Verdict:
    """`signal` is None where nobody saw how it ended."""
    if not memory.certain:
        reason = f"killed by {signal}, probably by the kernel: the machine was out of memory"
        return _crashed(evidence, "signal", reason, signal=signal)
    limit = memory.limit_bytes
    whose = f" (memory limit {limit / (1 << 20):.0f} MB of its cgroup)" if limit else ""
    reason = f"{'killed' if signal else 'probably killed'} by the kernel: out of memory{whose}"
    return _crashed(evidence, "out_of_memory", reason, signal=signal, memory_limit_bytes=limit)


def _exception(evidence: Evidence, code: int | None) -> Verdict:
    exception = evidence.exception or {}
    kind = exception.get("exception_type") or "an exception"
    message = exception.get("exception_msg")
    first_line = str(message).splitlines()[0] if message and str(message).strip() else ""
    reason = f"uncaught exception {kind}: {first_line}" if first_line else f"uncaught exception {kind}"
    return _crashed(
        evidence,
        "exception",
        reason,
        exit_code=code,
        exception_type=exception.get("exception_type"),
        exception_msg=message,
    )


def _crashed(evidence: Evidence, kind: str, reason: str, **more: Any) -> Verdict:
    data = {"kind": kind, **{key: value for key, value in more.items() if value not in (None, [])}}
    if evidence.resident_bytes is not None:
        data["resident_bytes"] = evidence.resident_bytes
    if evidence.last_events:
        data["last_events"] = evidence.last_events
    return Verdict("crashed", evidence.time, reason, data)
