"""Make the README's pictures from a run on the synthetic bank: ``make figures``.

Few colours are enough for charts, and keep each file under 150 kB. The top of the report is
photographed by Chromium; where that is missing its picture stays as it was.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image, PngImagePlugin

HERE = Path(__file__).resolve().parent
WIDTH = 1000


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


def main(folder: str) -> None:
    """Charts of a run and the top of its report."""
    for name in ("sizes", "comparison", "decision", "truth"):
        picture = Image.open(Path(folder) / "figures" / f"{name}.png")
        small = picture.convert("RGB").resize((picture.width * 2 // 3, picture.height * 2 // 3))
        save(small, name, picture.text)
    image = summary(Path(folder) / "report.html")
    if image is None:
        print("summary.png is left as it is: it needs playwright and chromium")
    else:
        facts = {"Title": "Summary", "Description": "synthetic data: yes"}
        save(Image.open(io.BytesIO(image)), "summary", facts)


if __name__ == "__main__":
    main(sys.argv[1])
