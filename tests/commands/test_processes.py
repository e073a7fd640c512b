"""A second process of a command: its value is the same, and it ends with the command."""

import multiprocessing
import os
import subprocess
import sys
import time
import warnings

import pytest

from kequn_lab import _processes
from kequn_lab.__main__ import main
from kequn_lab._processes import beside, two_processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(_processes, "_cores", lambda: 2)


def test_a_task_runs_in_a_second_process_in_a_command_only(two_cores, monkeypatch):
    with two_processes(), beside(os.getpid) as there:
        assert there() != os.getpid()
    with beside(os.getpid) as here:
        assert here() == os.getpid()
    monkeypatch.setattr(_processes, "_cores", lambda: 1)
    with two_processes(), beside(os.getpid) as here:
        assert here() == os.getpid()


def test_errors_and_warnings_come_with_the_value(two_cores):
    def warned():
        warnings.warn("few rows", UserWarning, stacklevel=1)
        return 5

    with two_processes():
        with beside(warned) as five, pytest.warns(UserWarning, match="few rows"):
            assert five() == 5
        with beside(lambda: int("x")) as wrong, pytest.raises(ValueError, match="'x'"):
            wrong()


def test_a_task_runs_here_where_its_process_is_lost_or_stuck(two_cores, monkeypatch):
    here = os.getpid()
    monkeypatch.setattr(_processes, "IDLE_S", 0.1)
    with two_processes():
        for fault in (lambda: os._exit(1), lambda: time.sleep(600)):
            with beside(lambda f=fault: here if os.getpid() == here else f()) as task:
                assert task() == here


def test_a_task_runs_here_where_no_process_can_be_started(two_cores, monkeypatch):
    def full():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    with two_processes(), beside(os.getpid) as task:
        assert task() == os.getpid()


def test_a_large_process_takes_no_second_one(two_cores, monkeypatch):
    monkeypatch.setattr(_processes, "MOST_BYTES", 1 << 20)
    with two_processes(), beside(os.getpid) as task:
        assert task() == os.getpid()


def test_a_fit_on_several_threads_does_not_block_the_next_in_a_fork(two_cores):
    """OpenMP's threads do not come into a fork; a loop on two of them would never end there."""
    code = (
        "import numpy as np; from sklearn.cluster import KMeans\n"
        "from kequn_lab import _processes as p; p._cores = lambda: 2\n"
        "X = np.random.default_rng(0).normal(size=(20_000, 4))\n"
        "fit = lambda: KMeans(3, n_init=1, max_iter=5, random_state=0).fit(X).inertia_\n"
        "one = fit()\n"
        "p.IDLE_S = 600\n"
        "with p.two_processes(), p.beside(fit) as two:\n"
        "    assert abs(two() / one - 1) < 1e-9\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60,
                   env={**os.environ, "OMP_NUM_THREADS": "2"})  # fmt: skip


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_no_process_is_left_when_the_command_stops(two_cores, stop):
    with pytest.raises(stop), two_processes(), beside(lambda: time.sleep(600)):
        (process,) = multiprocessing.active_children()
        raise stop
    assert process.exitcode < 0


def test_the_process_ends_with_a_command_that_is_killed(two_cores):
    read, write = os.pipe()

    def command():
        with two_processes(), beside(lambda: (os.write(write, b"x"), time.sleep(600))):
            os.read(read, 1)
            os.kill(os.getpid(), 9)

    parent = multiprocessing.get_context("fork").Process(target=command)
    parent.start()
    parent.join()
    os.close(write)
    assert os.read(read, 1) == b""  # nobody is left who could write


def test_results_are_the_same_on_two_cores(monkeypatch, tmp_path):
    """Labels, tables and pictures, byte for byte; the second reading is one of the tasks."""
    few = ["--synthetic", "200", "--stability", "2", "--starts", "2", "--quiet"]
    for cores in (1, 2):
        monkeypatch.setattr(_processes, "_cores", lambda n=cores: n)
        assert main(["run", *few, "--out", str(tmp_path / str(cores))]) == 0
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in sorted((tmp_path / n).rglob("*.*"))
         if p.suffix in (".csv", ".png")}
        for n in ("1", "2")
    )  # fmt: skip
    assert one == two and len(one) > 20
