"""What sources of leads require, and the limits of imports: settings and pure logic."""

from dataclasses import dataclass
from functools import lru_cache

from crm_core.wording import words

REQUIRABLE = ("name", "company", "title", "phone", "mobile", "landline", "wechat_id", "email", "region", "need", "amount")
"""What a source can ask for; "phone" is a mobile or a landline."""
ON_DUPLICATE = ("merge", "skip", "overwrite", "ask")


@dataclass(frozen=True, slots=True)
class SourceRule:
    """`[[leads.sources]]`: one source of leads (来源), the other words for it, and what a lead from it must have."""

    name: str
    aliases: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        unknown = [field for field in self.requires if field not in REQUIRABLE]
        found = [] if self.name.strip() else [("name", "不能为空")]
        return [*found, ("requires", f"只能用 {'、'.join(REQUIRABLE)}")] if unknown else found


@dataclass(frozen=True, slots=True)
class LeadSettings:
    """`[leads]`: what leads must have, by source."""

    sources: tuple[SourceRule, ...] = ()
    """The sources with what each requires, and the words that mean the same."""
    known_sources_only: bool = False
    """Whether a source that is not listed is a mistake."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        names = [word for rule in self.sources for word in (rule.name, *rule.aliases)]
        doubled = sorted({name for name in names if names.count(name) > 1})
        return [("sources", f"来源写了两次：{'、'.join(doubled)}")] if doubled else []

    def source(self, text: str) -> tuple[str, SourceRule | None]:
        """Tell the one spelling of a source, and its rule if there is one."""
        said = words(text)
        rule = _by_word(self.sources).get(said.casefold())
        return (rule.name, rule) if rule else (said, None)


@lru_cache(maxsize=16)
def _by_word(sources: tuple[SourceRule, ...]) -> dict[str, SourceRule]:
    return {words(word).casefold(): rule for rule in sources for word in (rule.name, *rule.aliases)}


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """`[imports]`: what a table may be like, and what is done with rows that are there already."""

    on_duplicate: str = "merge"
    """merge: fill what is empty; skip; overwrite: the table wins; ask: a person decides in the cleaning queue."""
    make_customers: bool = True
    """Whether a contact's company that is not there yet is made a customer."""
    max_file_mib: int = 100
    """The biggest file that is taken."""
    max_unpacked_mib: int = 2048
    """What a workbook may unpack to; counted while it is unpacked."""
    max_rows: int = 2_000_000
    """The most rows of one table."""
    reader_memory_mib: int = 1024
    """What the process that reads a table may hold."""
    reader_seconds: int = 600
    """How much time of a processor it may take."""
    keep_days: int = 7
    """How long files that wait for a word are kept."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if self.on_duplicate in ON_DUPLICATE else [("on_duplicate", f"只能是 {'、'.join(ON_DUPLICATE)}")]
        numbers = ("max_file_mib", "max_unpacked_mib", "max_rows", "reader_seconds", "keep_days")
        found += [(key, "不能为 0") for key in numbers if not getattr(self, key)]
        return found if self.reader_memory_mib >= 256 else [*found, ("reader_memory_mib", "不能小于 256")]
