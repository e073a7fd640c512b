"""Rules and reasons in both languages: tables and errors hold English, people read theirs."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["reasons_text", "rule_text"]

#: English as the ``rule`` of a finding has it, and Chinese; ``{}`` is what varies.
_RULES = {
    # the table
    "missing column": "缺少此列",
    "missing column (did you mean {}?)": "缺少此列（是否为 {}？）",
    "column given twice": "列名重复",
    "two or more": "两列或更多",
    "no column in which customers differ": "没有一列能区分客户",
    "no column of numbers": "没有数值列",
    "bring columns of numbers, or name the categories among the columns (--categories)": "补充数值"
    "列，或用 --categories 指明哪些列是类别",
    "columns hold infinite values or values beyond {}: {}; correct them": "有的列含无穷大或超过 {} "
    "的值：{}；请改正",
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
    "correct the column, or settle it in a mapping file (--mapping), under [features] for a table "
    "with one row per customer, else under [events], [customers] or [holdings]": "改正该列，或在"
    "映射文件（--mapping）中写明：每位客户一行的表写在 [features] 下，其余写在 [events]、"
    "[customers] 或 [holdings] 下",
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
    "{} clusters were asked for, {} hold rows: {} distinct rows, at most {} clusters. Ask for "
    "fewer clusters.": "要求 {} 个簇，只有 {} 个有客户：互不相同的客户只有 {} 种，"
    "至多 {} 个簇。请减少簇数（--k）",
    "{} clusters of at least {} customers need {} customers, there are {}; ask for a smaller size "
    "(--min-size) or fewer clusters (--k)": "{} 个簇、每个至少 {} 名客户，共需 {} 名，现有 {} 名；"
    "请减小最小规模（--min-size）或减少簇数（--k）",
    "the smallest size (--min-size) is {}; give a number from 1 on": "最小规模（--min-size）为 {}；"
    "请给出不小于 1 的整数",
    "min_size={} was asked for, the smallest cluster has {} rows: rows that are equal go together. "
    "Ask for a smaller min_size or fewer clusters": "要求最小规模 {}，而最小的簇只有 {} 名客户："
    "各列完全相同的客户只能同属一簇。请减小最小规模或减少簇数",
    "a smallest size (--min-size) does not go with groups (--by): clusters of several groups "
    "become one segment afterwards. Leave one of the two out": "最小规模（--min-size）不能与分组"
    "（--by）同用：各组的簇之后会合为一个客群。请二者取一",
    "{} looks like transactions in your own words; describe them once with `{}`, or name the "
    "column of customers (--id) if it has one row per customer":
        "{} 像是交易明细，但列名是贵行自己的；请先运行 `{}` 写一次映射文件；若每位客户只有一行，"
        "请用 --id 指出客户编号列",
    # weights
    "weights: no column {}; there are {}": "权重：没有列 {}；现有 {}",
    "weights: {} and {} both fit {}; name it in full": "权重：{} 与 {} 都适用于 {}；请写出完整列名",
    "weight of {} is {}; give a number above 0 (to do without the column, leave it out: --drop)":
        "{} 的权重为 {}；请给出大于 0 的数（不用该列时请略去：--drop）",
    "{}: weight of {} must be a number, found {}; write one line for each column: age = 2, or for "
    'a block: "channel:*" = 0.5': "{}：{} 的权重应为数字，现为 {}；每列写一行，如 age = 2；"
    '一组列写作 "channel:*" = 0.5',
    "{} holds the workshop in {}; name another folder": "{} 里已有 {} 版课程；请另给一个文件夹",
    "{} holds no workshop; lay it out with `kequn workshop start`": "{} 里没有课程；请先运行 "
    "`kequn workshop start`",
    "there is no chapter {}; there are {}": "没有第 {} 章；有 {}",
    "start lays out all chapters; CHAPTER goes with reset and release": "start 会写入所有章节；"
    "CHAPTER 只用于 reset 和 release",
    "release needs the chapter whose solution is to be added, such as 04": "release 要指明哪一章的"
    "答案，如 04",
    # wrong usage
    "argument {}: invalid choice: {} (choose from {})": "{}：没有 {}；可选：{}",
    "argument {}: expected one argument": "{}：缺少值",
    "argument {}: {}": "{}：{}",
    "the following arguments are required: {}": "缺少：{}",
    "unrecognized arguments: {}": "不认识的选项：{}",
    "{}; write 8, auto, 2:12 or 0=6,1=3": "{}；请写 8、auto、2:12 或 0=6,1=3",
    "{} clusters: a range starts from 2": "{}：范围从 2 开始",
    "{} clusters: at least 1": "{}：至少 1 个簇",
    "{} runs from low to high; write {}": "{} 应从小到大；请写 {}",
    "{}; write 0=6,1=3, a number for each group (no is 0, yes is 1)": "{}；请写 0=6,1=3，每组一个"
    "簇数（否为 0，是为 1）",
    "group {} has two numbers in {}": "{1} 中 {0} 组有两个簇数",
    "--k by group goes with --by COLUMN, the column that says the group": "按组给出的 --k 要与"
    "指明分组列的 --by 同用",
    "--dialect: no dialect {}; there are {}": "--dialect：没有方言 {}；可选：{}",
    "{} has no column {}; its columns: {}. Correct the name": "{} 没有列 {}；现有列：{}。"
    "请改正列名",
    "{} has no column {}; its columns: {}. Name the customer's column with --id": "{} 没有列 {}；"
    "现有列：{}。请用 --id 指出客户编号列",
    "{} names the customer; it cannot be left out (--drop)": "{} 是客户编号列，不能去掉（--drop）",
    "{} is declared as a category and left out (--drop); choose one": "{} 既列为类别又要去掉"
    "（--drop），请二选一",
    # groups and categories
    "numbers of clusters are compared for all customers, not by group: give k for each group (such "
    "as 0=6,1=3), or compare them on the customers of one group": "比较多个簇数只能对全部客户，不能"
    "按组：请为每组给出 k（如 0=6,1=3），或只对一组客户比较",
    "no column {} to group customers by; it takes a column of the model, of numbers or yes/no: {}":
        "没有可用来分组的列 {}；分组列须是模型中的数值列或是否列：{}",
    "no column {} to group customers by ({}); it takes a column of the model, of numbers or "
    "yes/no: {}": "没有可用来分组的列 {}（{}）；分组列须是模型中的数值列或是否列：{}",
    "{} holds words; groups (by) are told by numbers or yes/no: write each group as a number, such "
    "as 0 and 1": "{} 是文字列；分组列（by）须是数值或是否：请把各组写作数字，如 0 和 1",
    "{} customers have no {}, so they belong to no group to be clustered in (by): fill it in, or "
    "leave these customers out": "{} 名客户没有 {}，无法归组（by）：请补上，或去掉这些客户",
    "{} has one value only, so there is nothing to group by (by), or leave it as a column among "
    "others": "{} 只有一个值，无法分组（by）；可作普通列使用",
    "{} has {} values; each would be clustered separately (by), on few customers, so {} are the "
    "limit. Group the values into fewer, or leave it as a column among others": "{} 有 {} 个值，"
    "逐一单独聚类（by）则每组客户太少，上限为 {} 个；请合并取值，或作普通列使用",
    "k is given for {} = {}, the table has {}; give k for each of them, such as {}": "给出了 {} = "
    "{} 的 k，而表中有 {}；请逐一给出，如 {}",
    "k is given for {} = {}; write groups as numbers, such as 0=6,1=3 (no is 0, yes is 1)":
        "{} = {} 的 k：各组请写作数字，如 0=6,1=3（否为 0，是为 1）",
    "{} = {}: {} clusters; clustering starts from 2. Leave out the customers of the other groups "
    "to see one group alone": "{} = {}：{} 个簇；至少为 2。只看一组时，请去掉其他组的客户",
    "{} = {} has {} customers, too few for {} clusters of their own (at least {}): ask for fewer "
    "clusters there, leave these customers out, or cluster all together (without by)": "{} = {} 有 "
    "{} 名客户，不够单独分成 {} 个簇（至少 {} 名）：请减少该组簇数，去掉这些客户，或不分组"
    "（去掉 by）",
    "{} has {} levels, more than {}: group them (province instead of city), leave the column out "
    "(--drop), or, if they have an order, declare it": "{} 有 {} 个类别，多于 {} 个：请合并（如用省"
    "代替市），去掉该列（--drop），或有顺序的写明顺序",
    "{}: all levels are rare (fewer than {} of {} customers): group levels, or leave the column "
    "out (--drop)": "{0}：所有类别都太少（在 {2} 名客户中不足 {1} 名）：请合并类别，"
    "或去掉该列（--drop）",
    "{}: all levels are rare but {} (fewer than {} of {} customers): group levels, or leave the "
    "column out (--drop)": "{0}：除 {1} 外所有类别都太少（在 {3} 名客户中不足 {2} 名）："
    "请合并类别，或去掉该列（--drop）",
    "order of {} has a level twice: {}": "{} 的顺序中有重复的类别：{}",
    "order of {} lacks {}, which the data have ({} customers); it has {}. Add what lacks, where it "
    "belongs": "{} 的顺序缺少数据中有的 {}（{} 名客户）；现有 {}。请补在适当的位置",
    "{} mixes numbers and words ({}): write the numbers as missing or as words, or declare the "
    "order of all its levels": "{} 混有数字和文字（{}）：请把数字改为缺失或文字，"
    "或写明全部类别的顺序",
    # tables of Spark
    "customers: {} customers are there more than once, such as {}; keep one row of each":
        "customers：{} 位客户出现多次，如 {}；请每位只留一行",
    "{}: {} rows are of customers that the customer table lacks, such as {}; add these customers "
    "or leave the rows out": "{}：{} 行的客户不在客户表中，如 {}；请补上这些客户，或去掉这些行",
    "{}: the table has no rows; look at what it is read from": "{}：表中没有数据行；请检查来源",
    "k-means on the cluster (fit_on) searches all customers at once: by, categories, pull, a "
    "smallest size and a start at the signatures need the sample; leave out one of the two":
        "在集群上拟合（fit_on）时一次搜索全部客户：分组（by）、类别、pull、最小客群和从客群描述出发"
        "都要用样本，请二选一",
    "clusters of {} customers have none in the sample, so nothing is known of them: ask for fewer "
    "clusters (--k), or fit on the sample": "有 {} 位客户的簇在样本中没有客户，无从描述：请减少簇数"
    "（--k），或在样本上拟合",
    "Spark's k-means found {} clusters of the {} asked for: too few customers differ. Ask for "
    "fewer clusters (--k)": "Spark 的 k 均值只找到 {} 个簇（要求 {} 个）：不同的客户太少，"
    "请减少簇数（--k）",
    "this session has no k-means of Spark (pyspark.ml): {}; fit on a sample (fit_on={})":
        "此会话没有 Spark 的 k 均值（pyspark.ml）：{}；请在样本上拟合（fit_on={}）",
    # golden rows
    "(no row)": "（没有这一行）",
    "(no label)": "（没有标签）",
    "interrupted: nothing was written": "已中断：未写任何文件",
    "interrupted: nothing was written to {}": "已中断：未向 {} 写任何文件",
    "interrupted: the result in {} is complete": "已中断：{} 中的结果是完整的",
    "not enough memory; take fewer rows or columns, or a larger machine": "内存不足；请减少行或列，"
    "或换更大的机器",
    # the registry of segments, and versions of labels
    "the registry is damaged: {}, line {}, column {}: found {}, expected {}; restore the file":
    "客群登记已损坏：{}，第 {} 行，列 {}：内容为 {}，应为 {}；请恢复该文件",
    "the last run in the registry is of {}, this one of {}: months are run in their order (or name "
    "another registry)": "登记中最近一次是 {}，本次是 {}：各月须按先后运行（或另用一个登记文件夹）",
    "segment {} has ended; those that live: {}": "客群 {} 已终止；有效的客群：{}",
    "segment {} is unknown; those that live: {}": "没有客群 {}；有效的客群：{}",
    "{} is the name of {}; give each segment its own, or merge the two": "{} 是 {} 的名称；"
    "每个客群须有自己的名称，或将两者合并",
    "{} is no name: letters, digits, signs and blanks": "{} 不能作名称：请用文字、数字、符号和空格",
    "--date {} lies in the future; today is {}": "--date {} 在将来；今天是 {}",
    "{} cannot be merged with itself": "{} 不能与自己合并",
    "the first run": "首次运行",
    "the pair that shares the most of all pairs together": "全部配对合计时共同客户最多的一对",
    "most of its customers belong to no one earlier segment": "多数客户不属于任何一个原客群",
    "its customers are in no one segment of this run, or left": "其客户已分散到各客群，或已离开",
    "most of its customers came out of this segment": "多数客户出自该客群",
    "most of its customers went into this segment": "多数客户转入该客群",
    "few customers in common: the nearest centres of all pairs together ({} standard deviations)":
    "共同客户很少：按全部中心的最近配对（相距 {} 个标准差）",
    "few customers in common: no earlier centre is near ({} standard deviations)": "共同客户很少："
    "没有相近的原中心（相距 {} 个标准差）",
    "few customers in common: no centre of this run is near ({} standard deviations)": "共同客户"
    "很少：本次没有相近的中心（相距 {} 个标准差）",
    "named in the run": "运行时命名",
    "{} lies before the last run, of {}": "{} 早于最近一次运行（{}）",
    "{} holds no registry: no registry.json in it": "{} 中没有客群登记（无 registry.json）",
    "names are kept from a registry or from a previous result; give one": "名称沿用登记"
    "或上次的结果，只能给一个",
    "{} takes {} after the folder": "{} 在文件夹之后应写：{}",
    "{} needs --reason: why; it is kept in the registry": "{} 须用 --reason 说明原因，"
    "原因会记入登记",
    "{}, line {}: customer_id {} was a number with decimals ({} such ids): digits may be lost. "
    "Export the ids as text": "{}，第 {} 行：客户编号 {} 曾是带小数的数"
    "（共 {} 个），可能已丢位；请以文本导出编号",
    "there is one segment only: nothing decides between two": "只有一个客群，无从比较",
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
