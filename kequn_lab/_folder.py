"""A folder of results: replaced whole, and with a record by which a mix of two is found out.

New files are written to a hidden folder inside ``out`` (a rename never crosses disks then) and
moved up one by one; the record, with the SHA-256 of every file, comes last. A process that is
killed before the first move leaves the old result, after the last the new one. In between,
:func:`kequn_lab._record.verify_folder` names what does not fit, and the next call finishes the
moves.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from kequn_lab._files import sync, write_json
from kequn_lab._record import RECORDS, described, entries, listed, same
from kequn_lab._signals import asked_to_end, undisturbed

__all__ = ["result_folder"]

_STAGE = re.compile(r"\.kequn-\d+-[0-9a-f]{8}")
_LOCK = ".kequn.lock"
_ROOM = 1 << 20  # bytes; with less than this on the disk no result fits
_FULL = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder",
    errno.EDQUOT: "your share of the disk is full: free some space, or choose another folder",
    errno.EFBIG: "a file is larger than the disk allows: choose another folder",
}
_REASONS = _FULL | {
    errno.EROFS: "the disk can only be read; choose another folder",
    errno.EACCES: "the folder cannot be written to; choose another folder",
    errno.EPERM: "the folder cannot be written to; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "the link points to itself; choose another folder",
}


@contextmanager
def result_folder(out: str | Path, *, kind: str, names: Iterable[str] = ()) -> Iterator[Path]:
    """Give a hidden folder to write results to; at the end they take the place of the old ones.

    Parameters
    ----------
    out : path
        Made if it does not exist, and taken away again if the block fails. Results of an
        earlier call in it are replaced; files that kequn did not write are left alone.
    kind : {"run", "sample", "score", "registry"}
        The command. Its record (see :data:`RECORDS`) must be written in the block, as JSON.
    names : iterable of str
        Files that may be written: what is in their way is found before the work.

    Yields
    ------
    Path
        The hidden folder. It may hold folders.

    Raises
    ------
    OSError
        ``out`` cannot be used, another process writes to it, the disk is full.
    FileExistsError
        A result would replace a file that is not the one an earlier call wrote.
    ValueError
        The record in ``out`` cannot be read.
    KeyboardInterrupt
        Its text says what ``out`` holds now.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as tmp:
    ...     with result_folder(Path(tmp, "may"), kind="run") as stage:
    ...         write_json({"k": 8}, stage / "run.json")
    ...         _ = (stage / "labels.csv").write_text("customer_id,cluster")
    ...     sorted(p.name for p in Path(tmp, "may").iterdir())
    ['labels.csv', 'run.json']
    """
    out, record = Path(out), RECORDS[kind]
    with _claimed(out):
        stage = out / f".kequn-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            old = _prepare(out, kind, names)
            stage.mkdir()
            yield stage
            if asked_to_end():
                raise KeyboardInterrupt
            _seal(stage, kind)
            _require_free(out, entries(stage / record, kind), old, kind)
        except BaseException as error:
            with suppress(KeyboardInterrupt), undisturbed():
                shutil.rmtree(stage, ignore_errors=True)
            if isinstance(error, KeyboardInterrupt) or asked_to_end():
                raise KeyboardInterrupt(f"interrupted: nothing was written to {out}") from None
            if isinstance(error, OSError) and _about(error, stage):
                raise _worded(error, out, "; nothing was written") from error
            raise
        try:
            with undisturbed():
                _move(stage, out, kind)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted: the result in {out} is complete") from None


# before the work


def _prepare(out: Path, kind: str, names: Iterable[str]) -> dict[str, dict]:
    """Clear away what a killed process left, look for obstacles; return the earlier result."""
    for left in sorted(p for p in out.iterdir() if _STAGE.fullmatch(p.name)):
        with undisturbed():
            _finish(left, out)
    old = _earlier(out, kind)
    _require_free(out, {*names, RECORDS[kind]}, old, kind)
    disk = shutil.disk_usage(out)
    if disk.total and disk.free < _ROOM:
        raise OSError(errno.ENOSPC, f"{disk.free:,} bytes are free")
    return old


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Make the folder and lock it; take it away again if nothing came to be in it."""
    with ExitStack() as held:
        with undisturbed():  # a request to end comes once there is somebody to clear up
            try:
                if out.is_symlink() and not out.exists():
                    raise NotADirectoryError(
                        f"{out} is a link to {os.readlink(out)}, which does not exist"
                    )
                made = [p for p in (out, *out.parents) if not p.exists()]
                held.callback(_give_up, out, _lock(out), made)
            except OSError as error:
                raise _worded(error, out) from error
        yield


def _give_up(out: Path, lock: int, made: list[Path]) -> None:
    with suppress(OSError):
        if os.name == "nt":  # an open file cannot be removed there
            os.close(lock)
        (out / _LOCK).unlink()
    with suppress(OSError):
        os.close(lock)
    with suppress(OSError):  # stops at the first that holds something
        for folder in made:
            folder.rmdir()


