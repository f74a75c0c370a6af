import contextvars
import logging
import threading

import pytest

from restyle.errors import collect_warnings, warn


def test_warnings_go_to_the_log_and_to_every_collector_around(caplog: pytest.LogCaptureFixture) -> None:
    with collect_warnings() as outer:
        warn("first")
        with collect_warnings() as inner:
            warn("second")
    warn("third")
    assert (outer, inner) == (["first", "second"], ["second"])
    assert caplog.messages == ["first", "second", "third"]
    assert {record.name for record in caplog.records} == {"restyle"}
    assert caplog.records[0].levelno == logging.WARNING


def test_a_thread_has_collectors_of_its_own() -> None:
    def work(sentence: str) -> None:
        with collect_warnings() as own:
            warn(sentence)
        found.append(own)

    found: list[list[str]] = []
    with collect_warnings() as mine:
        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [["a"], ["b"]] and mine == []


def test_a_thread_that_works_for_its_caller_keeps_the_caller_s_collectors() -> None:
    with collect_warnings() as mine:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(warn, "a"))
        thread.start()
        thread.join()
    assert mine == ["a"]


def test_no_message_but_one_says_how_a_package_is_installed() -> None:
    """The sentence of `missing` is true for a package that is on no index; others would go their own ways."""
    import re
    from pathlib import Path

    import restyle

    source = Path(restyle.__file__).parent
    found = [p.name for p in source.rglob("*.py") if re.search(r"pip install|restyle\[", p.read_text(encoding="utf-8"))]
    assert found == ["errors.py"]
