"""What ``kequn run --engine spark`` refuses before any cluster is asked."""

import builtins
import socket
from argparse import Namespace

import pytest

from kequn_lab.__main__ import main
from kequn_lab.commands.cluster import labels_folder


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.parquet").touch()

    def run(*options: str) -> str:
        argv = ["run", "--engine", "spark", "--events", "e.parquet", "--out", "r", *options]
        assert main(argv) == 1
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] in ([], ["there"])
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize("master", ["sparkk://x:1", "local[", "mesos://x:1", "127.0.0.1:7077"])
def test_an_address_that_is_none(refused, master):
    assert f"--master {master}: not an address of Spark" in refused("--master", master)


@pytest.mark.parametrize("kind", ["spark", "sc"])
def test_a_master_that_is_down(refused, kind, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/java")  # it is not started
    with socket.socket() as free:  # bound, and nobody listens
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
        said = refused("--master", f"{kind}://{place}")
        assert f"nobody answers at {place}" in said
        assert "没有应答" in refused("--master", f"{kind}://{place}", "--language", "zh")


def test_no_java_and_no_pyspark(refused, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "no Java here" in refused("--master", "local[1]")
    real = builtins.__import__

    def without(name, *args, **more):
        if name.split(".")[0] == "pyspark":
            raise ModuleNotFoundError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "install kequn_lab[spark]" in refused("--master", "local[1]")


def test_labels_never_replace_a_folder_nor_lie_in_the_result(refused, tmp_path):
    (tmp_path / "there").mkdir()
    assert "there is there already" in refused("--labels-to", "there")
    assert "已存在" in refused("--labels-to", "there", "--language", "zh")
    assert "lies in the result folder" in refused("--labels-to", "r/all.parquet")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_labels_are_there_when_all_are_written(tmp_path, stop):
    args = Namespace(labels_to=tmp_path / "all", out=tmp_path / "r", language="en")
    with pytest.raises(stop), labels_folder(args) as stage:
        stage.mkdir()
        (stage / "part-0").write_text("half")
        raise stop
    assert not list(tmp_path.iterdir())
    with labels_folder(args) as stage:
        stage.mkdir()
        (stage / "part-0").write_text("whole")
    assert [p.name for p in (tmp_path / "all").iterdir()] == ["part-0"]
