"""``python data/make_readme.py > data/README.md``: the data sheet of the kit's data."""

from __future__ import annotations

import sys

import pandas as pd

from kequn_lab import catalogue
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
from kequn_lab.synth.bank import Bank, make_bank
from kequn_lab.synth.calibration import calibration_table
from kequn_lab.synth.datasheet import OUTCOMES, TRUTH, column_table
from kequn_lab.synth.population import parameter_table

_HEAD = """# Data

Made by `python data/make_readme.py > data/README.md`; the tables below come from the code.
The form follows *Datasheets for Datasets* (Gebru and others, 2021).

| folder | what | made by |
| --- | --- | --- |
| `catalogue/` | the article as tables, with its own words | hand |
| `catalogue/population/` | every number of the synthetic bank, and its source | hand |
| `mappings/` | words of other banks' files → ours | hand |
| `sample/` | a synthetic bank of 2,000 customers | `make sample` |
| `generated/`, `output/` | what you make; git ignores them | you |

# The synthetic bank

> **Circular.** The segments of this bank were written by the authors of the features that find
> them. Whoever writes both can reach any score. A score on this bank shows that a method works
> where the truth is known; it is no evidence about a real bank. The preset `sealed` is for one
> last check: nothing in the kit is tuned on it.

## Motivation

Real customers of a bank may not be shared. This bank stands in for them, so that the course can
be taken, the code tested, and a method judged against segments that are known. It is generated
from stated distributions alone; no model was fitted to anybody's data.

## Composition

Five tables. `customers`, `events` and `holdings` are what a bank has; `truth` and `outcomes` are
what no bank has, and lie apart. No row describes a real person, firm, account or payment. Ids are
`SYN` and ten digits, counterparties `SYNP` and five digits. Values that are missing mean
something: a business has no risk class; who was never assessed has none either; minutes and help
belong to the counter.
"""

_PROCESS = """
## Process

1. A segment is drawn by the weights of the bank's profile, and for hybrids a second one that the
   first overlaps with. All parameters lie between the two: logarithms, logits and log shares are
   mixed with the weight of the first (0.52 to 0.90).
2. Four correlated latents (size, activity, digital, safety) come from a Gaussian copula; older
   customers are less digital.
3. Columns follow from families: truncated normal ages, lognormal money, softmax mixes, logits.
4. Products: a hurdle per product, a logistic-normal split of the assets, then minimums and steps
   (a large CD is 0 or at least 200,000 CNY, for institutions 10,000,000). Balances add up to the
   assets to the fen. What is held is credited at each maturity and bought again for the same
   amount; each is an event. Parts of what is held mature in between and are bought again within
   days. Loans are paid out, then paid back monthly with interest.
5. Events: a Poisson number each month, by the segment's seasons; type, channel, day, hour and
   amount by the customer's own mix. Cash needs a counter, a machine or an agent; counters are
   open from 9 to 17. Not all customers use the mobile bank, the web bank, third-party payment.
6. Habits: see below. Wages and pensions, standing orders, taxes, holidays.
7. Balances follow from events. What was on the account before the events is today's balance less
   what came in and went out since, to the fen, and never below 0: a month's free spending is made
   smaller or larger, so that the account comes near its usual balance and stays within 0.3 to 3
   times that. Past months are drawn back from the first bank's day, later ones onwards. Within a
   month an account may be overdrawn for some days.
8. Later months: customers age (and leave the young), open, fade and close; a dial sets the drift
   (`none`, `mild`, `new_segment`, `segment_leaving`).
9. Outcomes: the answer to an offer, with and without a call; default within a year; closing.

The habits, each with its source:

- **Payday**: income of most persons comes monthly on their day (5 to 15), where that is no
  working day on the last one before. Source: 工资支付暂行规定, article 7: at least monthly, on
  the agreed day, earlier when it is a holiday; which days is an assumption.
- **Equal pay**: the same wage to the fen, a rise once a year (4 % in the mean). Assumption.
- **Bonus**: 0.75 to 2.25 monthly wages, 5 to 20 days before Spring Festival. Assumption.
- **Pension**: from 60; on a day from 5 to 14, a rise in July. Assumption.
- **Standing orders**: rent or a relative, utilities, phone: the same amount and payee, 1 to 5
  days after the payday, run by the bank from 1 to 6 h. Assumption.
- **Cash**: whole hundreds; transfers of persons often, too. Assumption: machines pay out notes of
  100.
- **Holidays**: New Year, Spring Festival, Labour Day, National Day are no working days. Source:
  全国年节及纪念日放假办法; lunar dates of the Hong Kong Observatory.
- **Closed counters**: the legal days of Spring Festival, 1 to 3 October. Assumption.
- **Taxes**: half of a firm's tax and payroll events are taxes in the days up to the 15th, later
  when it is a holiday; the rest its payday. Source: 增值税暂行条例, article 23: within 15 days
  after the period; 税收征管法实施细则, article 109; the half is an assumption.
- **Night**: 3 % of the events without hands from 0 to 7 h. Assumption.
- **Maturities**: the principal is credited from 9 to 10 h and bought again the same day.
  Assumption; no interest is paid.

`python benchmarks/realism.py` measures the habits, and how well a tree tells this bank's
transactions from those of a real one.

Every number lies in `catalogue/population/`, and `sources.csv` says where it comes from:

{basis}

One stream of random numbers per block of columns and 10,000 customers: the same version and seed
give the same files for any chunk and any number of workers (on one machine and one numpy; other
processors may differ in the last digit).

## Calibration

Measured on a bank of {customers} customers (`state_big`, `standard`, seed {seed}):
{met} of {all} figures are met. `least` and `most` are one-sided.

{calibration}

Misses that stand:

{misses}

What was changed against the trial of this population, and why: firms held 3.9 times the persons'
deposits, so their assets and their share of the customers were cut; wealth products were held by
17.7 % of the persons, so the hurdles were lowered; income fifths are measured without sole
proprietors, whose turnover is no income; consumer loans were 12,000 CNY, so the principals were
cut; loan parameters are principals now, since a schedule leaves a part of them as balance; loan
events follow the schedules and no longer a share of all events; the number of events is Poisson
in each month, so that windows of any length agree; a hurdle for online use was added, because
half of those over 60 are not online; since wages are equal, incomes of a segment differ more
between persons (`inflow_sd`), and transfers are larger against payments.

## Uses

Teaching, tests, demonstrations, speed measurements, power calculations for a design. Not for: a
statement about customers of any bank, the size of a market, credit decisions, or choosing between
methods for a real bank without its data.

## Limits

- Weights of segments, channel mixes and seasons are teaching choices. Firms and
  structured-deposit customers are more frequent than in the country.
- `is_business` and the structured deposit nearly define their segments. The taxonomy mixes axes:
  a product, ages, legal forms.
- Income is an earner's, not a household member's. No interest is paid on deposits.
- No network between customers, no prices, no fraud. Weekends that are made working days, and
  holidays of one day by the sun or moon, are left out.
- Products the article names but that ended (tiered and smart deposits, guaranteed wealth
  products) are not sold by this bank.

## Distribution and maintenance

Under the licence of the kit. A change of the generator that changes a bank raises its version,
which stands in every file. Parquet metadata: `synthetic`, `generator`, `n_customers`,
`random_state`, `as_of`, `months`, `preset`, `profile`.

# The catalogue

Each table is `catalogue/NAME.csv`; every `quote_zh` is the article's own text.

## A catalogue of your own

For `kequn run --catalogue FOLDER` two files are enough, in any encoding:

```
segments.csv              signatures.csv
id,zh,en                  segment,feature,level
vip,贵宾,VIPs             vip,points,1.5
sleeper,沉睡客户,Sleepers  sleeper,visits,-1
```

A level is where the segment's mean should lie, in standard deviations of the column from the mean
of all customers; a segment needs at least three features of your table, and those marked
`essential` (a fourth column) must be there and agree, or nobody gets its name. Columns with a
default in [catalogue/columns.csv](catalogue/columns.csv) may be absent. So may all other tables:
without `target_groups` no groups are compared, without `criteria` and `weights` there is no
decision.
"""


