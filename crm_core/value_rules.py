"""What a customer is worth (客户价值): four sides, a grade, and the rhythm of contact; settings and rules, pure.

Profit (past and potential), influence (industry, region), credit (payment, overdue), loyalty (share, products, seasons).
Reading order: the settings, `Inputs`, `evaluate`, `Rhythm`.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

GRADES = ("A", "B", "C", "D")
SIDES = {"profit": "利润", "influence": "影响力", "credit": "信用", "loyalty": "忠诚度"}
UNKNOWN = 50
"""Points of a side of which nothing is known."""
ANY = "*"
GREETINGS = ("festival", "birthday")
GOOD_DAYS, BAD_DAYS = 30, 120
"""Paid within the first: full credit; after the second: none."""
SEASONS = 4


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One cell of the grid life cycle x value: every so many days, with this greeting policy."""

    life_cycle: str = ANY
    value: str = ANY
    every_days: int = 30
    greeting: str = ""
    greetings: tuple[str, ...] = ("festival", "birthday")
    """The greetings of plans those in this cell get; without any they get none."""


DEFAULT_RHYTHMS = (
    Rhythm("lost", ANY, 180, "只发节日问候", ("festival",)),
    Rhythm("dormant", "A", 14, "专人唤醒，附回访优惠"),
    Rhythm("dormant", ANY, 60, "节日问候加唤醒话术"),
    Rhythm("loyal", "A", 14, "生日、节日专属问候，新品优先"),
    Rhythm("loyal", ANY, 30, "生日、节日问候"),
    Rhythm("user", "A", 14, "生日、节日专属问候"),
    Rhythm("user", "B", 30, "生日、节日问候"),
    Rhythm("user", ANY, 60, "节日问候"),
    Rhythm("opportunity", ANY, 7, "跟进为主，节日问候"),
    Rhythm("potential", "A", 14, "节日问候"),
    Rhythm("potential", ANY, 30, "节日问候"),
    Rhythm(ANY, ANY, 60, "节日问候"),
)


@dataclass(frozen=True, slots=True)
class ValueSettings:
    """`[customer_value]`: how a customer is valued. Amounts are yuan, shares 0-100."""

    profit_percent: int = 20
    """Profit taken where the cost of a sale is not known, in percent of its amount."""
    full_profit: int = 100_000
    """Profit that gives all points for the past."""
    full_potential: int = 300_000
    """Open and expected business that gives all points for the potential."""
    profit_weight: int = 40
    """How much the side of profit counts, past and potential, beside the other three weights."""
    influence_weight: int = 20
    """How much the influence in industry and region counts."""
    credit_weight: int = 20
    """How much the credit counts: how late is paid, what is owed."""
    loyalty_weight: int = 20
    """How much the loyalty counts."""
    a_from: int = 70
    """Points from which the grade is A; likewise B and C."""
    b_from: int = 50
    """Points from which the grade is B."""
    c_from: int = 30
    """Points from which the grade is C; below it is D."""
    industries: tuple[str, ...] = ()
    """Industries whose customers others look to."""
    regions: tuple[str, ...] = ()
    """Regions whose customers others look to."""
    look_again_days: int = 30
    """A grade is worked out anew after so many days although nothing happened."""
    rhythms: tuple[Rhythm, ...] = ()
    """Empty: the built-in ones. The first that fits counts."""

    @property
    def weights(self) -> dict[str, int]:
        """Tell the weight of each side."""
        return {side: getattr(self, f"{side}_weight") for side in SIDES}

    def rhythm(self, life_cycle: str, value: str) -> Rhythm:
        """Find the cell of the grid."""
        cells = (*self.rhythms, *DEFAULT_RHYTHMS)
        return next(each for each in cells if each.life_cycle in (ANY, life_cycle) and each.value in (ANY, value))

    def not_greeted(self, occasion: str) -> tuple[str, ...]:
        """Name the cells, as life cycle:value, whose customers get no greeting of this kind (`GREETINGS`)."""
        cells = ((state, value) for state in (*_STATES, "") for value in (*GRADES, ""))
        return tuple(f"{state}:{value}" for state, value in cells if occasion not in self.rhythm(state, value).greetings)

    def grade(self, points: int) -> str:
        """Tell the grade of so many points."""
        bounds = (self.a_from, self.b_from, self.c_from)
        return next((grade for grade, bound in zip(GRADES, bounds, strict=False) if points >= bound), GRADES[-1])

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = []
        if not 100 >= self.a_from > self.b_from > self.c_from >= 0:
            found.append(("a_from", "需要 100 ≥ a_from > b_from > c_from ≥ 0"))
        if min(self.weights.values()) < 0 or sum(self.weights.values()) <= 0:
            found.append(("profit_weight", "四项权重不能为负，且不能全是 0"))
        found += [(key, "至少是 1") for key in ("full_profit", "full_potential", "look_again_days") if getattr(self, key) < 1]
        if not 0 <= self.profit_percent <= 100:
            found.append(("profit_percent", "需要在 0 到 100 之间"))
        for number, each in enumerate(self.rhythms, 1):
            if each.every_days < 1 or each.value not in (ANY, *GRADES) or each.life_cycle not in (ANY, *_STATES):
                found.append((f"rhythms.{number}", "life_cycle、value 或 every_days 不对"))
            if set(each.greetings) - set(GREETINGS):
                found.append((f"rhythms.{number}", f"greetings 只能是 {'、'.join(GREETINGS)}，或留空表示不问候"))
        return found


