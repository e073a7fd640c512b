"""A folder of results: the old one whole, the new one whole, or a mix that is found out."""

import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from kequn_lab import _folder
from kequn_lab._files import write_json
from kequn_lab._folder import result_folder
from kequn_lab._record import read_record, require_whole, verify_folder
from kequn_lab._signals import stoppable, undisturbed

#: Files of the stand-in for a run, the record apart.
FILES = ("labels.csv", "report.html", "tables/sizes.csv", "figures/sizes.png")
KILLS = int(os.environ.get("KEQUN_TEST_KILLS", 20))
# Two contexts, so that it is seen which of them raises.
# ruff: noqa: SIM117
posix = pytest.mark.skipif(os.name == "nt", reason="signals and forks are POSIX")


def write(out, text: str, files=FILES, kind="run", **options):
    """A run of no work: every file holds the same text."""
    with result_folder(out, kind=kind, **options) as stage:
        for name in files:
            (stage / name).parent.mkdir(exist_ok=True)
            (stage / name).write_text(text)
        write_json({"text": text}, stage / _folder.RECORDS[kind])


def content(out: Path) -> dict[str, str]:
    return {
        p.relative_to(out).as_posix(): p.read_text()
        for p in out.rglob("*")
        if p.is_file() and p.suffix != ".json"
    }


def whole(out: Path) -> str | None:
    """The text of a whole result; None for one that says of itself that it is none."""
    try:
        record = require_whole(out)
    except (FileNotFoundError, ValueError):
        return None
    for file in record["files"]:
        assert (out / file["file"]).read_text() == record["text"], "a mix that nobody sees"
    return record["text"]


def test_a_result_replaces_the_earlier_one_and_leaves_other_files_alone(tmp_path):
    out = tmp_path / "out"
    write(out, "may", files=(*FILES, "tables/old.csv", "figures/old.png"))
    (out / "mine.txt").write_text("mine")
    (out / "tables" / "mine.csv").write_text("mine")
    write(out, "june", files=FILES[:3])
    mine = {"mine.txt": "mine", "tables/mine.csv": "mine"}
    assert content(out) == dict.fromkeys(FILES[:3], "june") | mine
    assert not (out / "figures").exists(), "an empty folder of ours goes, too"
    assert verify_folder(out).empty
    assert [f["file"] for f in read_record(out)["files"]] == sorted(FILES[:3])
    assert not list(out.glob(".kequn*"))