def readme(bank: Bank) -> str:
    """``data/README.md`` as Markdown; ``bank`` is what the calibration is measured on."""
    table = calibration_table(bank)
    missed = table[~table["met"]]
    head, tail = _PROCESS.split("# The catalogue")
    body = head.format(
        basis="\n".join(_basis()),
        customers=f"{len(bank.customers):,}",
        seed=bank.recipe.seed,
        met=int(table["met"].sum()),
        all=len(table),
        calibration="\n".join(_calibration(table)),
        misses="\n".join(f"- {r.meaning}: {r.reason}." for r in missed.itertuples()),
    )
    lines = [_HEAD]
    for contract in (CUSTOMERS, EVENTS, HOLDINGS, TRUTH, OUTCOMES):
        lines += [f"### {contract.name}\n", *column_table(contract), ""]
    lines += [body.strip("\n"), "", "# The catalogue" + tail]
    for name, contract in catalogue.contracts().items():
        lines += [f"### {name}\n", *column_table(contract), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _basis():
    counts = parameter_table()["basis"].value_counts()
    meaning = {
        "article": "the article says so, or its words give the direction",
        "calibrated": "set by a published figure",
        "assumption": "invented",
    }
    yield "| source | numbers | |"
    yield "| --- | ---: | --- |"
    for basis, text in meaning.items():
        yield f"| {basis} | {counts[basis]} | {text} |"


def _calibration(table: pd.DataFrame):
    yield "| figure | bank | target | tolerance | side | unit | met | source |"
    yield "| --- | ---: | ---: | ---: | --- | --- | --- | --- |"
    for r in table.itertuples():
        value, target, tolerance = (f"{x:,.4g}" if x < 1e4 else f"{x:,.0f}"
                                    for x in (r.value, r.target, r.tolerance))  # fmt: skip
        year = "" if pd.isna(r.year) else f" ({r.year:.0f})"
        met = "yes" if r.met else "**no**"
        yield (
            f"| {r.meaning} | {value} | {target} | {tolerance} | {r.side} | {r.unit} | {met} "
            f"| {r.source}{year} |"
        )


if __name__ == "__main__":
    sys.stdout.write(readme(make_bank(20_000, random_state=0)))
