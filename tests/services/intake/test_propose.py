from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from services import yamlfile
from services.errors import LoadError, UnknownNameError
from services.intake.models import model_of
from services.intake.proposal import Changes, ColumnChange, FieldRole, Proposal
from services.intake.propose import propose
from services.intake.recipes import recipe_of
from services.intake.staged import Staged
from services.intake.written import model_yaml, recipe_yaml
from services.model import ColumnType, Role, SalesModel
from services.prepared import Prepared
from services.preparing import prepare
from services.recipe import Recipe, Typing
from tests.services.intake.corpus import CASES, GOODS, Case, day, staged
from tests.services.intake.corpus_blind import BLIND

COLUMNS = ["Date", "Region", "Item", "Units", "Sales"]


def table(
    folder: Path, rows: Sequence[Sequence[str | None]], name: str = "sales", columns: Sequence[str] = ()
) -> Staged:
    return staged(folder, name, list(columns or COLUMNS), [list(row) for row in rows])


def lines(seed: str, count: int, regions: Sequence[str] = ("North", "South", "West")) -> list[list[str | None]]:
    """Return one line per day and region."""
    draw = random.Random(seed)
    return [
        [day(n), region, draw.choice(GOODS), str(draw.randint(1, 9)), f"{draw.uniform(5, 90):.2f}"]
        for n in range(count)
        for region in regions
    ]


def load(folder: Path, proposal: Proposal, tables: Sequence[Staged]) -> Prepared:
    """Prepare what is proposed with the recipe and model generated."""
    by_name = {each.name: each for each in tables}
    bound: dict[str, list[Staged]] = {}
    for each in proposal.tables:
        if each.use != "unused":
            bound["" if each.use == "facts" else each.name] = [by_name[name] for name in each.sources]
    return prepare(folder / "warehouse", model_of(proposal), recipe_of(proposal), bound)


def roles(proposal: Proposal) -> Mapping[str, str]:
    return {column.source: column.role.value for column in proposal.columns}


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Staged, Proposal]]:
    made = {}
    for case in (*CASES, *BLIND):
        one = case.table(tmp_path_factory.mktemp(case.name))
        made[case.name] = (one, propose([one], name=case.name))
    return made


@pytest.mark.parametrize("case", [*CASES, *BLIND], ids=lambda case: case.name)
class TestCorpus:
    def test_roles_and_readings(self, case: Case, proposed: dict[str, tuple[Staged, Proposal]]) -> None:
        _, proposal = proposed[case.name]
        assert roles(proposal) == dict(case.roles)
        by_source = {column.source: column for column in proposal.columns}
        assert {name: form in by_source[name].typing.formats for name, form in case.formats.items()} == dict.fromkeys(
            case.formats, True
        )
        assert {name: by_source[name].typing.decimal for name in case.decimals} == dict(case.decimals)
        assert [column.source for column in proposal.columns if column.unparseable] == []
        assert all(column.reasons for column in proposal.columns)

    def test_questions_currency_and_what_is_derived(
        self, case: Case, proposed: dict[str, tuple[Staged, Proposal]]
    ) -> None:
        _, proposal = proposed[case.name]
        assert tuple(question.key for question in proposal.open_questions) == case.asks
        assert {each.target for each in proposal.derived} == set(case.derived)
        assert case.currency in {None, proposal.currency}
        assert case.first is None or str(proposal.first).startswith(case.first)

    def test_the_proposal_loads(self, case: Case, proposed: dict[str, tuple[Staged, Proposal]], tmp_path: Path) -> None:
        one, proposal = proposed[case.name]
        if proposal.open_questions:
            answers = {question.key: question.options[0].key for question in proposal.open_questions}
            proposal = propose([one], name=case.name, changes=Changes(answers=answers))
        prepared = load(tmp_path, proposal, [one])
        assert (prepared.rows_read, prepared.rows_rejected) == (case.rows, 0)
        assert prepared.rows_kept + prepared.rows_left_out == case.rows
        assert str(prepared.first_time)[:10] == str(proposal.first)[:10]

    def test_yaml_and_json_read_back(self, case: Case, proposed: dict[str, tuple[Staged, Proposal]]) -> None:
        _, proposal = proposed[case.name]
        assert Proposal.from_json(proposal.to_json()) == proposal
        assert yamlfile.parse(model_yaml(proposal), SalesModel, Path("model.yaml")) == model_of(proposal)
        if not proposal.open_questions:
            assert yamlfile.parse(recipe_yaml(proposal), Recipe, Path("recipe.yaml")) == recipe_of(proposal)


