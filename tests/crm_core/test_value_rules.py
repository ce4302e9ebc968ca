"""Value: four sides, their inputs in lines, grades, and the grid's rhythm."""

from decimal import Decimal

from crm_core.value_rules import Inputs, Rhythm, ValueSettings, evaluate, next_contact_after

SETTINGS = ValueSettings(industries=("制造",), regions=("上海",))
RICH = Inputs(
    sales_amount=Decimal(800_000),
    profit_amount=Decimal(160_000),
    purchases=5,
    open_amount=Decimal(300_000),
    industry="装备制造",
    region="上海市",
    children=2,
    payment_days=Decimal(30),
    overdue_amount=Decimal(0),
    share_percent=Decimal(80),
    products=4,
    seasons=4,
)


def test_the_best_and_the_unknown() -> None:
    best = evaluate(SETTINGS, RICH)
    assert (best.grade, [side.points for side in best.sides]) == ("A", [100, 90, 100, 93])
    assert all(line for side in best.sides for line in side.lines)
    nothing = evaluate(SETTINGS, Inputs())
    assert (nothing.grade, [side.points for side in nothing.sides]) == ("D", [0, 0, 50, 0])


def test_a_loss_debts_and_what_is_said_by_hand() -> None:
    losing = Inputs(sales_amount=Decimal(1000), profit_amount=Decimal(-500), purchases=1, overdue_amount=Decimal(1000))
    value = evaluate(SETTINGS, losing)
    assert value.sides[0].points == 0
    assert "历史利润¥-500" in value.sides[0].lines[0]
    assert value.sides[2].points == 0
    assert evaluate(SETTINGS, Inputs(influence_score=Decimal(70))).sides[1].points == 70


def test_the_grid_is_own_first_then_built_in() -> None:
    own = ValueSettings(rhythms=(Rhythm("user", "A", 3, "上门"),))
    assert (own.rhythm("user", "A").every_days, own.rhythm("user", "C").every_days) == (3, 60)
    assert next_contact_after(own, "lost", "A").days == 180
    assert own.rhythm("target", "").every_days == 60


def test_settings_that_cannot_be() -> None:
    assert SETTINGS.problems() == []
    wrong = ValueSettings(a_from=10, full_profit=0, profit_percent=101, rhythms=(Rhythm("asleep", "A", 3),), credit_weight=-1)
    assert {key for key, _ in wrong.problems()} == {"a_from", "full_profit", "profit_percent", "rhythms.1", "profit_weight"}


def test_a_cell_says_which_greetings_of_plans_it_gets() -> None:
    assert ValueSettings().not_greeted("festival") == ()
    assert ValueSettings().not_greeted("birthday") == ("lost:A", "lost:B", "lost:C", "lost:D", "lost:")
    none = ValueSettings(rhythms=(Rhythm("dormant", "A", greetings=()), Rhythm("lost")))
    assert none.not_greeted("festival") == none.not_greeted("birthday") == ("dormant:A",)
    wrong = ValueSettings(rhythms=(Rhythm(greetings=("easter",)),))
    assert [key for key, _ in wrong.problems()] == ["rhythms.1"]
