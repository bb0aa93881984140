"""What a program prints is cut into lines as a person sees them."""

from datacat_daemon.wrapping.lines import MOST_BYTES, Lines
from datacat_daemon.wrapping.settings import product_of
from hypothesis import given
from hypothesis import strategies as st


def lines_of(*chunks):
    lines = Lines()
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return found + lines.finish()


def test_colours_and_titles_are_left_out():
    assert lines_of(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07and \x1b(Bplain\n") == ["red and plain"]


def test_of_a_progress_bar_its_last_state_is_kept():
    assert lines_of(b" 10%\r 20%\r", b" 30%\r", b"100%\r\n") == ["100%"]
    assert lines_of(b"dos\r\n", b"line\r", b"\n") == ["dos", "line"]


def test_an_endless_line_is_cut_and_marked():
    lines = Lines()
    for _ in range(1000):
        assert lines.feed(b"x" * 65536) == []
    (line,) = lines.feed(b"\n")
    assert line == "x" * MOST_BYTES + "… (65536000 bytes)"


def test_bytes_that_are_no_text_are_replaced():
    assert lines_of(b"\xff\x00\xfe\n") == ["�\x00�"]


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xc3", b"\xa9", b"\x1b[1m", b"\r\n", b"word "])), st.data())
def test_lines_are_the_same_however_the_bytes_are_cut(pieces, data):
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)])]
    assert lines_of(*chunks) == lines_of(whole)


def test_a_session_is_named_after_the_program_or_the_script(tmp_path, monkeypatch):
    monkeypatch.delenv("DATACAT_PRODUCT", raising=False)
    script = tmp_path / "harbour.py"
    script.touch()
    assert product_of(["/usr/bin/rsync", "-a"]) == "rsync"
    assert product_of(["python3.11", "-u", str(script), "x"]) == "harbour"
    assert product_of(["python", "-m", "game"]) == "game"
    assert product_of(["sh", "-c", "true"]) == "sh"
    assert product_of(["python", "-c", "x = 1\n" * 1000]) == "python"
    monkeypatch.setenv("DATACAT_PRODUCT", "Named")
    assert product_of(["rsync"]) == "Named"
