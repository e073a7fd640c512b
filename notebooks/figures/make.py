"""Make the READMEs' pictures and first sentence from a run on the synthetic bank: ``make figures``.

Few colours are enough for charts, and keep each file under 150 kB. The top of the report is
photographed by Chromium; where that is missing its picture stays as it was.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin

from kequn_lab import Result, read_result

HERE = Path(__file__).resolve().parent
WIDTH = 1000
#: The finding: mean age, share of events at the counter, share of assets on demand.
FINDING = {
    "README.md": (
        "In a **synthetic** bank of {n:,} customers, those an internet bank aims at are "
        "{age_years} years old on average, those of a traditional bank {age_years_b}; they do "
        "{counter_share} of their business at the counter, against {counter_share_b}, and keep "
        "{current_aum_share} of their money on demand, against {current_aum_share_b}."
    ),
    "README.zh-CN.md": (
        "在一家有 {n:,} 位客户的**合成**银行里，互联网银行的目标客户平均 {age_years} 岁，"
        "传统银行的平均 {age_years_b} 岁；前者 {counter_share} 的交易在柜台办理，"
        "后者 {counter_share_b}；"
        "前者 {current_aum_share} 的资产是活期，后者 {current_aum_share_b}。"
    ),
}


def summary(report: Path) -> bytes | None:
    """The summary at the top of a report as a PNG; None without Playwright or Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 700}, device_scale_factor=1.25)
        page.goto(report.resolve().as_uri())
        page.add_style_tag(content="nav { display: none } .page { display: block }")
        end = page.locator("#summary").bounding_box()
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": end["y"] + end["height"] + 16}
        image = page.screenshot(clip=clip, full_page=True)
        browser.close()
    return image


def save(picture: Image.Image, name: str, facts: dict) -> None:
    """In 256 colours, with what it is in its metadata."""
    told = PngImagePlugin.PngInfo()
    for key, text in facts.items():
        told.add_text(key, text)
    picture.convert("RGB").quantize(256).save(HERE / f"{name}.png", optimize=True, pnginfo=told)


def write_finding(result: Result) -> None:
    """The finding in one sentence, where the READMEs keep a place for it."""
    rows = result.comparison.set_index("variable")
    values: dict = {"n": len(result.labels)}
    for name in ("age_years", "counter_share", "current_aum_share"):
        for end, value in (("", rows.loc[name, "mean_a"]), ("_b", rows.loc[name, "mean_b"])):
            values[name + end] = f"{value:.0%}" if name.endswith("share") else f"{value:.0f}"
    for readme, sentence in FINDING.items():
        path = HERE.parents[1] / readme
        before, rest = path.read_text(encoding="utf-8").split("<!-- finding: make figures -->\n")
        after = rest[rest.index("<!-- /finding -->") :]
        text = f"{before}<!-- finding: make figures -->\n{sentence.format(**values)}\n{after}"
        path.write_text(text, encoding="utf-8")


def main(folder: str) -> None:
    """Charts of a run, the top of its report in both languages, and its finding."""
    for name in ("comparison", "decision", "truth"):
        picture = Image.open(Path(folder) / "figures" / f"{name}.png")
        small = picture.convert("RGB").resize((picture.width * 2 // 3, picture.height * 2 // 3))
        save(small, name, picture.text)
    result = read_result(folder)
    write_finding(result)
    for language, name in (("en", "summary"), ("zh", "summary_zh")):
        with tempfile.TemporaryDirectory() as tmp:
            result.report(Path(tmp, "report.html"), language=language)
            image = summary(Path(tmp, "report.html"))
        if image is None:
            print(f"{name}.png is left as it is: it needs playwright and chromium")
        else:
            facts = {"Title": "Summary", "Description": "synthetic data: yes"}
            save(Image.open(io.BytesIO(image)), name, facts)


if __name__ == "__main__":
    main(sys.argv[1])
