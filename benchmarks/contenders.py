"""What is measured against each other: calls that record what an application does, each set up as its manual says.

Each is a `Contender`, made in the process that measures it:

- DataCat: `create_session` with its daemon and a server that runs; the serialiser as it was asked for.
- sentry: `sentry_sdk.init` without default integrations; a breadcrumb stays in memory and is sent with
  the next error only.
- logging: a logger with a `FileHandler` and a usual format: time, level, logger, message.
- structlog: the configuration that its manual recommends for speed: filtering bound logger, level and ISO time stamp
  added, cached on first use, JSON into a file; with orjson where DataCat has it too.
- OpenTelemetry: a `LoggerProvider` with the usual batch processor, whose exporter keeps nothing and sends nothing.
- wandb: offline, which writes a file by the process of its own; without its samples of the system.
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

OURS = ("log_event", "log_gauge", "update_state", "heartbeat")
EMPTY = "an empty call"


@dataclass(frozen=True)
class Contender:
    """A call to be timed.

    Attributes:
        name: how the table has it.
        call: takes the number of the call.
        settle: called after each round, outside the time that is measured: what was left to a thread is done then.
    """

    name: str
    call: Callable[[int], None]
    settle: Callable[[], object] = lambda: None


def contenders(url: str, folder: Path, *, with_orjson: bool, exit_stack: ExitStack) -> list[Contender]:
    """All of them, warmed up by nobody yet.

    Args:
        url: of the server that DataCat reports to.
        folder: for files; what is written there is nobody's any more afterwards.
        with_orjson: whether DataCat and structlog serialise with it, or with the standard library.
        exit_stack: takes what ends them.
    """
    return [
        *_datacat(url, exit_stack, with_orjson=with_orjson),
        _sentry(),
        _logging(folder),
        _structlog(folder, with_orjson=with_orjson),
        _opentelemetry(exit_stack),
        _wandb(folder, exit_stack),
        Contender(EMPTY, lambda i: None),
    ]


def _datacat(url: str, exit_stack: ExitStack, *, with_orjson: bool) -> list[Contender]:
    if not with_orjson:
        os.environ["DATACAT_JSON"] = "stdlib"
    import datacat

    session = datacat.create_session(base_url=url, product="benchmark", version="1")
    exit_stack.callback(session.end)
    session.start_heartbeat_monitor(timeout=60)
    log_event, log_gauge, update_state = session.log_event, session.log_gauge, session.update_state
    heartbeat = session.heartbeat
    return [
        Contender("log_event", lambda i: log_event("moved", {"x": i, "y": 2})),
        Contender("log_gauge", lambda i: log_gauge("fps", i / 7)),
        Contender("update_state", lambda i: update_state({"x": i, "y": 2})),
        Contender("heartbeat", lambda i: heartbeat()),
    ]


def _sentry() -> Contender:
    import sentry_sdk

    # an address nobody listens on
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", default_integrations=False)
    add_breadcrumb = sentry_sdk.add_breadcrumb
    return Contender("sentry_sdk.add_breadcrumb", lambda i: add_breadcrumb(message="moved", data={"x": i, "y": 2}))


def _logging(folder: Path) -> Contender:
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.FileHandler(folder / "logging.txt")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    return Contender("logging, to a file", lambda i: logger.info("moved x=%d y=%d", i, 2))


def _structlog(folder: Path, *, with_orjson: bool) -> Contender:
    import structlog

    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    factory: Callable[..., structlog.typing.WrappedLogger]
    if with_orjson:
        import orjson

        processors.append(structlog.processors.JSONRenderer(serializer=orjson.dumps))
        factory = structlog.BytesLoggerFactory(file=(folder / "structlog.json").open("wb"))
    else:
        processors.append(structlog.processors.JSONRenderer())
        factory = structlog.WriteLoggerFactory(file=(folder / "structlog.json").open("w"))
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=processors,
        logger_factory=factory,
    )
    logger = structlog.get_logger()
    return Contender("structlog, JSON to a file", lambda i: logger.info("moved", x=i, y=2))


def _opentelemetry(exit_stack: ExitStack) -> Contender:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult

    class KeepsNothing(LogRecordExporter):
        def export(self, batch: object) -> LogRecordExportResult:
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None:
            """There is nothing to close."""

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(KeepsNothing()))
    exit_stack.callback(provider.shutdown)
    logger = provider.get_logger("benchmark")
    now = time.time_ns

    def emit(i: int) -> None:
        logger.emit(
            LogRecord(
                timestamp=now(),
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="moved",
                attributes={"x": i, "y": 2},
            )
        )

    return Contender("OpenTelemetry logger.emit", emit, provider.force_flush)


def _wandb(folder: Path, exit_stack: ExitStack) -> Contender:
    for variable in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        os.environ[variable] = str(folder)
    import wandb

    settings = wandb.Settings(mode="offline", silent=True, x_disable_stats=True)
    run = wandb.init(project="benchmark", dir=folder, settings=settings)
    exit_stack.callback(run.finish)
    # its process of its own has what was handed to it, and takes time for that
    return Contender("wandb.log, offline", lambda i: run.log({"x": i, "y": 2}), lambda: time.sleep(0.05))
