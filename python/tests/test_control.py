"""A control page that several processes and threads have: whatever one of them does changes it."""

import os

import pytest
from datacat.control import FLUSH, ControlPage, LatePage
from datacat_daemon.spool.control import ControlReader


@pytest.mark.parametrize(("call", "field"), [("beat", "beats"), ("request_flush", "flush"), ("urgent", "urgent")])
def test_each_of_two_that_share_a_page_changes_it(tmp_path, call, field):
    path = str(tmp_path / "control")
    pages = [ControlPage(path), ControlPage(path, existing=True)]
    reader = ControlReader(tmp_path / "control")
    seen = [getattr(reader.read(), field)]
    for page in pages * 3:
        getattr(page, call)()
        seen.append(getattr(reader.read(), field))
    reader.close()
    assert len(set(seen)) == len(seen)


def test_a_damaged_count_is_no_trouble(tmp_path):
    page = ControlPage(str(tmp_path / "control"))
    page.page[FLUSH : FLUSH + 8] = b"\xff" * 8
    page.request_flush()
    assert bytes(page.page[FLUSH : FLUSH + 8]) == bytes(8)


def test_a_late_page_is_a_file_from_the_first_use_on(tmp_path):
    page = LatePage(str(tmp_path / "control.1-2"))
    assert os.listdir(str(tmp_path)) == []
    page.dropped(3)
    reader = ControlReader(tmp_path / "control.1-2")
    assert reader.read().dropped == 3
    reader.close()


def test_a_late_page_without_a_folder_takes_everything_and_tells_nobody(tmp_path):
    for path in (None, str(tmp_path / "none" / "control.1-2")):
        page = LatePage(path)
        page.beat()
        page.dropped(1)
    with pytest.raises(OSError):
        LatePage(str(tmp_path / "none" / "control.1-2")).make()
