"""The articles of the images: article types, journals and years (Tables S1 and S5, Figures S1 and S2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from roco.evaluate.report import paper, publication_types
from roco.evaluate.report.by_split import UNKNOWN, first_of, share
from roco.evaluate.report.content import Compared, Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars, Years
from roco.evaluate.report.render import Cell, ReportTable

TOP_JOURNALS = 100
PLOTTED = 25
_NOT_WORDS = re.compile(r"[^\w&]+")


def article_types(inputs: Inputs) -> Content:
    """Distinct articles and images by article type, as the publisher states it in the XML (JATS attribute
    article-type, such as case-report)."""
    types = [name or UNKNOWN for name in inputs.values("article_type")]
    of_article = first_of(inputs.article_of, types)
    articles, images = Counter(of_article.values()), Counter(types)
    order = sorted(articles, key=lambda name: (name == UNKNOWN, -articles[name], name))
    rows: list[tuple[Cell, ...]] = []
    for name in order:
        rows.append((name, articles[name], share(articles[name], len(of_article)), images[name]))
    title = "Articles by JATS article type"
    plot = Bars(
        name="article-types",
        title=title,
        alt=f"Bar chart, {title}: {', '.join(f'{name} {articles[name]:,}' for name in order)}.",
        labels=order,
        series={"articles": [articles[name] for name in order]},
        axis="articles",
    )
    return Content(tables=(ReportTable(title, ("article type", "articles", "share", "images"), rows),), plots=(plot,))


def table_s1(inputs: Inputs) -> Content:
    """Distinct articles by publication type, as MEDLINE gives it (roco fetch pubmed); an article may have several.
    Types of a single article are omitted, as in the paper. Without MEDLINE, article types of the XML are counted."""
    if inputs.pubmed is None:
        content = article_types(inputs)
        note = "No table of roco fetch pubmed: these are the article types of the XML (JATS), one for each article."
        return replace(content, plots=(), notes=(note, *content.notes))
    counted = publication_types.count_types(inputs.pubmed, inputs.article_of)
    shown = counted.shown
    plot = Bars(
        name="table-s1",
        title="Articles by publication type",
        alt=f"Bar chart of the articles by publication type: {', '.join(f'{one} {n:,}' for one, n in shown.items())}.",
        labels=list(shown),
        series={"articles": list(shown.values())},
        axis="articles",
    )
    expected = publication_types.expected()
    compared = [Compared(name, counted.counts.get(name, 0), f"{number:,}") for name, number in expected.items()]
    without = Compared("articles without types", counted.without, f"{publication_types.PAPER_WITHOUT:,}")
    return Content(
        tables=(counted.as_report(),),
        plots=(plot,) if shown else (),
        compared=(*compared, without),
        notes=(f"Known of the paper: {publication_types.NOTE}.",),
    )


def table_s5(inputs: Inputs) -> Content:
    """The 100 journals with most articles; an article (PMCID) counts once, whatever the number of its images. Names
    are compared with the paper's without case, punctuation and a leading 'The'."""
    journals = first_of(inputs.article_of, inputs.values("journal"))
    if not journals:
        raise NotAvailable("no article has a journal")
    counts = Counter(journals.values())
    articles = len(set(inputs.article_of))
    top = sorted(counts, key=lambda name: (-counts[name], name))[:TOP_JOURNALS]
    rows: list[tuple[Cell, ...]] = []
    for rank, name in enumerate(top, 1):
        rows.append((rank, name, counts[name], share(counts[name], articles)))
    title = f"The {len(top)} journals with most articles"
    plot = Bars(
        name="table-s5",
        title=title,
        alt=f"Bar chart of the articles by journal; the first is {top[0]} with {counts[top[0]]:,} articles.",
        labels=top[:PLOTTED],
        series={"articles": [counts[name] for name in top[:PLOTTED]]},
        axis="articles",
    )
    notes = [
        f"Journals in total: {len(counts):,}. Articles of those in the table: {_sum(counts, top):,} of {articles:,}."
    ]
    if len(journals) < articles:
        notes.append(f"{articles - len(journals):,} articles have no journal.")
    return Content(
        tables=(ReportTable(title, ("rank", "journal", "articles", "share"), rows),),
        plots=(plot,),
        compared=paper.compared("Table S5", _beside_the_paper(counts, _sum(counts, top))),
        notes=tuple(notes),
    )


def _sum(counts: Counter[str], names: Iterable[str]) -> int:
    return sum(counts[name] for name in names)


def _beside_the_paper(counts: Counter[str], of_top: int) -> dict[str, Cell]:
    """Returns our articles of each journal of the paper; two spellings of one name count together."""
    ours: Counter[str] = Counter()
    for name, number in counts.items():
        ours[_comparable(name)] += number
    known = [row for row in paper.values("Table S5") if row != "the 100 rows"]
    found: dict[str, Cell] = {row: ours[_comparable(row)] for row in known}
    return found | {"the 100 rows": of_top}


