"""The course as pages and as slides: run the chapters, write HTML that needs no network.

``python notebooks/book.py book``               one site per language: ``data/output/book``
``python notebooks/book.py slides``             one slide per step: ``data/output/slides``
``python notebooks/book.py book --language zh`` one language

Chapters are run as ``notebooks/build.py --execute`` does, into ``data/output/notebooks``; one
that has been run since its source and the package last changed is taken as it is.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from pathlib import Path

import nbformat
from build import OUTPUT, execute
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from tqdm.auto import tqdm

import kequn_lab
from kequn_lab.workshop import building

HERE = Path(__file__).resolve().parent
TITLE = {"zh": "客群实验室：课程", "en": "kequn_lab: the course"}
WORDS = {
    "zh": {"next": "下一章", "back": "上一章", "all": "目录", "keys": "← → 换页，Home 回到开头"},
    "en": {"next": "Next", "back": "Back", "all": "Contents", "keys": "← → to move, Home to start"},
}
STYLE = """
:root { --ink: #222; --line: #ddd; --blue: #0059a8; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); line-height: 1.6;
  font: 17px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; }
a { color: var(--blue); }
img { max-width: 100%; height: auto; }
pre, code { font: 14px/1.45 ui-monospace, Consolas, "DejaVu Sans Mono", monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
table { border-collapse: collapse; border: 0; font-size: 14px; display: block; overflow-x: auto;
  width: max-content; max-width: 100%; }
td, th { padding: .25em .7em; text-align: right; border: 0; border-bottom: 1px solid var(--line); }
.highlight, .input pre { background: #f6f7f8; padding: .6em .8em; border-radius: 4px; }
.code { margin: .8em 0; } .output { margin: .4em 0 1.2em; }
"""
BOOK = """
nav { position: fixed; inset: 0 auto 0 0; width: 260px; overflow-y: auto; padding: 1.2em;
  border-right: 1px solid var(--line); font-size: 15px; }
nav a { display: block; padding: .25em .4em; text-decoration: none; }
nav a.here { background: #eaf2fb; font-weight: 600; }
main { margin-left: 260px; padding: 1em 2.5em 4em; max-width: 1080px; }
.turn { display: flex; justify-content: space-between; margin-top: 3em; }
@media (max-width: 800px) { nav { position: static; width: auto; }
  main { margin: 0; padding: 1em; } }
@media print { nav, .turn { display: none; } main { margin: 0; } }
"""
SLIDES = """
body { overflow: hidden; }
section { position: absolute; inset: 0 0 2.2em; padding: 2.2vh 4vw; overflow: auto; display: none; }
section.here { display: grid; grid-template-columns: 1fr; gap: 1.2em; align-content: start; }
section.two { grid-template-columns: 2fr 3fr; }
section h1, section h2 { grid-column: 1 / -1; margin: 0; }
section.title { align-content: center; } section img { max-height: 72vh; }
footer { position: fixed; inset: auto 0 0; padding: .3em 4vw; font-size: 13px; color: #666;
  display: flex; justify-content: space-between; background: #fff; }
"""
SCRIPT = """
const all = [...document.querySelectorAll("section")], count = document.querySelector("#count");
let at = 0;
function show(to) {
  at = Math.max(0, Math.min(all.length - 1, to));
  all.forEach((s, i) => s.classList.toggle("here", i === at));
  const now = all[at];
  let size = 20;
  for (now.style.fontSize = size + "px"; now.scrollHeight > now.clientHeight && size > 13; size--)
    now.style.fontSize = (size - 1) + "px";
  count.textContent = `${at + 1} / ${all.length}`;
  history.replaceState(null, "", "#" + (at + 1));
}
document.addEventListener("keydown", e => {
  const step = {ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1}[e.key];
  if (step) { e.preventDefault(); show(at + step); }
  if (e.key === "Home") show(0);
  if (e.key === "End") show(all.length - 1);
});
document.addEventListener("click", e => { if (!e.target.closest("a")) show(at + 1); });
show((parseInt(location.hash.slice(1)) || 1) - 1);
"""


def executed(source: Path, language: str) -> nbformat.NotebookNode:
    """A chapter with its outputs: as it was run last, if nothing has changed since."""
    notebook = building.build(source, language)
    path = OUTPUT / "notebooks" / language / f"{source.stem}.ipynb"
    changed = max(p.stat().st_mtime for p in Path(kequn_lab.__file__).parent.rglob("*.py"))
    if path.exists() and path.stat().st_mtime > changed:
        there = nbformat.read(path, as_version=4)
        if building.cells_sha256(there) == building.cells_sha256(notebook):
            return there
    execute(notebook, HERE / language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(building.text_of(notebook), encoding="utf-8", newline="\n")
    return notebook


def plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without widgets, which need a kernel: their text and pictures stay."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if isinstance(output.get("data"), dict):
                output["data"].pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("widgets", None)
    return notebook


def title_of(notebook: nbformat.NotebookNode) -> str:
    """The first heading."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ").strip()


def page(title: str, language: str, body: str, style: str, script: str = "") -> str:
    """One HTML file that holds all it needs."""
    _, resources = HTMLExporter(template_name="basic").from_notebook_node(
        nbformat.v4.new_notebook()
    )
    colors = "\n".join(resources["inlining"]["css"])
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}{style}{colors}</style></head>\n"
        f"<body>{body}{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def converted(notebook: nbformat.NotebookNode, **options) -> str:
    """The cells as HTML, pictures inside."""
    hidden = ("exclude_input_prompt", "exclude_output_prompt", "exclude_anchor_links")
    exporter = HTMLExporter(template_name="basic", **dict.fromkeys(hidden, True), **options)
    body, _ = exporter.from_notebook_node(notebook)
    return re.sub(r'href="(\w+)\.ipynb"', r'href="\1.html"', body)


def write_book(chapters: dict[str, nbformat.NotebookNode], language: str, out: Path) -> None:
    """One page per chapter and a table of contents."""
    titles, names, word = (
        {n: title_of(c) for n, c in chapters.items()},
        [*chapters],
        WORDS[language],
    )

    def link(name: str, text: str, here: bool = False) -> str:
        return f'<a href="{name}.html"{" class=here" * here}>{html.escape(text)}</a>'

    def nav(here: str) -> str:
        items = "".join(link(n, t, n == here) for n, t in titles.items())
        return f"<nav>{link('index', TITLE[language], here == 'index')}{items}</nav>"

    out.mkdir(parents=True, exist_ok=True)
    items = "".join(f"<li>{link(n, t)}</li>" for n, t in titles.items())
    body = f"{nav('index')}<main><h1>{TITLE[language]}</h1><ul>{items}</ul></main>"
    (out / "index.html").write_text(page(TITLE[language], language, body, BOOK), encoding="utf-8")
    for i, (name, notebook) in enumerate(chapters.items()):
        back = link(names[i - 1], f"← {word['back']}") if i else "<span></span>"
        after = link(names[i + 1], f"{word['next']} →") if i + 1 < len(names) else ""
        body = f"{nav(name)}<main>{converted(notebook)}<p class=turn>{back}{after}</p></main>"
        text = page(titles[name], language, body, BOOK)
        (out / f"{name}.html").write_text(text, encoding="utf-8")


def _text(markdown: str) -> str:
    return re.sub('<a class="anchor-link".*?</a>', "", markdown2html(markdown))


def steps(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str]]:
    """Heading, text and outputs of each step: what stands between two headings."""
    found: list[list[str]] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"^(?=#{1,2} )", cell.source, flags=re.MULTILINE):
                if heading := re.match(r"(#{1,2} .*)\n?", part):
                    found.append([_text(heading[1]), "", ""])
                    part = part[heading.end() :]
                if found and part.strip():
                    found[-1][1] += _text(part)
        elif found and cell.get("outputs"):
            shown = nbformat.v4.new_notebook(cells=[nbformat.from_dict(cell)])
            found[-1][2] += converted(shown, exclude_input=True)
    return [tuple(step) for step in found]


