"""The exit codes of Windows that are no program's choice: NTSTATUS values (ntstatus.h) and those of runtimes."""

from __future__ import annotations

_FIRST_ERROR = 0xC0000000  # severity "error" of NTSTATUS

_FAULTS = {
    0x80000003: ("EXCEPTION_BREAKPOINT", "breakpoint"),
    0xC0000005: ("EXCEPTION_ACCESS_VIOLATION", "access violation"),
    0xC0000006: ("EXCEPTION_IN_PAGE_ERROR", "a page could not be read"),
    0xC0000008: ("EXCEPTION_INVALID_HANDLE", "invalid handle"),
    0xC000001D: ("EXCEPTION_ILLEGAL_INSTRUCTION", "illegal instruction"),
    0xC0000025: ("EXCEPTION_NONCONTINUABLE_EXCEPTION", "went on after an exception that lets nobody go on"),
    0xC000008C: ("EXCEPTION_ARRAY_BOUNDS_EXCEEDED", "array index out of bounds"),
    0xC000008E: ("EXCEPTION_FLT_DIVIDE_BY_ZERO", "floating point division by zero"),
    0xC0000090: ("EXCEPTION_FLT_INVALID_OPERATION", "invalid floating point operation"),
    0xC0000091: ("EXCEPTION_FLT_OVERFLOW", "floating point overflow"),
    0xC0000094: ("EXCEPTION_INT_DIVIDE_BY_ZERO", "integer division by zero"),
    0xC0000095: ("EXCEPTION_INT_OVERFLOW", "integer overflow"),
    0xC0000096: ("EXCEPTION_PRIV_INSTRUCTION", "privileged instruction"),
    0xC00000FD: ("EXCEPTION_STACK_OVERFLOW", "stack overflow"),
    0xC0000374: ("STATUS_HEAP_CORRUPTION", "heap corruption"),
    0xC0000409: ("STATUS_STACK_BUFFER_OVERRUN", "failed fast: abort, or a stack buffer was overrun"),
    0xC000041D: ("STATUS_FATAL_USER_CALLBACK_EXCEPTION", "exception in a callback"),
    0xE06D7363: ("C++ exception", "nothing caught it"),
    0xE0434352: (".NET exception", "nothing caught it"),
}
_OTHERS = {
    0x40010004: ("DBG_TERMINATE_PROCESS", "ended with its debugger"),
    0xC0000017: ("STATUS_NO_MEMORY", "out of memory"),
    0xC000012D: ("STATUS_COMMITMENT_LIMIT", "the system was out of memory"),
    0xC0000135: ("STATUS_DLL_NOT_FOUND", "a DLL was not found"),
    0xC0000139: ("STATUS_ENTRYPOINT_NOT_FOUND", "a function was not found in a DLL"),
    0xC000013A: ("STATUS_CONTROL_C_EXIT", "interrupted (Ctrl-C)"),
    0xC0000142: ("STATUS_DLL_INIT_FAILED", "a DLL could not be initialised"),
    0xCFFFFFFF: ("0xCFFFFFFF", "ended by Windows because it did not respond"),
}

WORDS = dict([*_FAULTS.values(), *_OTHERS.values()])
"""What each means, by its name."""

FAULTS = frozenset(name for name, _ in _FAULTS.values())
"""The names of those that a program brings upon itself."""

CTRL_C = "STATUS_CONTROL_C_EXIT"


def name_of(code: int) -> str | None:
    """The name of an exit code (32 bits, unsigned) that no program chooses; None for one that may be chosen."""
    known = _FAULTS.get(code) or _OTHERS.get(code)
    if known is not None:
        return known[0]
    return f"exception 0x{code:08X}" if code >= _FIRST_ERROR and code < 0xFFFF0000 else None