def _comparable(name: str) -> str:
    words = _NOT_WORDS.sub(" ", name.casefold().replace("&", " and ")).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def figure_s1(inputs: Inputs) -> Content:
    """Distinct articles by year of publication, the earliest of electronic, collection and print publication;
    absolute, and relative to all articles with a year."""
    year_of: dict[str, int] = first_of(inputs.article_of, inputs.years)
    if not year_of:
        raise NotAvailable("no article has a year")
    counts = Counter(year_of.values())
    years = list(range(min(counts), max(counts) + 1))
    shares = [100 * counts[year] / len(year_of) for year in years]
    peak = max(years, key=lambda year: (counts[year], -year))
    alt = f"Line chart of the articles by year, {years[0]} to {years[-1]}; most are of {peak}: {counts[peak]:,}."
    rows: list[tuple[Cell, ...]] = [(str(year), counts[year], counts[year] / len(year_of)) for year in years]
    ours: dict[str, Cell] = {
        "first year": str(years[0]),
        "last year": str(years[-1]),
        "year with most articles": str(peak),
        "articles in that year": counts[peak],
    }
    absolute = Years(
        name="figure-s1", title="Articles by year", alt=alt, years=years,
        series={"articles": [counts[year] for year in years]},
    )  # fmt: skip
    relative = Years(
        name="figure-s1-relative", title="Share of the articles by year", alt=alt, years=years,
        series={"share": shares}, counted="% of the articles",
    )  # fmt: skip
    unknown = len(set(inputs.article_of)) - len(year_of)
    return Content(
        tables=(ReportTable("Articles by year", ("year", "articles", "share"), rows),),
        plots=(absolute, relative),
        compared=paper.compared("Figure S1", ours),
        notes=(f"{unknown:,} articles have no year.",) if unknown else (),
    )


def figure_s2(inputs: Inputs) -> Content:
    """Articles by year whose licence forbids derivatives (ND) or demands the same licence (SA), which the paper does
    not use; relative to all articles of that year that were read. An article with both counts in both."""
    if inputs.articles is None:
        return _licenses_of_funnel(inputs)
    read: Counter[int] = Counter()
    of_license: dict[str, Counter[int]] = {"ND": Counter(), "SA": Counter()}
    for row in inputs.articles.to_pylist():
        if row["year"] is None:
            continue
        read[row["year"]] += 1
        for condition in _conditions(row["license"]):
            of_license[condition][row["year"]] += 1
    if not any(counts for counts in of_license.values()):
        raise NotAvailable("no article that was read has a licence with ND or SA")
    years = list(range(min(read), max(read) + 1))
    rows: list[tuple[Cell, ...]] = []
    for year in years:
        nd, sa = (of_license[condition][year] for condition in ("ND", "SA"))
        rows.append((str(year), nd, sa, share(nd, read[year]), share(sa, read[year]), read[year]))
    both = {year: of_license["ND"][year] + of_license["SA"][year] for year in years}
    peak = max(years, key=lambda year: (both[year], -year))
    alt = f"Line chart of the articles with ND and with SA licences by year; most are of {peak}: {both[peak]:,}."
    names = {"ND": "no derivatives (ND)", "SA": "share alike (SA)"}
    absolute = Years(
        name="figure-s2", title="Articles with ND and SA licences by year", alt=alt, years=years,
        series={name: [of_license[one][year] for year in years] for one, name in names.items()},
    )  # fmt: skip
    relative = Years(
        name="figure-s2-relative", title="Share of ND and SA licences by year", alt=alt, years=years,
        series={
            name: [100 * (share(of_license[one][year], read[year]) or 0) for year in years]
            for one, name in names.items()
        },
        counted="% of the articles read",
    )  # fmt: skip
    columns = ("year", "ND", "SA", "share of ND", "share of SA", "articles read")
    return Content(
        tables=(ReportTable("Articles with ND and SA licences by year", columns, rows),),
        plots=(absolute, relative),
        compared=paper.compared("Figure S2", {"year with most articles": str(peak)}),
    )


def _conditions(license: str | None) -> list[str]:
    parts = (license or "").split("-")
    return [condition for condition in ("ND", "SA") if condition in parts]


def _licenses_of_funnel(inputs: Inputs) -> Content:
    """Returns the articles by licence without years: a release alone does not record the years of dropped figures."""
    licenses: Counter[str] = Counter()
    for key, number in inputs.funnel.get("counts", {}).items():
        if key.startswith("license "):
            licenses[key.removeprefix("license ").split(" | ")[0]] += number
    if not licenses:
        raise NotAvailable("the funnel has no licences of the articles that were read")
    read = sum(licenses.values())
    rows: list[tuple[Cell, ...]] = []
    for name in sorted(licenses, key=lambda name: (-licenses[name], name)):
        rows.append((name, licenses[name], licenses[name] / read, ", ".join(_conditions(name))))
    columns = ("licence", "articles read", "share", "of Figure S2")
    return Content(
        tables=(ReportTable("Articles that were read, by licence", columns, rows),),
        notes=(
            "A release has no years of dropped articles: only the report of a run folder has the articles by year.",
        ),
    )