class TestQuestions:
    def test_ambiguous_dates_must_be_answered(self, tmp_path: Path) -> None:
        case = next(each for each in CASES if each.name == "ambiguous")
        one = case.table(tmp_path)
        (question,) = propose([one], name="x").open_questions
        assert {option.key for option in question.options} == {"day_first", "month_first"}
        with pytest.raises(LoadError, match="must be answered"):
            recipe_of(propose([one], name="x"))

    @pytest.mark.parametrize(("answer", "form"), [("day_first", "%d/%m/%Y"), ("month_first", "%m/%d/%Y")])
    def test_an_answer_decides(self, tmp_path: Path, answer: str, form: str) -> None:
        case = next(each for each in CASES if each.name == "ambiguous")
        proposal = propose(
            [case.table(tmp_path)], name="x", changes=Changes(answers={"reading:ambiguous.Date": answer})
        )
        assert proposal.open_questions == ()
        assert recipe_of(proposal).fields["Date"].formats == (form,)

    def test_an_answer_that_is_no_option(self, tmp_path: Path) -> None:
        case = next(each for each in CASES if each.name == "ambiguous")
        with pytest.raises(UnknownNameError, match="day_first, month_first"):
            propose([case.table(tmp_path)], name="x", changes=Changes(answers={"reading:ambiguous.Date": "both"}))

    def test_one_value_in_thousands_decides(self, tmp_path: Path) -> None:
        rows = [[f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/2023", "North", "Lamp", "1", "2.5"] for n in range(30_000)]
        rows.append(["13/01/2023", "North", "Lamp", "1", "2.5"])
        proposal = propose([table(tmp_path, rows)], name="x")
        date = next(column for column in proposal.columns if column.source == "Date")
        assert (date.typing.formats, proposal.open_questions) == (("%d/%m/%Y",), ())
        assert "day first" in " ".join(date.reasons)

    def test_dates_that_read_the_same_either_way_ask_nothing(self, tmp_path: Path) -> None:
        rows = [[f"{n % 12 + 1:02d}/{n % 12 + 1:02d}/2023", "North", "Lamp", "1", "2.5"] for n in range(60)]
        assert propose([table(tmp_path, rows)], name="x").open_questions == ()

    def test_mixed_separators_follow_one_order(self, tmp_path: Path) -> None:
        texts = ["9/14/2014", "9/15/2014", "10-01-2014", "10-02-2014", "11/30/2014"] * 20
        proposal = propose([table(tmp_path, [[t, "North", "Lamp", "1", "2.5"] for t in texts])], name="x")
        date = next(column for column in proposal.columns if column.source == "Date")
        assert set(date.typing.formats) == {"%m/%d/%Y", "%m-%d-%Y"}
        assert (date.low, date.unparseable) == ("2014-09-14 00:00:00", 0)

    def test_a_text_the_sample_did_not_show_is_met(self, tmp_path: Path) -> None:
        rows = [[day(n % 300), "North", "Lamp", str(n % 7), "2.5"] for n in range(25_000)]
        rows += [["n/a", "North", "Lamp", "-", "2.5"], ["2023/05/06", "North", "Lamp", "1", "2.5"]]
        rows += [["soon", "North", "Lamp", "1", "2.5"]]
        proposal = propose([table(tmp_path, rows)], name="x")
        found = {column.source: (column.unparseable, column.typing) for column in proposal.columns}
        assert found["Date"][0] == 1
        assert set(found["Date"][1].formats) == {"%Y-%m-%d", "%Y/%m/%d"}
        assert (found["Units"][0], found["Units"][1].missing) == (0, ("-",))
        assert any("1 of 25,002 values of 'Date'" in notice.words for notice in proposal.notices)


class TestChanges:
    def test_a_person_overrules_roles_types_names_and_labels(self, tmp_path: Path) -> None:
        one = table(tmp_path, lines("changes", 50))
        changes = Changes(
            columns={
                "sales": {
                    "Region": ColumnChange(role=FieldRole.CHANNEL, target="route", label="Route"),
                    "Units": ColumnChange(role=FieldRole.IGNORE),
                    "Sales": ColumnChange(typing=Typing(type=ColumnType.NUMBER)),
                }
            },
            name="mine",
            title="My sales",
            currency="NOK",
        )
        proposal = propose([one], name="x", changes=changes)
        model = model_of(proposal)
        assert (model.name, model.title, model.currency) == ("mine", "My sales", "NOK")
        assert model.dimension("route").label == "Route"
        assert model.by_role(Role.CHANNEL) == "route"
        assert "quantity" not in model.facts.columns
        assert recipe_of(proposal).fields["Sales"].type is ColumnType.NUMBER
        assert load(tmp_path, proposal, [one]).rows_kept == 150

    def test_typed_columns_of_a_parquet_file(self, tmp_path: Path) -> None:
        path = tmp_path / "typed.parquet"
        with duckdb.connect() as connection:
            connection.execute(
                "COPY (SELECT 20240101 + n % 28 AS date_key, 1000.0 + n % 9 AS customer_id, n % 5 + 1 AS qty, "
                f"n * 0.5 + 1 AS amount FROM range(120) r(n)) TO '{path}' (FORMAT parquet)"
            )
        kinds = [ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.NUMBER]
        columns = dict(zip(["date_key", "customer_id", "qty", "amount"], kinds, strict=True))
        one = Staged("typed.parquet", path, columns, 120, "typed", first_row=1)
        proposal = propose([one], name="x")
        assert roles(proposal) == {
            "date_key": "time",
            "customer_id": "customer",
            "qty": "quantity",
            "amount": "revenue",
        }
        prepared = load(tmp_path, proposal, [one])
        assert (prepared.rows_kept, str(prepared.first_time), str(prepared.last_time)[:10]) == (
            120,
            "2024-01-01 00:00:00",
            "2024-01-28",
        )
        with duckdb.connect() as connection:
            ids = connection.execute(f"SELECT min(customer_id) FROM '{prepared.facts}'").fetchall()
        assert ids == [("1000",)]

    def test_a_column_left_out_refuses_no_row(self, tmp_path: Path) -> None:
        rows = lines("ignored", 50)
        rows[3][3] = "many"
        one = table(tmp_path, rows)
        assert load(tmp_path, propose([one], name="x"), [one]).rows_rejected == 1
        changes = Changes(columns={"sales": {"Units": ColumnChange(role=FieldRole.IGNORE)}})
        assert load(tmp_path, propose([one], name="x", changes=changes), [one]).rows_rejected == 0


class TestTotals:
    def test_rows_that_are_the_sum_of_the_others_are_left_out(self, tmp_path: Path) -> None:
        rows = lines("totals", 40)
        for n in range(40):
            units = sum(int(row[3] or 0) for row in rows if row[0] == day(n))
            sales = sum(float(row[4] or 0) for row in rows if row[0] == day(n))
            rows.append([day(n), "TotalUS", "All", str(units), f"{sales:.2f}"])
        one = table(tmp_path, rows)
        proposal = propose([one], name="x")
        assert {each.condition for each in proposal.leave_out} >= {"trim(Region) == 'TotalUS'"}
        prepared = load(tmp_path, proposal, [one])
        assert (prepared.rows_left_out, prepared.rows_kept) == (40, 120)

    @pytest.mark.parametrize("name", ["Total", "All", "Grand total", "Gesamt"])
    def test_a_value_called_total_that_is_none_is_asked_about(self, tmp_path: Path, name: str) -> None:
        rows = lines("none", 40)
        rows += [[day(n), name, "Lamp", "999", "5000.00"] for n in range(40)]
        proposal = propose([table(tmp_path, rows)], name="x")
        assert [question.key for question in proposal.open_questions] == [f"total:Region={name}"]
        answers = {f"total:Region={name}": "keep"}
        assert propose([table(tmp_path, rows)], name="x", changes=Changes(answers=answers)).leave_out == ()

    def test_other_is_no_total(self, tmp_path: Path) -> None:
        proposal = propose([table(tmp_path, lines("other", 60, ("North", "other", "Other")))], name="x")
        assert (proposal.leave_out, proposal.questions) == ((), ())

    def test_the_closing_line_of_a_report(self, tmp_path: Path) -> None:
        rows = lines("closing", 40)
        rows.append(
            ["Total", None, None, str(sum(int(r[3] or 0) for r in rows)), f"{sum(float(r[4] or 0) for r in rows):.2f}"]
        )
        one = table(tmp_path, rows)
        proposal = propose([one], name="x")
        assert [(each.condition, each.rows) for each in proposal.leave_out] == [
            ("coalesce(trim(Date), '') == 'Total'", 1)
        ]
        prepared = load(tmp_path, proposal, [one])
        assert (prepared.rows_left_out, prepared.rows_rejected, prepared.rows_kept) == (1, 0, 120)

    def test_a_person_keeps_them(self, tmp_path: Path) -> None:
        rows = lines("kept", 40)
        rows.append(["Total", None, None, "1", f"{sum(float(r[4] or 0) for r in rows):.2f}"])
        one = table(tmp_path, rows)
        (found,) = propose([one], name="x").leave_out
        kept = propose([one], name="x", changes=Changes(leave_out={found.reason: False}))
        assert recipe_of(kept).leave_out == {}


class TestStacks:
    def test_overlap_of_files_is_asked_about_and_taken_once(self, tmp_path: Path) -> None:
        rows = lines("overlap", 60)
        first, second = table(tmp_path, rows[:120], "s2022.csv"), table(tmp_path, rows[90:], "s2023.csv")
        (question,) = propose([first, second], name="x").open_questions
        assert (question.key, "30 rows of s2022.csv" in question.words) == ("overlap", True)
        once = propose([first, second], name="x", changes=Changes(answers={"overlap": "later"}))
        assert [source.where for source in recipe_of(once).sources] == [f"order_time < date('{day(30)}')", None]
        assert load(tmp_path, once, [first, second]).rows_kept == 180
        twice = propose([first, second], name="x", changes=Changes(answers={"overlap": "both"}))
        assert load(tmp_path, twice, [first, second]).rows_kept == 210

    def test_files_that_follow_one_another_ask_nothing(self, tmp_path: Path) -> None:
        rows = lines("follow", 60)
        proposal = propose([table(tmp_path, rows[:90], "a.csv"), table(tmp_path, rows[90:], "b.csv")], name="x")
        assert (proposal.questions, proposal.facts_rows) == ((), 180)

    def test_repeated_rows_are_counted(self, tmp_path: Path) -> None:
        rows = lines("repeat", 30)
        proposal = propose([table(tmp_path, rows + rows[:7])], name="x")
        assert any("7 of 97 rows repeat" in notice.words for notice in proposal.notices)


class TestReturns:
    HEAD = ("Invoice", "Date", "Item", "Qty", "Price")

    def row(self, n: int, order: str, quantity: int) -> list[str | None]:
        return [order, day(n), GOODS[n % 8], str(quantity), f"{n % 9 + 1}.50"]

    def test_negative_quantities(self, tmp_path: Path) -> None:
        rows = [self.row(n, str(n // 3), -1 if n % 20 == 0 else 2) for n in range(200)]
        model = model_of(propose([table(tmp_path, rows, columns=self.HEAD)], name="x"))
        assert model.segments["returns"].condition == "line_kind == 'return'"
        assert {"return_value", "return_rate"} <= set(model.measures)

    def test_a_prefix_of_the_order_number(self, tmp_path: Path) -> None:
        rows = [self.row(n, f"K{n}" if n % 10 == 0 else str(n), -1 if n % 10 == 0 else 2) for n in range(200)]
        (kind,) = (
            d for d in propose([table(tmp_path, rows, columns=self.HEAD)], name="x").derived if d.target == "line_kind"
        )
        assert "starts_with(order_id, 'K')" in kind.expression

    def test_a_table_of_returns(self, tmp_path: Path) -> None:
        rows = [self.row(n, f"O{n}", 2) for n in range(100)]
        orders = table(tmp_path, rows, "orders", self.HEAD)
        back = staged(tmp_path, "returns", ["Invoice", "Returned"], [[f"O{n}", "Yes"] for n in range(0, 100, 5)])
        proposal = propose([orders, back], name="x")
        prepared = load(tmp_path, proposal, [orders, back])
        with duckdb.connect() as connection:
            counted = f"SELECT line_kind, count(*) FROM '{prepared.facts}' GROUP BY 1 ORDER BY 1"
            kinds = connection.execute(counted).fetchall()
        assert kinds == [("return", 20), ("sale", 80)]


class TestTables:
    def star(self, folder: Path) -> list[Staged]:
        draw = random.Random("star")
        details = [[str(n // 2), str(n % 8), str(draw.randint(1, 5))] for n in range(200)]
        orders = [[str(n), day(n), f"C{n % 9}"] for n in range(100)]
        products = [[str(n), GOODS[n], f"{n + 1}.50", str(n % 3)] for n in range(8)]
        groups = [[str(n), name] for n, name in enumerate(["Rooms", "Light", "Decor"])]
        clients = [[f"C{n}", f"Shop {n}", ["Norge", "Sverige", "Danmark"][n % 3]] for n in range(9)]
        visits = [[f"C{n % 9}", day(n)] for n in range(60)]
        return [
            staged(folder, "order_lines", ["order_id", "product_id", "quantity"], details),
            staged(folder, "orders", ["id", "order_date", "client_id"], orders),
            staged(folder, "products", ["product_id", "name", "price", "category_id"], products),
            staged(folder, "categories", ["category_id", "category_name"], groups),
            staged(folder, "clients", ["client_id", "client_name", "country"], clients),
            staged(folder, "visits", ["client_id", "visited"], visits),
        ]

    def test_keys_are_found_over_several_levels(self, tmp_path: Path) -> None:
        tables = self.star(tmp_path)
        proposal = propose(tables, name="x")
        assert {each.name: each.use for each in proposal.tables} == {
            "order_lines": "facts",
            "orders": "lookup",
            "products": "lookup",
            "categories": "lookup",
            "clients": "lookup",
            "visits": "unused",
        }
        assert {each.table: dict(each.on) for each in proposal.joins} == {
            "orders": {"id": "order_id"},
            "products": {"product_id": "product_id"},
            "categories": {"category_id": "products.category_id"},
            "clients": {"client_id": "orders.client_id"},
        }
        assert all(each.coverage == 1 for each in proposal.joins)

    def test_revenue_comes_from_the_price_in_a_lookup(self, tmp_path: Path) -> None:
        tables = self.star(tmp_path)
        proposal = propose(tables, name="x")
        prepared = load(tmp_path, proposal, tables)
        draw = random.Random("star")
        expected = sum((n % 8 + 1.5) * draw.randint(1, 5) for n in range(200))
        assert (prepared.rows_kept, float(prepared.totals["revenue"])) == (200, expected)
        model = model_of(proposal)
        assert {model.by_role(role) for role in (Role.CUSTOMER, Role.PRODUCT, Role.COUNTRY, Role.PRODUCT_TYPE)} == {
            "customer",
            "product",
            "country",
            "category_name",
        }

    def test_a_table_left_out_says_why(self, tmp_path: Path) -> None:
        visits = next(each for each in propose(self.star(tmp_path), name="x").tables if each.name == "visits")
        assert "would repeat lines" in visits.reason

    def test_two_tables_that_could_be_the_facts_are_asked_about(self, tmp_path: Path) -> None:
        shop = table(tmp_path, lines("shop", 30), "shop", ["Date", "Region", "Item", "Units", "Sales"])
        web = table(tmp_path, lines("web", 30), "web", ["Day", "Area", "Product", "Quantity", "Revenue"])
        (question,) = propose([shop, web], name="x").open_questions
        assert (question.key, {option.key for option in question.options}) == ("facts", {"shop", "web"})
        proposal = propose([shop, web], name="x", changes=Changes(answers={"facts": "web"}))
        assert {each.name: each.use for each in proposal.tables} == {"web": "facts", "shop": "unused"}


class TestRefusals:
    def test_no_date_at_all(self, tmp_path: Path) -> None:
        rows = [[f"S{n}", str(n % 7)] for n in range(60)]
        with pytest.raises(LoadError, match=r"no column that says when.*Found: 'sku', 'stock'"):
            propose([table(tmp_path, rows, columns=["sku", "stock"])], name="x")

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_a_few_rows_are_enough(self, tmp_path: Path, count: int) -> None:
        one = table(tmp_path, lines("few", count, ("North",)))
        assert load(tmp_path, propose([one], name="x"), [one]).rows_kept == count

    @pytest.mark.parametrize(
        "header",
        ["x; DROP TABLE t", "a\"b'c", "{{7*7}}", "=1+1", "Größe (m²)", "名前", "class", "sum", "order_time", "a.b"],
    )
    def test_hostile_headers(self, tmp_path: Path, header: str) -> None:
        rows = [[*row, f"v{n % 3}"] for n, row in enumerate(lines("hostile", 20))]
        one = table(tmp_path, rows, columns=[*COLUMNS, header])
        proposal = propose([one], name="x")
        assert load(tmp_path, proposal, [one]).rows_kept == 60
        assert yamlfile.parse(recipe_yaml(proposal), Recipe, Path("r.yaml")) == recipe_of(proposal)
        assert yamlfile.parse(model_yaml(proposal), SalesModel, Path("m.yaml")) == model_of(proposal)
