"""Rules and reasons in both languages: tables and errors hold English, people read theirs."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["reasons_text", "rule_text"]

#: English as the ``rule`` of a finding has it, and Chinese; ``{}`` stands for what varies.
_RULES = {
    # the table
    "missing column": "缺少此列",
    "missing column (did you mean {}?)": "缺少此列（是否为 {}？）",
    "column given twice": "列名重复",
    "two or more": "两列或更多",
    "columns {}": "列 {}",
    "no rows": "没有数据行",
    "an empty table": "空表",
    "empty file": "文件为空",
    "0 bytes": "0 字节",
    "{} torn lines only, first in line {}: {}": "只有 {} 行残缺的行，首次在第 {} 行：{}",
    # lines
    "{} fields where the header has {}": "有 {} 个字段，而表头有 {} 个",
    'a quote (") opens here that is not closed in the same row': "此处的引号 (\") 在本行没有闭合",
    'a quote (") closes here that did not open in the same row': "此处闭合的引号 (\") 不在本行开始",
    # cells
    "an empty cell": "空单元格",
    "missing value": "缺少值",
    "missing id": "缺少编号",
    "not unique": "重复",
    "not in the customer table": "客户表中没有",
    "a total row, not a customer": "合计行，不是客户",
    "id ruined by a spreadsheet (digits lost)": "编号被电子表格改坏（丢失位数）",
    "a number with decimals cannot be an id": "带小数的数不能作编号",
    "not a finite number": "不是数字，或为无穷大",
    "not yes or no": "不是“是”或“否”",
    "must be >= {}": "应 ≥ {}",
    "must be <= {}": "应 ≤ {}",
    "not one of {}": "不在下列代码之中：{}",
    "written otherwise than the other cells, which have a decimal point": "写法与其他单元格不同"
    "（其他用小数点）",
    "written otherwise than the other cells, which have a decimal comma": "写法与其他单元格不同"
    "（其他用小数逗号）",
    "with % where other cells have none, or without where they have it": "有的单元格带 %，有的不带",
    "in another currency than the other cells": "币种与其他单元格不同",
    "not a date written year-month-day": "不是“年-月-日”写法的日期",
    "not a date written day/month/year, as the other cells are": "不是日期，其他格写作 日/月/年",
    "not a date written month/day/year, as the other cells are": "不是日期，其他格写作 月/日/年",
    "not a date written as a day number of Excel, as the other cells are": "不是日期，其他单元格是 "
    "Excel 序号",
    "not a date written {}": "不是按 {} 书写的日期",
    "not a date but a month without a day": "不是日期：只有年月，没有日",
    "not a date but a year without a day": "不是日期：只有年份",
    "not a date but a word that means another day tomorrow": "不是日期：这个词每天所指不同",
    "not a date but a year of two digits (give date_format, as %d/%m/%y)": "年份只有两位"
    "（请给出 date_format，如 %d/%m/%y）",
    "not a date but the name of a month (give date_format, as %d-%b-%Y)": "月份是英文名称"
    "（请给出 date_format，如 %d-%b-%Y）",
    "not a date but seconds since 1970": "不是日期：自 1970 年起的秒数",
    "not a date but a time without a day": "不是日期：只有时刻，没有日期",
    "not a date but a number": "不是日期：是数",
    # columns that can be read in two ways
    '1,234 can be 1234 or 1.234; say which with thousands = "," or decimal = "," in the mapping '
    "file": '1,234 可读作 1234 或 1.234；请在映射文件中写明 thousands = "," 或 decimal = ","',
    "some times have a time zone and some have none; write all of them one way": "有的时间带时区，"
    "有的不带；请统一写法",
    "some dates have the day first and some the month; write them year-month-day, or give "
    "date_format or dayfirst in the mapping file": "有的日期日在前，有的月在前；请写作 年-月-日，"
    "或在映射文件中给出 date_format 或 dayfirst",
    "the day or the month can come first; say which with dayfirst = true or dayfirst = false in "
    "the mapping file": "日在前还是月在前无法判断；请在映射文件中写明 dayfirst = true 或 "
    "dayfirst = false",
    "{} in line {} ({} such cell)": "第 {1} 行的 {0}（共 {2} 个）",
    "{} in line {} ({} such cells)": "第 {1} 行的 {0}（共 {2} 个）",
    "{} in row {} ({} such cell)": "第 {1} 行的 {0}（共 {2} 个）",
    "{} in row {} ({} such cells)": "第 {1} 行的 {0}（共 {2} 个）",
    # features left out
    "constant": "所有客户相同",
    "missing for {} % of customers": "{}% 的客户缺失",
    "missing for every customer": "所有客户缺失",
    "fewer than {} events behind it for {} % of customers": "{1}% 的客户相关交易不足 {0} 笔",
    "no table {}": "没有 {} 表",
    "no {} in {}": "{1} 表缺 {0}",
    # what to do
    "name the column as the contract does, or translate it in a mapping file": "按约定命名该列，"
    "或在映射文件中对应",
    "write year-month-day, or give date_format in a mapping file": "写作 年-月-日，或在映射文件中"
    "给出 date_format",
    "use these codes, or translate yours in a mapping file": "使用这些代码，或在映射文件中对应",
    "give these rows an id (if such an id is real, list it in real_ids in a mapping file)":
        "补上编号（若确有此编号，请在映射文件的 real_ids 中列出）",
    "export the ids again as text": "以文本重新导出编号",
    "delete the total row": "删除合计行",
    "keep one row of each": "每个只保留一行",
    "correct the column, or settle it in a mapping file": "改正该列，或在映射文件中写明",
    "correct these cells": "改正这些单元格",
    "or set the rows aside (--skip-bad-rows of kequn run, score)": "或剔除这些行"
    "（kequn run、score 的 --skip-bad-rows）",
    "correct these lines in the file, or set them aside (--skip-bad-rows of kequn run, score)": (
        "改正文件中的这些行，或剔除（kequn run、score 的 --skip-bad-rows）"
    ),
    "look at the query": "检查查询语句",
    "export the table again, with its rows": "重新导出该表，包含数据行",
    "export the table again, with its header": "重新导出该表，包含表头",
    # errors that are no findings
    "{} does not exist": "{} 不存在",
    "{} does not exist; did you mean {}?": "{} 不存在；是否为 {}？",
    "{} is a folder; name a file": "{} 是文件夹；请给出文件",
    "{} is a file; name a folder": "{} 是文件；请给出文件夹",
    "{} may not be read or written by you": "没有读写 {} 的权限",
    "{} is there already": "{} 已存在",
    "{} is there already; name another file (--out)": "{} 已存在；请另给文件名（--out）",
    "{} customers cannot form {} clusters; ask for fewer clusters (--k) or bring more customers":
        "{} 名客户分不出 {} 个簇；请减少簇数（--k）或增加客户",
    "{} looks like transactions in your own words; describe them once with `{}`, or name the "
    "column of customers (--id) if it has one row per customer":
        "{} 像是交易明细，但列名是贵行自己的；请先运行 `{}` 写一次映射文件；若每位客户只有一行，"
        "请用 --id 指出客户编号列",
    "{} holds the workshop in {}; name another folder": "{} 里已有 {} 版课程；请另给一个文件夹",
    "{} holds no workshop; lay it out with `kequn workshop start`": "{} 里没有课程；请先运行 "
    "`kequn workshop start`",
    "there is no chapter {}; there are {}": "没有第 {} 章；有 {}",
    "start lays out all chapters; CHAPTER goes with reset and release": "start 会写入所有章节；"
    "CHAPTER 只用于 reset 和 release",
    "release needs the chapter whose solution is to be added, such as 04": "release 要指明哪一章的"
    "答案，如 04",
    "interrupted: nothing was written": "已中断：未写任何文件",
    "interrupted: nothing was written to {}": "已中断：未向 {} 写任何文件",
    "interrupted: the result in {} is complete": "已中断：{} 中的结果是完整的",
    "not enough memory; take fewer rows or columns, or a larger machine": "内存不足；请减少行或列，"
    "或换更大的机器",
}  # fmt: skip


@cache
def _patterns() -> list[tuple[re.Pattern, str]]:
    known = [(en, zh) for en, zh in _RULES.items() if "{}" in en]
    return [(re.compile(re.escape(en).replace(r"\{\}", "(.*)"), re.DOTALL), zh)
            for en, zh in known]  # fmt: skip


def rule_text(text: str, language: str) -> str:
    """A rule, a reason, what was found or what to do, in the language asked for.

    What is not known, such as a cell, is returned unchanged.

    Examples
    --------
    >>> rule_text("must be >= 0", "zh"), rule_text("must be >= 0", "en")
    ('应 ≥ 0', 'must be >= 0')
    """
    if language == "en" or text in _RULES:
        return text if language == "en" else _RULES[text]
    for pattern, zh in _patterns():
        if hit := pattern.fullmatch(text):
            return zh.format(*(rule_text(part, language) for part in hit.groups()))
    return text


def reasons_text(text: str, language: str) -> str:
    """Several rules or things to do, separated by semicolons, a column's name before each.

    Examples
    --------
    >>> reasons_text("age_years: must be >= 0; missing id", "zh")
    'age_years：应 ≥ 0；缺少编号'
    """
    if language == "en" or text in _RULES:
        return rule_text(text, language)
    out = []
    for part in text.split("; "):
        column, colon, rule = part.partition(": ")
        said = rule_text(rule, language)
        out.append(f"{column}：{said}" if colon and said != rule else rule_text(part, language))
    return "；".join(out)