_STATES = ("target", "potential", "opportunity", "user", "loyal", "dormant", "lost")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known of a customer's worth. Yuan; None where nobody has said."""

    sales_amount: Decimal = Decimal(0)
    profit_amount: Decimal = Decimal(0)
    """May be negative: a first deal may lose money."""
    purchases: int = 0
    open_amount: Decimal = Decimal(0)
    """Open deals, each by its chance."""
    potential_amount: Decimal | None = None
    industry: str = ""
    region: str = ""
    children: int = 0
    influence_score: Decimal | None = None
    payment_days: Decimal | None = None
    overdue_amount: Decimal | None = None
    share_percent: Decimal | None = None
    products: int = 0
    """Different products bought."""
    seasons: int = 0
    """Different quarters of the year in which something was bought."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its points, and each input with what it gave."""

    name: str
    points: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What a customer is worth now."""

    grade: str
    points: int
    sides: tuple[Side, ...]


def evaluate(settings: ValueSettings, inputs: Inputs) -> Value:
    """Value a customer."""
    sides = (_profit(settings, inputs), _influence(settings, inputs), _credit(inputs), _loyalty(inputs))
    weights = settings.weights
    points = round(sum(side.points * weights[side.name] for side in sides) / sum(weights.values()))
    return Value(settings.grade(points), points, sides)


def _profit(settings: ValueSettings, inputs: Inputs) -> Side:
    past = _share(inputs.profit_amount, settings.full_profit)
    ahead = inputs.open_amount + (inputs.potential_amount or Decimal(0))
    future = _share(ahead, settings.full_potential)
    told = "" if inputs.potential_amount is None else f"，其中手填{_yuan(inputs.potential_amount)}"
    lines = (
        f"历史利润{_yuan(inputs.profit_amount)}（成交{inputs.purchases}次，{_yuan(inputs.sales_amount)}）：{past}分",
        f"潜力{_yuan(ahead)}{told}：{future}分",
    )
    return Side("profit", round(past * 0.6 + future * 0.4), lines)


def _influence(settings: ValueSettings, inputs: Inputs) -> Side:
    if inputs.influence_score is not None:
        points = _clamp(int(inputs.influence_score))
        return Side("influence", points, (f"手填影响力：{points}分",))
    industry = 40 if inputs.industry and any(each in inputs.industry for each in settings.industries) else 0
    region = 30 if inputs.region and any(each in inputs.region for each in settings.regions) else 0
    children = min(30, inputs.children * 10)
    lines = (
        f"行业{inputs.industry or '未填'}：{industry}分",
        f"地区{inputs.region or '未填'}：{region}分",
        f"下级单位{inputs.children}家：{children}分",
    )
    return Side("influence", industry + region + children, lines)


def _credit(inputs: Inputs) -> Side:
    if inputs.payment_days is None:
        paid, said = UNKNOWN, f"付款周期未填：{UNKNOWN}分"
    else:
        paid = _clamp(round(100 * (BAD_DAYS - float(inputs.payment_days)) / (BAD_DAYS - GOOD_DAYS)))
        said = f"付款周期{inputs.payment_days:.0f}天：{paid}分"
    overdue = inputs.overdue_amount or Decimal(0)
    taken = 0
    if overdue > 0:
        base = max(inputs.sales_amount, Decimal(1))
        taken = min(60, 20 + round(float(overdue / base) * 40))
    owed = f"欠款{_yuan(overdue)}：-{taken}分" if taken else ("没有欠款" if inputs.overdue_amount is not None else "欠款未填")
    return Side("credit", _clamp(paid - taken), (said, owed))


def _loyalty(inputs: Inputs) -> Side:
    parts = [(f"买过{inputs.products}种产品", min(100, inputs.products * 25))]
    parts.append((f"{inputs.seasons}个季度有成交", min(100, inputs.seasons * 100 // SEASONS)))
    if inputs.share_percent is not None:
        parts.insert(0, (f"占有率{inputs.share_percent:.0f}%", _clamp(int(inputs.share_percent))))
    lines = tuple(f"{words}：{points}分" for words, points in parts)
    if inputs.share_percent is None:
        lines = ("占有率未填", *lines)
    return Side("loyalty", round(sum(points for _, points in parts) / len(parts)), lines)


def next_contact_after(settings: ValueSettings, life_cycle: str, value: str) -> timedelta:
    """Tell after how long the next contact is due."""
    return timedelta(days=settings.rhythm(life_cycle, value).every_days)


def _share(amount: Decimal, full: int) -> int:
    return _clamp(round(float(amount) * 100 / full))


def _clamp(points: int) -> int:
    return max(0, min(100, points))


def _yuan(amount: Decimal) -> str:
    return f"¥{amount:,.0f}" if amount == amount.to_integral_value() else f"¥{amount:,.2f}"