def _lock(out: Path) -> int:
    """Open and lock a file in the folder, which is made if need be."""
    for _ in range(100):
        try:
            out.mkdir(parents=True, exist_ok=True)
            handle = os.open(out / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except (FileExistsError, NotADirectoryError):
            file = next(p for p in (out, *out.parents) if os.path.lexists(p))
            where = "name a folder (--out)" if file == out else f"{out} cannot be made in it"
            raise NotADirectoryError(f"{file} is a file; {where}") from None
        except FileNotFoundError:  # another process has just given up the folder
            continue
        try:
            _hold(handle)
            if os.path.samestat(os.fstat(handle), os.stat(out / _LOCK)):
                return handle
        except FileNotFoundError:
            pass  # its owner has just removed it
        except (BlockingIOError, PermissionError):
            os.close(handle)
            break
        os.close(handle)
    else:
        raise FileNotFoundError(f"{out} cannot be made there; choose another folder (--out)")
    raise BlockingIOError(
        f"another kequn writes to {out}; wait until it ends, or choose another folder (--out)"
    )


def _hold(handle: int) -> None:
    """Lock an open file until it is closed, or the process ends, however it ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # some network disks know no locks
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise


def _earlier(out: Path, kind: str) -> dict[str, dict]:
    return entries(out / RECORDS[kind], kind)


def _require_free(out: Path, names: Iterable[str], old: dict[str, dict], kind: str) -> None:
    """Raise if a result would go through a link, over a folder, or over a file of somebody."""
    for name in sorted(names):
        for part in [out / p for p in PurePosixPath(name).parents[-2::-1]]:
            if part.is_symlink() or (part.exists() and not part.is_dir()):
                raise FileExistsError(f"{part} is not a folder; move it, or choose another folder")
        if (out / name).is_dir():
            raise FileExistsError(f"{out / name} is a folder; move it, or choose another folder")
    known = {name: old.get(name) for name in names if os.path.lexists(out / name)}
    strange = [
        name
        for name, file in sorted(known.items())
        if file is None or (out / name).is_symlink() or not same(out / name, file)
    ]
    if strange:
        raise FileExistsError(
            f"{out} holds {listed(strange)}, not as an earlier kequn {kind} wrote it there; "
            "move it away, or choose another folder"
        )


# after the work


def _seal(stage: Path, kind: str) -> None:
    """Complete the record: whoever finds it in the stage knows that the result is whole."""
    path = stage / RECORDS[kind]
    record = json.loads(path.read_text(encoding="utf-8"))
    written = sorted(p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file())
    written.remove(path.name)
    known = {record.get("file"): record.get("sha256")}  # of the labels, taken a moment ago
    record["files"] = [described(stage / name, name, known.get(name)) for name in written]
    for staged in stage.rglob("*"):
        sync(staged)
    write_json(record, path)


def _move(stage: Path, out: Path, kind: str) -> None:
    """Rename what is staged, the record last; take away what the new record no longer lists."""
    record = RECORDS[kind]
    old, new = _earlier(out, kind), entries(stage / record, kind)
    try:
        for name in sorted(new, key=lambda n: (n == record, n)):
            if name == record:
                _drop(out, [old[n] for n in old.keys() - new.keys()])
            if (stage / name).exists():
                (out / name).parent.mkdir(exist_ok=True)
                os.replace(stage / name, out / name)
        for folder in {(out / name).parent for name in new}:
            sync(folder)
    except OSError as error:
        why = f"{error.filename2 or error.filename}: {error.strerror}"
        if all((stage / name).exists() for name in new):
            shutil.rmtree(stage, ignore_errors=True)
            raise OSError(f"{why}; nothing was written") from error
        raise OSError(
            f"{why}; {out} holds parts of two results: run again into this folder"
        ) from error
    shutil.rmtree(stage, ignore_errors=True)


def _drop(out: Path, files: Iterable[dict]) -> None:
    for file in files:
        path = out / file["file"]
        if path.resolve() != out.resolve() / file["file"]:
            continue  # by way of a link, it lies elsewhere
        if path.is_file() and same(path, file):
            path.unlink()
        with suppress(OSError):
            path.parent.rmdir()  # if it is empty now


def _finish(stage: Path, out: Path) -> None:
    """Complete the moves of a process that died among them; throw away what was never whole."""
    for kind, name in RECORDS.items():
        with suppress(ValueError):
            new = entries(stage / name, kind)
            places = {n: stage / n if (stage / n).exists() else out / n for n in new}
            if new and all(p.is_file() and same(p, new[n]) for n, p in places.items()):
                _require_free(
                    out, [n for n in new if (stage / n).exists()], _earlier(out, kind), kind
                )
                _move(stage, out, kind)
                return
    shutil.rmtree(stage)


# words


def _about(error: OSError, stage: Path) -> bool:
    """Whether an error is about what is written, not about what is read."""
    return error.errno in _FULL or str(error.filename).startswith(str(stage))


def _worded(error: OSError, out: Path, after: str = "") -> OSError:
    """The same error in words that say what to do."""
    if error.errno not in _REASONS:
        return error
    detail = f" ({error.strerror})" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    new = type(error)(f"{out}: {_REASONS[error.errno]}{detail}{after}")
    new.errno = error.errno
    return new
