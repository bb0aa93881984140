"""Types of the public interface; what each call does stands in its docstring."""

import logging
from asyncio import AbstractEventLoop
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, TypedDict, overload

from _typeshed import OptExcInfo

__version__: str

_Level = Literal["debug", "info", "warning", "error", "critical"]
_Words = str | Iterable[str] | Mapping[str, Any]
_MetricType = Literal["gauge", "counter", "histogram", "timer"]

class _Ended(TypedDict):
    status: str
    session_id: str

class _Stats(TypedDict):
    sent: int
    dropped: int
    queued: int

class HeartbeatMonitor:
    timeout: float
    check_interval: float
    def __init__(self, session: Session, timeout: float = 60, check_interval: float = 5) -> None: ...
    def start(self, timeout: float | None = None) -> None: ...
    def heartbeat(self) -> None: ...
    def beat_from(self, loop: AbstractEventLoop | None = None) -> None: ...
    def stop(self) -> None: ...
    def is_running(self) -> bool: ...

class Timer:
    count: int | None
    duration: float | None
    def __init__(
        self, session: Session, name: str, count: int | None, unit: str, tags: _Words | None
    ) -> None: ...
    def __enter__(self) -> Timer: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class Session:
    session_id: str
    client: DatacatClient
    def __init__(self, session_id: str, client: DatacatClient, sink: Any) -> None: ...
    def update_state(self, state: Mapping[str, Any]) -> None: ...
    def log_event(
        self,
        name: str,
        level_or_data: _Level | Mapping[str, Any] | None = None,
        category: str | None = None,
        labels: _Words | None = None,
        message: str | None = None,
        data: Any = None,
        group: str | None = None,
        level: _Level | None = None,
    ) -> None: ...
    def log_fields(self, fields: Mapping[str, Any]) -> None: ...
    def log_metric(
        self,
        name: str,
        value: float,
        tags: _Words | None = None,
        unit: str | None = None,
        metric_type: _MetricType = "gauge",
        count: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None: ...
    def log_gauge(self, name: str, value: float, unit: str | None = None, tags: _Words | None = None) -> None: ...
    def log_counter(self, name: str, delta: float = 1, tags: _Words | None = None) -> None: ...
    def log_histogram(
        self,
        name: str,
        value: float,
        unit: str | None = None,
        tags: _Words | None = None,
        buckets: Iterable[float] | None = None,
    ) -> None: ...
    def log_timer(
        self,
        name: str,
        duration: float,
        count: int | None = None,
        unit: str = "seconds",
        tags: _Words | None = None,
    ) -> None: ...
    def timer(
        self, name: str, count: int | None = None, unit: str = "seconds", tags: _Words | None = None
    ) -> Timer: ...
    def log_exception(
        self, exc_info: BaseException | OptExcInfo | None = None, extra_data: Mapping[str, Any] | None = None
    ) -> None: ...
    def start_heartbeat_monitor(self, timeout: float = 60, check_interval: float = 5) -> HeartbeatMonitor: ...
    def monitor_event_loop(self, timeout: float = 60, loop: AbstractEventLoop | None = None) -> HeartbeatMonitor: ...
    def heartbeat(self) -> None: ...
    def pause_heartbeat_monitoring(self) -> None: ...
    def resume_heartbeat_monitoring(self) -> None: ...
    def stop_heartbeat_monitor(self) -> None: ...
    def get_details(self) -> dict[str, Any]: ...
    def flush(self, timeout: float = 2.0) -> bool: ...
    def end(self) -> _Ended: ...
    def __enter__(self) -> Session: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class AsyncSession(Session):
    def get_stats(self) -> _Stats: ...
    def shutdown(self, timeout: float = 2.0) -> _Ended: ...
    def end(self, timeout: float = 2.0) -> _Ended: ...
    def __enter__(self) -> AsyncSession: ...

class DatacatError(Exception):
    status: int | None
    error: str
    details: str
    def __init__(self, status: int | None, error: str, details: str) -> None: ...

class DatacatClient:
    base_url: str
    api_key: str | None
    timeout: float
    def __init__(self, base_url: str | None = None, api_key: str | None = None, timeout: float = 5.0) -> None: ...
    def create_session(self, product: str | None = None, version: str | None = None, **fields: Any) -> str: ...
    def register_session(self, product: str | None = None, version: str | None = None, **fields: Any) -> str: ...
    def get_session(self, session_id: str) -> dict[str, Any]: ...
    def get_all_sessions(self) -> list[dict[str, Any]]: ...
    def update_state(self, session_id: str, state: Mapping[str, Any]) -> dict[str, Any]: ...
    def log_event(self, session_id: str, name: str, data: Any = None, **fields: Any) -> dict[str, Any]: ...
    def log_metric(
        self, session_id: str, name: str, value: float, tags: Iterable[str] | None = None, **fields: Any
    ) -> dict[str, Any]: ...
    def heartbeat(self, session_id: str) -> dict[str, Any]: ...
    def end_session(self, session_id: str) -> dict[str, Any]: ...

class DatacatHandler(logging.Handler):
    session: Session
    def __init__(self, session: Session, level: int | str = 0) -> None: ...

@overload
def create_session(
    base_url: str | None = None,
    daemon_port: int | str = "auto",
    product: str | None = None,
    version: str | None = None,
    async_mode: Literal[False] = False,
    queue_size: int = 10000,
    use_daemon: bool = True,
    api_key: str | None = None,
    batch_interval_seconds: float = 1.0,
) -> Session: ...
@overload
def create_session(
    base_url: str | None = None,
    daemon_port: int | str = "auto",
    product: str | None = None,
    version: str | None = None,
    *,
    async_mode: Literal[True],
    queue_size: int = 10000,
    use_daemon: bool = True,
    api_key: str | None = None,
    batch_interval_seconds: float = 1.0,
) -> AsyncSession: ...
