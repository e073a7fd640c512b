"""Which encoding a text file is in: told by its bytes, or asked for; never guessed silently."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from typing import IO

from kequn_lab._notes import Note

BLOCK = 1 << 22
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What else a bank's file may be in; named in the error, never read without being asked for.
_OTHERS = ("big5", "cp932", "cp949", "cp1252", "cp1251")
#: Characters that Chinese text is mostly made of: frequent ones, those of tables, of family names
#: and of places. Other encodings read as GB18030 give characters that are seldom among them.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
    "发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本"
    "前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度"
    "门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电"
    "数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万"
    "取拉格望觉领共确传师观清今切院让识候带导争运男客户编号姓龄岁省县镇乡村街银卡账帐余额款存贷险"
    "店铺渠柜台网元角级评风购买付收支转消费销售单价订积会退换用券商店超城农商信托证类型备注状态低"
    "京津沪渝冀晋辽吉黑江苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁港澳州湖广深圳杭武汉成都厦"
    "李刘陈杨黄赵周吴徐孙朱胡郭林郑谢罗梁宋唐韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁沈姚卢姜"
    "崔钟谭陆汪范石廖贾夏韦方邹孟熊秦邱尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵华丽秀英芳娜敏静伟强磊军洋"
    "勇艳杰娟涛超霞刚桂兰玉红梅燕鹏辉波宇浩欣嘉雨子轩　、。，；：？！（）《》“”‘’【】—…·￥％"
)


def encoding_of(
    opened: Callable[[], IO[bytes]], name: str, encoding: str | None = None
) -> tuple[str, tuple[Note, ...]]:
    """The codec that reads the whole file, and what was assumed.

    Parameters
    ----------
    opened : callable
        Opens the bytes from their start.
    name : str
        The file, for messages.
    encoding : str, optional
        Settles it; it must read the whole file all the same.

    Raises
    ------
    ValueError
        A byte that the encoding does not allow (with its line), or an encoding that cannot be
        told with confidence.
    """
    with opened() as file:
        start = file.read(BLOCK)
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    if encoding is not None:
        try:
            "".encode(encoding)  # also refuses what is no encoding of text
            codec = codecs.lookup(encoding).name
        except (LookupError, ValueError):
            raise ValueError(
                f"unknown encoding {encoding!r}; for example utf-8, gb18030, big5, cp1252"
            ) from None
        codec = "utf-8-sig" if codec == "utf-8" else codec
        _require_readable(opened, codec, name, named=True)
        return codec, ()
    if marked:
        _require_readable(opened, marked, name)
        return marked, ()
    if wide := _utf16_without_mark(start):
        _require_readable(opened, wide, name)
        return wide, (_assumed(name, "UTF-16", "没有字节序标记", "it has no byte order mark"),)
    fault = _first_fault(opened, "utf-8")
    if fault is None:
        return "utf-8", ()
    sample = _foreign_lines(_blocks(opened))
    chinese = _foreign(sample, "gb18030")
    if _likely_chinese(chinese, sample):
        _require_readable(opened, "gb18030", name)
        share = f"{_share(chinese, _COMMON.__contains__):.0%}"
        zh, en = f"其中 {share} 为常用汉字", f"{share} of its Chinese is common"
        return "gb18030", (_assumed(name, "GB18030", zh, en),)
    text = sample.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(c > "\x7f" for c in text) - wrong > wrong:
        raise ValueError(_fault_text(name, "utf-8", *fault))
    raise ValueError(_cannot_tell(name, sample))


def _blocks(opened: Callable[[], IO[bytes]]) -> Iterable[bytes]:
    with opened() as file:
        while block := file.read(BLOCK):
            yield block


def _first_fault(opened, codec: str) -> tuple[int, bytes, bool] | None:
    """Line, bytes and whether the file just ends there: where the codec first fails."""
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    try:
        for block in _blocks(opened):
            line += decoder.decode(block).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        good = error.object[: error.start].decode(codec, "replace")
        found = error.object[error.start : max(error.end, error.start + 1)]
        cut = "incomplete" in error.reason or "unexpected end" in error.reason
        return line + good.count("\n"), found, cut
    return None


def _require_readable(opened, codec: str, name: str, *, named: bool = False) -> None:
    fault = _first_fault(opened, codec)
    if fault is not None:
        raise ValueError(_fault_text(name, codec, *fault, named=named))


def _fault_text(name: str, codec: str, line: int, found: bytes, cut: bool, *, named=False) -> str:
    shown = " ".join(f"{b:02X}" for b in found[:4])
    if cut:
        return (
            f"{name}, line {line}: the file ends in the middle of a character (bytes {shown}); "
            "it was cut off: export or copy it again"
        )
    label = codec.removesuffix("-sig").upper()
    around = "as was asked for" if named else "though the text around it is"
    return (
        f"{name}, line {line}: byte {shown} is not {label}, {around}; correct the line, or, if "
        "the whole file is in another encoding, name it with --encoding"
    )


def _utf16_without_mark(start: bytes) -> str | None:
    """UTF-16 of mostly ASCII text has a zero in every second byte."""
    even, odd = start[0:4000:2].count(0), start[1:4000:2].count(0)
    pairs = max(len(start[:4000]) // 2, 1)
    if odd > 0.4 * pairs and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * pairs and not odd else None


def _foreign_lines(blocks: Iterable[bytes], size: int = 1 << 20) -> bytes:
    """The lines that are not plain ASCII, up to about a megabyte of them."""
    found, total = [], 0
    for block in blocks:
        for line in re.findall(rb"[^\n]*[\x80-\xff][^\n]*", block):
            found.append(line[:4000])
            total += len(found[-1])
            if total > size:
                return b"\n".join(found)
    return b"\n".join(found)


def _foreign(sample: bytes, codec: str) -> str:
    """The characters beyond ASCII; every word once, so that one rare name on ten thousand lines
    does not decide."""
    return "".join(set(re.findall(r"[^\x00-\x7f]+", sample.decode(codec, "replace"))))


def _likely_chinese(text: str, sample: bytes) -> bool:
    """Whether text read as GB18030 is Chinese, and not another encoding by accident.

    Of Chinese nearly all characters are among the 3,755 of GB2312's first level, of other
    languages few are: except Korean and Japanese in EUC, which seldom meet the common ones.
    """
    common = _share(text, _COMMON.__contains__)
    korean = _share(_foreign(sample, "cp949"), lambda c: "가" <= c <= "힣")
    if korean > 0.95 or len(text) < 6:
        return common >= 0.5
    return common >= 0.3 or (common >= 0.25 and _share(text, _first_level) >= 0.9)


def _first_level(character: str) -> bool:
    code = character.encode("gb18030", "replace")
    return len(code) == 2 and 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1


def _share(text: str, among: Callable[[str], bool]) -> float:
    return sum(map(among, text)) / max(len(text), 1)


def _assumed(name: str, label: str, because_zh: str, because_en: str) -> Note:
    zh = f"{name} 按 {label} 编码读取（{because_zh}）；若有误，请用 --encoding 指定"
    en = f"{name} is read as {label} ({because_en}); if that is wrong, name it with --encoding"
    return Note("encoding_assumed", zh, en, level="note")


def _cannot_tell(name: str, sample: bytes) -> str:
    word = max(re.findall(rb"[^,;|\s\"]*[\x80-\xff][^,;|\s\"]*", sample)[:20], key=len)[:24]
    readings = []
    for codec in (*_OTHERS, "gb18030"):
        try:
            text = "".join(c if c.isprintable() else "·" for c in word.decode(codec))
            readings.append(f"{codec} ({text})")
        except UnicodeDecodeError:
            continue
    return (
        f"{name}: the encoding cannot be told: it is not UTF-8, and no likely GB18030. Name it "
        f"with --encoding; a word of it would read: {', '.join(readings)}. Or save it as UTF-8"
    )