def test_what_does_not_fit_the_record_is_named(tmp_path):
    write(tmp_path, "may")
    (tmp_path / "labels.csv").write_text("edited")
    (tmp_path / "tables" / "sizes.csv").unlink()
    found = verify_folder(tmp_path).set_index("file")["problem"].to_dict()
    assert found == {"labels.csv": "changed", "tables/sizes.csv": "missing"}
    with pytest.raises(ValueError, match=r"not one whole result: labels.csv, tables/sizes.csv"):
        require_whole(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no result of kequn"):
        verify_folder(tmp_path / "tables")


# what is in the way


def folder_for_a_file(out):
    (out / "labels.csv").mkdir(parents=True)


def file_of_somebody(out):
    out.mkdir()
    (out / "labels.csv").write_text("mine")


def edited_result(out):
    write(out, "may")
    (out / "labels.csv").write_text("with notes of mine")


def link_for_a_file(out):
    write(out, "may")
    shutil.move(out / "labels.csv", out.parent / "elsewhere.csv")
    (out / "labels.csv").symlink_to(out.parent / "elsewhere.csv")


def link_for_a_folder(out):
    (out.parent / "elsewhere").mkdir()
    out.mkdir()
    (out / "tables").symlink_to(out.parent / "elsewhere")


def file_for_a_folder(out):
    out.mkdir()
    (out / "tables").write_text("mine")


def record(text):
    def make(out):
        out.mkdir()
        (out / "run.json").write_text(text)

    return make


OTHERS = json.dumps({"files": ["mine.txt"]})
OUTSIDE = ["../mine.txt", "/mine.txt", "a/../../mine.txt", "C:mine.txt", "a\\mine.txt", "a\0"]
IN_THE_WAY = {
    "a folder": (folder_for_a_file, "labels.csv is a folder; move it"),
    "a file": (file_of_somebody, "holds labels.csv, not as an earlier kequn run wrote it there"),
    "an edited file": (edited_result, "holds labels.csv, not as an earlier kequn run wrote it"),
    "a link": (link_for_a_file, "holds labels.csv, not as"),
    "a link to a folder": (link_for_a_folder, "tables is not a folder"),
    "a file for a folder": (file_for_a_folder, "tables is not a folder"),
    "a torn record": (record("{ broken"), "is not a record of kequn run"),
    "a deep record": (record("[" * 100_000), "is not a record of kequn run"),
    "a strange record": (record(OTHERS), "it does not list its files; move it away"),
    **{
        f"a record of {name!r}": (
            record(json.dumps({"files": [{"file": name, "bytes": 0, "sha256": "x"}]})),
            "it does not list its files",
        )
        for name in OUTSIDE
    },
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_in_the_way_is_found_before_the_work_and_left_as_it_is(tmp_path, what):
    make, message = IN_THE_WAY[what]
    out = tmp_path / "out"
    make(out)
    (tmp_path / "mine.txt").write_text("")
    before = {p: os.lstat(p).st_mtime_ns for p in tmp_path.rglob("*") if p != out}
    with pytest.raises((FileExistsError, ValueError), match=message):
        with result_folder(out, kind="run", names=FILES):
            pytest.fail("the work was done")
    with suppress(FileExistsError, ValueError):
        write(out, "june")  # the same is found after the work, if nobody named the files
        pytest.fail("written")
    assert {p: os.lstat(p).st_mtime_ns for p in tmp_path.rglob("*") if p != out} == before


def test_a_record_may_list_a_file_of_somebody_and_it_stays(tmp_path):
    """Only what has the recorded content is ours to take away."""
    write(tmp_path, "may", files=(*FILES, "mine.txt"))
    (tmp_path / "mine.txt").write_text("something else by now")
    write(tmp_path, "june")
    assert content(tmp_path)["mine.txt"] == "something else by now"


def test_places_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for out, message in {
        tmp_path / "file": "is a file; name a folder",
        tmp_path / "file" / "deeper": "file is a file; .*deeper cannot be made in it",
        tmp_path / "link": "is a link to .*nowhere, which does not exist",
        tmp_path / ("long" * 100): "the name is too long",
    }.items():
        with pytest.raises(OSError, match=message):
            with result_folder(out, kind="run"):
                pytest.fail("the work was done")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "link"]


def test_a_disk_without_room_is_found_before_the_work(tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=5000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: full)
    with pytest.raises(OSError, match=r"the disk is full.*\(5,000 bytes are free\)"):
        with result_folder(tmp_path / "out", kind="run"):
            pytest.fail("the work was done")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_and_an_unreadable_input_are_told_apart(tmp_path):
    for error, message in [
        (OSError(28, "No space left on device"), r"the disk is full.*; nothing was written"),
        (PermissionError(13, "Permission denied", "events.csv"), "Permission denied: 'events.csv'"),
    ]:
        with pytest.raises(type(error), match=message):
            with result_folder(tmp_path / "a" / "out", kind="run"):
                raise error
        assert not list(tmp_path.iterdir()), "nor folders that were made for it"


def as_nobody(work) -> int:
    """The exit code of ``work`` in a child process that may not do everything as root may."""
    if (child := os.fork()) == 0:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            work()
        except PermissionError as error:
            os._exit(13 if "cannot be written to" in str(error) else 1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@posix
def test_a_writable_folder_in_one_that_is_not(tmp_path):
    ours = [p for p in tmp_path.parents if p.name.startswith(("pytest", "popen"))]
    for folder in (*ours, tmp_path):
        folder.chmod(0o755)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    tmp_path.chmod(0o555)
    assert as_nobody(lambda: write(out, "may")) == 0
    assert whole(out) == "may"
    assert as_nobody(lambda: write(tmp_path / "other", "may")) == 13
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    tmp_path.chmod(0o755)


def test_a_mount_point(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(out)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root and a system that allows it")
    try:
        for text in ("may", "june"):
            write(out, text)
            assert whole(out) == text
        with pytest.raises(OSError, match="the disk is full.*; nothing was written"):
            write(out, "x" * 3_000_000)
        assert whole(out) == "june"
        assert not list(out.glob(".kequn*"))
    finally:
        subprocess.run(["umount", str(out)], check=True)


@posix
def test_files_and_folders_get_the_permissions_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "out", "may")
    finally:
        os.umask(before)
    for path in (tmp_path / "out").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path


# two at once


def test_two_calls_do_not_write_to_one_folder(tmp_path):
    out = tmp_path / "out"
    with result_folder(out, kind="run") as stage:
        with pytest.raises(BlockingIOError, match="another kequn writes to .*out; wait until"):
            write(out, "june")
        with pytest.raises(BlockingIOError):
            write(out, "june", kind="score")
        assert stage.is_dir()
        (stage / "labels.csv").write_text("may")
        write_json({"text": "may"}, stage / "run.json")
    assert whole(out) == "may"
    write(out, "june")
    assert whole(out) == "june"


def test_a_thread_may_write_too(tmp_path):
    """Only the main thread may set handlers of signals."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(write, tmp_path, "may").result()
    assert whole(tmp_path) == "may"


def test_a_lock_whose_file_was_removed_is_no_lock(tmp_path, monkeypatch):
    """Between opening and locking, the owner may remove the file: then it is tried again."""
    hold, tries = _folder._hold, []

    def slow(handle):
        tries.append(handle)
        if len(tries) == 1:
            (tmp_path / ".kequn.lock").unlink()
        hold(handle)

    monkeypatch.setattr(_folder, "_hold", slow)
    with result_folder(tmp_path, kind="run") as stage:
        assert len(tries) == 2 and (tmp_path / ".kequn.lock").exists()
        write_json({}, stage / "run.json")


# killed and interrupted


def die_in_fork(out, die_at: int, text: str, files) -> bool:
    """Write in a child that dies at its step number ``die_at``; False if it had fewer."""
    steps = 0

    def counted(real):
        def step(*args, **options):
            nonlocal steps
            steps += 1
            if steps == die_at:
                os._exit(9)
            return real(*args, **options)

        return step

    if (pid := os.fork()) == 0:
        for name in ("replace", "fsync", "unlink", "rmdir", "mkdir"):
            setattr(os, name, counted(getattr(os, name)))
        try:
            write(out, text, files=files)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


@posix
@pytest.mark.parametrize("first", [True, False], ids=["nothing before", "an old result"])
def test_killed_at_every_step(tmp_path, first):
    """Also just before every rename: old, new, or a mix that its record gives away."""
    new = (*FILES[:2], "tables/new.csv")
    seen, die_at = set(), 0
    while True:
        die_at += 1
        out = tmp_path / str(die_at)
        if not first:
            write(out, "old")
        if not die_in_fork(out, die_at, "new", new):
            break
        state = whole(out)
        seen.add(state)
        write(out, "next", files=["labels.csv"])  # whatever it was, the next call succeeds
        assert whole(out) == "next"
        assert content(out) == {"labels.csv": "next"}, "no left-over of the killed one"
        assert {p.name for p in out.iterdir()} == {"labels.csv", "run.json"}
    assert die_at > 20
    assert seen == {None, "new"} if first else seen == {"old", None, "new"}


@posix
def test_the_next_call_finishes_the_moves_even_if_it_fails_itself(tmp_path):
    out = tmp_path / "out"
    write(out, "old")
    die_at = 0
    while whole(out) is not None:
        die_at += 1
        assert die_in_fork(out, die_at, "new", FILES)
        if whole(out) == "old" and list(out.glob(".kequn-*")):
            shutil.rmtree(next(out.glob(".kequn-*")))
    assert set(content(out).values()) >= {"old", "new"}
    with pytest.raises(ZeroDivisionError):
        with result_folder(out, kind="run"):
            _ = 1 / 0
    assert whole(out) == "new"
    assert not list(out.glob(".kequn*"))


@posix
def test_killed_at_random(tmp_path):
    """As often as KEQUN_TEST_KILLS says, at any moment of the time that a call takes."""
    out = tmp_path / "out"
    files = [f"tables/{i}.csv" for i in range(10)]
    rng = np.random.default_rng(0)
    seen = []
    start = time.perf_counter()
    write(out, "start", files=files)
    taken = time.perf_counter() - start
    for i in range(KILLS):
        pid = os.fork()
        if pid == 0:
            while True:
                write(out, f"{i}", files=files)
        time.sleep(rng.uniform(0, 2 * taken))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        seen.append(whole(out))
    assert any(seen)
    write(out, "end", files=files)
    assert whole(out) == "end"
    assert not list(out.glob(".kequn*"))


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_says_what_is_there(tmp_path, monkeypatch, how):
    out, replace = tmp_path / "out", os.replace

    with pytest.raises(KeyboardInterrupt, match="interrupted: nothing was written to .*out"):
        with stoppable(), result_folder(out, kind="run") as stage:
            (stage / "labels.csv").write_text("x")
            signal.raise_signal(how)
    assert not out.exists()

    def interrupted(source, target):
        replace(source, target)
        if Path(target) == out / "labels.csv":
            signal.raise_signal(how)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt, match="interrupted: the result in .*out is complete"):
        with stoppable():
            write(out, "june")
    assert whole(out) == "june"


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_the_folder_is_made_leaves_none(tmp_path, monkeypatch, how):
    monkeypatch.setattr("kequn_lab._folder._hold", lambda handle: signal.raise_signal(how))
    with pytest.raises(KeyboardInterrupt), stoppable():
        with result_folder(tmp_path / "new" / "out", kind="run"):
            pass
    assert not (tmp_path / "new").exists()


def test_a_rename_that_fails_in_the_middle_is_said_and_finished_by_the_next_call(
    tmp_path, monkeypatch
):
    write(tmp_path, "may")

    def fail(source, target, replace=os.replace):
        if Path(target) == tmp_path / "report.html":
            raise PermissionError(13, "somebody has it open")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="holds parts of two results: run again into this folder"):
        write(tmp_path, "june")
    assert whole(tmp_path) is None
    monkeypatch.undo()
    write(tmp_path, "july", files=["labels.csv"])
    assert content(tmp_path) == {"labels.csv": "july"}


def test_a_first_rename_that_fails_leaves_the_old_result_and_says_so(tmp_path, monkeypatch):
    write(tmp_path, "may")

    def fail(source, target, replace=os.replace):
        if Path(target).parent == tmp_path:
            raise PermissionError(13, "somebody has it open", source, None, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    files = ["labels.csv", "report.html"]
    with pytest.raises(OSError, match=r"labels.csv: somebody has it open; nothing was written"):
        write(tmp_path, "june", files=files)
    assert whole(tmp_path) == "may" and not list(tmp_path.glob(".kequn*"))


@posix
@pytest.mark.parametrize("lost", [None, RuntimeError("Query interrupted")], ids=["lost", "renamed"])
def test_a_request_that_a_library_takes_ends_the_work_all_the_same(tmp_path, lost):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt, match="nothing was written to .*out"):
        with stoppable(), result_folder(out, kind="run") as stage:
            (stage / "labels.csv").write_text("x")
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                if lost:
                    raise lost from None
    assert not out.exists()
    with pytest.raises(KeyboardInterrupt):  # without a folder
        with stoppable():
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                raise RuntimeError("Query interrupted") from None
    write(out, "may")  # the request is over
    assert whole(out) == "may"


def test_signals_wait_and_are_not_lost():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            done.append("whole")
    assert done == ["whole"]


@pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="needs a file system that makes nothing"
)
def test_a_place_where_no_folder_can_be_made_is_not_taken_for_one_in_use():
    with pytest.raises(OSError, match="cannot be made") as error:
        with result_folder(Path("/proc/kequn"), kind="run"):
            pass
    assert "another kequn" not in str(error.value)