def write_slides(chapters: dict[str, nbformat.NotebookNode], language: str, out: Path) -> None:
    """One file per chapter, one slide per step, and a list of them."""
    out.mkdir(parents=True, exist_ok=True)
    for name, notebook in chapters.items():
        parts = []
        for i, (heading, text, shown) in enumerate(steps(notebook)):
            two = " two" if text and shown else ""
            body = f"<div>{text}</div>" * bool(text) + f"<div>{shown}</div>" * bool(shown)
            parts.append(f'<section class="{"title" * (i == 0)}{two}">{heading}{body}</section>')
        foot = f'<footer><a href="index.html">{WORDS[language]["all"]}</a>'
        foot += f'<span>{WORDS[language]["keys"]}</span><span id="count"></span></footer>'
        text = page(title_of(notebook), language, "".join(parts) + foot, SLIDES, SCRIPT)
        (out / f"{name}.html").write_text(text, encoding="utf-8")
    items = "".join(
        f'<li><a href="{n}.html">{html.escape(title_of(c))}</a></li>' for n, c in chapters.items()
    )
    body = f"<main><h1>{TITLE[language]}</h1><ul>{items}</ul></main>"
    (out / "index.html").write_text(page(TITLE[language], language, body, BOOK), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the chapters and write the book or the slides."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("book", "slides"))
    parser.add_argument("--language", choices=building.LANGUAGES, help="default: both")
    args = parser.parse_args(argv)
    for language in [args.language] if args.language else building.LANGUAGES:
        sources = building.sources(HERE / "py")
        chapters = {s.stem: plain(executed(s, language)) for s in tqdm(sources, desc=language)}
        out = OUTPUT / args.what / language
        (write_book if args.what == "book" else write_slides)(chapters, language, out)
        size = sum(p.stat().st_size for p in out.iterdir()) / 2**20
        print(f"{out / 'index.html'} ({size:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
