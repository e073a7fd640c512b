"""Make the README's pictures from a run on the synthetic bank: ``make figures``.

Few colours are enough for charts, and keep each file under 150 kB.
"""

import sys
from pathlib import Path

from PIL import Image, PngImagePlugin

HERE = Path(__file__).resolve().parent


def main(folder: str) -> None:
    """Copy three pictures of a run, with their metadata, in 64 colours."""
    for name in ("sizes", "comparison", "decision"):
        picture = Image.open(Path(folder) / "figures" / f"{name}.png")
        facts = PngImagePlugin.PngInfo()
        for key, text in picture.text.items():
            facts.add_text(key, text)
        small = picture.convert("RGB").resize((picture.width * 2 // 3, picture.height * 2 // 3))
        small.quantize(64).save(HERE / f"{name}.png", optimize=True, pnginfo=facts)


if __name__ == "__main__":
    main(sys.argv[1])
