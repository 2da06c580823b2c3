"""The vocabulary that the assistant recognizes in questions."""

from __future__ import annotations

import re
from dataclasses import dataclass


def _split(text: str) -> list[str]:
    return text.split()


AGGREGATES = {
    "sum": "sum", "total": "sum", "overall": "sum", "combined": "sum", "summed": "sum", "sums": "sum", "totals": "sum",
    "average": "avg", "avg": "avg", "mean": "avg", "averages": "avg", "typical": "avg",
    "maximum": "max", "max": "max", "minimum": "min", "min": "min",
    "median": "median", "count": "count", "counts": "count", "tally": "count",
}  # fmt: skip
# A superlative implies a sort direction, and can also imply a quantity.
SUPERLATIVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "highest": ("max", ()), "largest": ("max", ()), "biggest": ("max", ()), "greatest": ("max", ()),
    "most": ("max", ()), "lowest": ("min", ()), "smallest": ("min", ()), "least": ("min", ()), "fewest": ("min", ()),
    "heaviest": ("max", ("weight", "mass")), "lightest": ("min", ("weight", "mass")),
    "cheapest": ("min", ("cost", "price", "amount")), "dearest": ("max", ("cost", "price", "amount")),
    "costliest": ("max", ("cost", "price", "amount")), "richest": ("max", ("balance", "income")),
    "longest": ("max", ("length", "duration")), "shortest": ("min", ("length", "duration")),
    "latest": ("max", ("#time",)), "newest": ("max", ("#time",)), "recent": ("max", ("#time",)),
    "oldest": ("min", ("#time",)), "earliest": ("min", ("#time",)),
}  # fmt: skip
UNITS = {
    "year": "year", "yearly": "year", "annual": "year", "annually": "year", "quarter": "quarter",
    "quarterly": "quarter", "month": "month", "monthly": "month", "week": "week", "weekly": "week",
    "day": "day", "daily": "day",
}  # fmt: skip
MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
NUMBERS = {
    word: number
    for number, word in enumerate(_split("one two three four five six seven eight nine ten eleven twelve"), 1)
} | {"twenty": 20, "fifty": 50, "hundred": 100}
# Each word for a quantity or property is mapped to the column names that can represent it.
SYNONYMS = {
    "spent": ("amount", "cost", "price"), "spend": ("amount", "cost", "price"), "spending": ("amount", "cost"),
    "costing": ("cost", "price"), "costs": ("cost", "price"), "price": ("price", "cost", "amount"),
    "debt": ("balance",), "owed": ("balance",), "owe": ("balance",), "owing": ("balance",), "owes": ("balance",),
    "worth": ("amount", "value"), "revenue": ("amount",), "value": ("amount", "value"), "sales": ("amount",),
    "weighing": ("weight",), "weighs": ("weight",), "postcode": ("zipcode",), "postal": ("zip",),
    "zip": ("zipcode", "zip"), "zips": ("zipcode",), "surname": ("family", "lastname"), "firstname": ("given",),
    "type": ("category", "type"), "kind": ("category", "type"), "town": ("city",), "expensive": ("cost", "price"),
    "location": ("city", "state"), "apr": ("interestrate",),
}  # fmt: skip
STATES = dict(
    pair.split("=")
    for pair in _split(
        "alabama=AL alaska=AK arizona=AZ arkansas=AR california=CA colorado=CO connecticut=CT delaware=DE florida=FL "
        "georgia=GA hawaii=HI idaho=ID illinois=IL indiana=IN iowa=IA kansas=KS kentucky=KY louisiana=LA maine=ME "
        "maryland=MD massachusetts=MA michigan=MI minnesota=MN mississippi=MS missouri=MO montana=MT nebraska=NE "
        "nevada=NV ohio=OH oklahoma=OK oregon=OR pennsylvania=PA tennessee=TN texas=TX utah=UT vermont=VT virginia=VA "
        "washington=WA wisconsin=WI wyoming=WY new_york=NY new_jersey=NJ new_mexico=NM new_hampshire=NH "
        "north_carolina=NC south_carolina=SC north_dakota=ND south_dakota=SD rhode_island=RI west_virginia=WV"
    )
)
# Each phrase is mapped to its mark.
PHRASES: dict[str, str] = {
    "as a percentage of": "RATIO%", "as percentage of": "RATIO%", "as a percent of": "RATIO%",
    "as a share of": "RATIO%", "in percent of": "RATIO%", "relative to": "RATIO", "divided by": "RATIO",
    "as a fraction of": "RATIO", "over the": "RATIO?",
    "how many": "COUNT", "number of": "COUNT", "count of": "COUNT", "how much": "SUM",
    "in percent": "SHARE", "what percentage": "SHARE", "what percent": "SHARE", "percentage": "SHARE",
    "percent": "SHARE", "share": "SHARE", "proportion": "SHARE", "fraction": "SHARE", "%": "SHARE",
    "for each": "BY", "for every": "BY", "in each": "BY", "in every": "BY", "of each": "BY", "grouped by": "BY",
    "group by": "BY", "broken down by": "BY", "split by": "BY", "by": "BY", "per": "BY", "each": "BY",
    "across": "BY",
    "more than": ">", "greater than": ">", "larger than": ">", "higher than": ">", "bigger than": ">",
    "heavier than": ">", "over": ">", "above": ">", "exceeding": ">", "exceeds": ">", "less than": "<",
    "fewer than": "<", "smaller than": "<", "lower than": "<", "cheaper than": "<", "lighter than": "<",
    "under": "<", "below": "<", "at least": ">=", "no less than": ">=", "or more": ">=post", "at most": "<=",
    "no more than": "<=", "up to": "<=", "or less": "<=post", "equal to": "=", "exactly": "=", ">=": ">=", "<=": "<=",
    ">": ">", "<": "<", "=": "=",
    "between": "BETWEEN", "after": "AFTER", "since": "SINCE", "before": "BEFORE", "until": "UNTIL",
    "later than": "AFTER", "earlier than": "BEFORE",
    "not": "NOT", "aren't": "NOT", "isn't": "NOT", "except": "NOT", "excluding": "NOT", "other than": "NOT",
    "without a": "NULL", "without an": "NULL", "without any": "NULL", "without": "NULL", "with no": "NULL",
    "missing": "NULL", "lacking": "NULL", "have no": "NULL", "has no": "NULL",
    "distinct": "DISTINCT", "different": "DISTINCT", "unique": "DISTINCT",
    "top": "TOP", "first": "FIRST", "bottom": "BOTTOM", "ordered by": "ORDER", "sorted by": "ORDER",
    "order by": "ORDER", "sort by": "ORDER", "ranked by": "ORDER", "highest first": "DESC", "largest first": "DESC",
    "descending": "DESC", "lowest first": "ASC", "smallest first": "ASC", "ascending": "ASC",
    "newest first": "DESC", "oldest first": "ASC",
    "as columns": "COLUMNS", "as the columns": "COLUMNS", "as rows": "ROWS", "as the rows": "ROWS",
    "columns represent": "COLUMNS>", "columns are": "COLUMNS>", "columns show": "COLUMNS>", "columns for": "COLUMNS>",
    "rows represent": "ROWS>", "rows are": "ROWS>", "rows show": "ROWS>", "rows for": "ROWS>",
    "column for each": "COLUMNS>", "a column for every": "COLUMNS>", "column per": "COLUMNS>",
    "pivot table": "PIVOT", "pivot": "PIVOT", "cross tab": "PIVOT", "crosstab": "PIVOT",
    "and": "AND", "or": "OR", ",": "AND", "&": "AND",
    "is": "IS", "are": "IS", "was": "IS", "were": "IS",
    "as of": "ASOF", "at snapshot": "SNAPSHOT", "in snapshot": "SNAPSHOT", "snapshot": "SNAPSHOT",
    "at version": "SNAPSHOT", "version": "SNAPSHOT", "snapshots": "SNAPSHOTS", "history of changes": "SNAPSHOTS",
    "last": "LAST", "past": "LAST", "this": "THIS", "today": "TODAY", "yesterday": "YESTERDAY",
    "from": "FROM", "to": "TO", "in": "IN", "on": "IN", "during": "IN",
}  # fmt: skip
# Stop words. A question has the same meaning without them.
EMPTY = frozenset(
    _split(
        "a an the of for with which what who whose that there their its it me us i we you please show list give get "
        "find "
        "display tell calculate compute return see want need would like can could do does did has have had been be "
        "being "
        "made make came come did also then all any every where when here only just named called named respectively "
        "corresponding table rows row columns column represent represents values records record entries entry data "
        "current outstanding at into their they them our my your out broken down some result results as s "
        "query sql write select generate report chart plot belonging having located together along well respective "
        "same many much gave say says happen happened occurred how amounts"
    )
)
# A question with one of these words may ask for something other than reading the lab's tables, so the offline
# backend refuses it.
FORBIDDEN = re.compile(
    r"\b(drop|delete|remove|erase|destroy|wipe|purge|update|insert|alter|create|truncate|grant|revoke|unload|copy|merge|"
    r"vacuum|optimi[sz]e|rename|replace|overwrite|modify|msck|execute|exec|deallocate|prepare|call|import|export|upload|"
    r"download|install|attach|pragma|load|ignore|disregard|forget|pretend|jailbreak|override|bypass|password|passwd|"
    r"secret|secrets|credentials?|token|instructions?|prompt|union|information_schema|read_csv|read_parquet|read_text|"
    r"glob|shell|bash|python|eval|system|admin|sudo|file|files|disk|directory|environment|database|databases|catalog|"
    r"schema|schemas|everyone|everybody)\b",
    re.IGNORECASE,
)
SUSPICIOUS = re.compile(
    r";|--|/\*|\*/|://|\$\(|`|\\|<\w|\bselect\b.*\bfrom\b|(?:^|\s)[~/.]+/?\w+/|\b[a-z_]\w*\.[a-z_]\w*", re.I
)


@dataclass(frozen=True)
class Word:
    """A word in a question."""

    text: str

    @property
    def lower(self) -> str:
        """The word in lowercase."""
        return self.text.lower()

    @property
    def stem(self) -> str:
        """The word's singular form."""
        return singular(self.lower)


def singular(word: str) -> str:
    """Return a noun's singular form if its ending reveals it. Otherwise, return the noun unchanged."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("uses", "sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


_WORDS = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)?|\d[\d,]*\d(?:\.\d+)?(?![\w])"
    r"|\d+(?:\.\d+)?(?![\w])"
    r"|\"[^\"]+\"|'[^']+'(?!\w)|[^\W_][\w'’-]*|>=|<=|[<>=,&%]"
)


def words(question: str) -> list[Word]:
    """Split a question into words, numbers, dates, quoted strings and symbols."""
    return [Word(re.sub(r"[’']s$", "", text)) for text in _WORDS.findall(question)]
