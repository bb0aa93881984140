"""The pages over all sessions, with every hostile text in them at once: nothing runs, and each is shown as it is."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from datacat_server.access.tokens import digest, new_token
from datacat_server.config import Config
from datacat_server.store.keys import StoredKey
from datacat_server.store.problems import ProblemFilter
from datacat_server.store.sqlite import SqliteStore
from datacat_server.webhook import Webhook
from playwright.sync_api import Browser, Page
from support.hostile import PAYLOADS, check, hostile, look
from support.places import PAGES, PARTS, left_out

from .conftest import Pages

# What pages ask for; what a text makes a browser ask for is none of these.
ASKED_FOR = tuple({f"/{path.split('/')[1]}" for path in (*PAGES[1:], *PARTS)} | {"/favicon.ico"})
# What cannot be seen is shown by other signs than itself, and a text that no file can hold never came in.
UNSEEN = {"controls", "direction", "surrogate", "json"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """A store with a session and a key of each text; some of the keys are revoked. The tests only read it."""
    store = SqliteStore(tmp_path_factory.mktemp("hostile") / "data")
    now = datetime.now(UTC)
    for number, (name, text) in enumerate(PAYLOADS.items()):
        hostile(name, text).send(store)
        if name != "surrogate":
            key_id, token = new_token()
            store.add_key(StoredKey(id=key_id, name=text[:200], scopes=("read",), digest=digest(token), created=now))
            if number % 2:
                store.revoke_key(text[:200], now)
    yield store
    store.close()


@pytest.fixture(scope="module")
def every_page(filled: SqliteStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of pages whose webhooks are hostile, too."""
    hooks = [
        Webhook(url=f"http://hooks.example/{quote(text)}", product=text)
        for name, text in PAYLOADS.items()
        if name != "surrogate"
    ]
    filled.alerts.settle_webhooks([hook.id for hook in hooks])
    pages = Pages(filled, Config(data_path=str(tmp_path_factory.mktemp("pages")), webhooks=tuple(hooks)))
    yield pages.address
    pages.stop()


@pytest.fixture
def watched(browser: Browser, every_page: str) -> Iterator[Page]:
    """A page in which nothing may go wrong: no dialog, no breach of the policy, no request that is not a room's."""
    context = browser.new_context(base_url=every_page, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    wrong: list[str] = []

    def requested(request: Any) -> None:
        rest = request.url.removeprefix(every_page)
        if rest == request.url or not (rest == "/" or rest.startswith(ASKED_FOR)):
            wrong.append(f"asked for {request.url}")

    page.on("request", requested)
    page.on("dialog", lambda shown: (wrong.append(f"dialog {shown.message}"), shown.dismiss())[0])
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("popup", lambda opened: wrong.append(f"popup {opened.url}"))
    yield page
    context.close()
    assert wrong == []


def as_read(text: str) -> str:
    """A text as a reader has it: what space there is makes no difference."""
    return re.sub(r"\s+", " ", text).strip()


def shows(page: Page, text: str) -> bool:
    """Whether the first of it stand on the page, as they are."""
    return as_read(text)[:20] in as_read(page.evaluate("document.querySelector('main').textContent"))


LISTS = ["/", "/problems", "/releases", "/metrics", "/settings", "/sessions"]
OTHERS = {"/sessions/{session_id}", "/problems/{problem_id}", "/compare", "/delete"}  # below, and of one session


def test_no_page_is_left_out() -> None:
    assert left_out(LISTS) == OTHERS


@pytest.mark.parametrize("where", LISTS)
def test_each_text_is_shown_as_it_is_where_all_are(watched: Page, where: str) -> None:
    look(watched, where)
    check(watched)
    missing = [name for name, text in PAYLOADS.items() if name not in UNSEEN and not shows(watched, text)]
    most = 12 if where == "/" else 0  # the overview has the newest, and not all
    assert len(missing) <= most, missing


def test_each_problem_release_and_metric_shows_its_text_and_runs_none_of_it(watched: Page, filled: SqliteStore) -> None:
    for name, text in PAYLOADS.items():
        if name == "surrogate":
            continue
        session = filled.session(f"s-{name.replace(' ', '-')}")
        [*problems] = filled.problems(ProblemFilter(product=session.product)).problems
        assert problems, name
        for where in (
            f"/problems/{quote(problems[0].id)}",
            f"/problems?{urlencode({'product': session.product, 'q': text[:50]})}",
            f"/metrics?{urlencode({'name': text[:990] + 'gauge', 'aggregate': 'all'})}",
            f"/releases?{urlencode({'product': session.product})}",
        ):
            look(watched, where)
            check(watched)
            assert name in UNSEEN or shows(watched, text), (name, where)


def test_a_comparison_and_a_deletion_show_all_and_run_nothing(watched: Page, filled: SqliteStore) -> None:
    ids = [session.id for session in filled.sessions(limit=8).sessions]
    for where in (
        f"/compare?{urlencode({'ids': ','.join(ids)})}",
        f"/delete?{urlencode([('ids', one) for one in ids])}",
    ):
        look(watched, where)
        check(watched)
