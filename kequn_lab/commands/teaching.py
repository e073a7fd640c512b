"""``kequn workshop``: a folder for a participant, fresh chapters, solutions."""

from __future__ import annotations

from argparse import Namespace

__all__ = ["workshop"]

_SAY = {
    "laid": (
        "{folder}: {n} chapters and the small bank are there",
        "{folder}：{n} 章和小银行已就绪",
    ),
    "kept": (
        "{folder}: chapters of yours are there and stay as they are; new: {new}",
        "{folder}：已有的章节保持原样；新增：{new}",
    ),
    "nothing": ("nothing", "无"),
    "start": ("To open it: {command}", "打开：{command}"),
    "stop": (
        "JupyterLab opens in your browser; Ctrl-C here ends it. To come back: {command}",
        "JupyterLab 将作为网页打开；在这里按 Ctrl-C 结束。下次再来：{command}",
    ),
    "renamed": (
        "{name}: a fresh copy; yours is called {old} now",
        "{name}：已换成新的；您的那份现名 {old}",
    ),
    "fresh": ("{name}: written afresh", "{name}：已重新写入"),
    "same": ("Every chapter is as it was first", "各章都与最初相同"),
    "released": ("With solutions: {path}", "参考答案：{path}"),
    "edited": (
        "{path} was edited and stays as it is; rename it for a fresh copy",
        "{path} 已被改过，保持原样；想要新的，请先给它改名",
    ),
}


def workshop(args: Namespace) -> int:
    """Lay out a folder and start JupyterLab there; or reset it; or release a solution."""
    if args.action == "start" and args.chapter is not None:
        args.error("start lays out all chapters; CHAPTER goes with reset and release")
    if args.action == "release" and args.chapter is None:
        args.error("release needs the chapter whose solution is to be added, such as 04")
    if args.dir.exists() and not args.dir.is_dir():
        raise NotADirectoryError(20, "not a folder", str(args.dir))
    return {"start": _start, "reset": _reset, "release": _release}[args.action](args)


def _start(args: Namespace) -> int:
    from kequn_lab._words import shell_word
    from kequn_lab.workshop import building, folder

    language = args.language or folder.language_of(args.dir, missing="en")
    new = folder.lay_out(args.dir, language)
    values = {"folder": args.dir, "n": len(building.sources())}
    first = len(new) > values["n"]
    say = _Say(language)
    print(say("laid" if first else "kept", new=", ".join(new) or say("nothing"), **values))
    command = f"kequn workshop start {shell_word(str(args.dir))}"
    print(say("start" if args.no_lab else "stop", command=command), flush=True)
    return 0 if args.no_lab else folder.run_lab(args.dir)


def _reset(args: Namespace) -> int:
    from kequn_lab.workshop import folder

    say = _Say(args.language or folder.language_of(args.dir))
    renamed = folder.lay_afresh(args.dir, args.chapter)
    for name, old in renamed.items():
        print(say("renamed" if old else "fresh", name=name, old=old))
    if not renamed:
        print(say("same"))
    return 0


def _release(args: Namespace) -> int:
    from kequn_lab.workshop import folder

    say = _Say(args.language or folder.language_of(args.dir))
    path, done = folder.add_solution(args.dir, args.chapter)
    print(say("edited" if done == "edited" else "released", path=path))
    return 0


class _Say:
    """Messages in one language."""

    def __init__(self, language: str):
        self.language = language

    def __call__(self, what: str, **values) -> str:
        return _SAY[what][self.language == "zh"].format(**values)
