"""Small exports in many languages and conventions, and what is in them. Written by hand; rows are drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from services.intake.staged import Staged
from services.model import ColumnType

Row = Callable[[random.Random, int], list[str]]


def staged(folder: Path, name: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Staged:
    """Return a staged table of texts."""
    path = folder / f"{name}.parquet"
    with duckdb.connect() as connection:
        names = ", ".join('"' + column.replace('"', '""') + '" VARCHAR' for column in columns)
        connection.execute(f"CREATE TABLE t ({names})")
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return Staged(name, path, dict.fromkeys(columns, ColumnType.TEXT), len(rows), name, first_row=2)


@dataclass(frozen=True)
class Case:
    """An export: its columns, a row for each number, the role expected of each column, and other expectations.

    `formats` are those of time columns, `asks` the keys of questions, `currency` and `span` those of the proposal.
    """

    name: str
    row: Row
    roles: Mapping[str, str]
    formats: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    currency: str | None = None
    first: str | None = None
    derived: tuple[str, ...] = ()
    rows: int = 300

    def table(self, folder: Path) -> Staged:
        """Return the staged table."""
        draw = random.Random(self.name)
        return staged(folder, self.name, list(self.roles), [self.row(draw, number) for number in range(self.rows)])


START = date(2023, 1, 2)


def day(number: int, form: str = "%Y-%m-%d") -> str:
    return (START + timedelta(days=number)).strftime(form)


def money(draw: random.Random, low: float = 1, high: float = 90) -> float:
    return round(draw.uniform(low, high), 2)


def comma(value: float, thousands: str = "") -> str:
    text = f"{value:,.2f}"
    return text.replace(",", "_").replace(".", ",").replace("_", thousands)


PEOPLE = [
    f"{first} {last}" for first in ("Ada", "Bo", "Cai", "Dov", "Eli") for last in ("Ng", "Ortiz", "Park", "Quist")
]
GOODS = ["Oak table", "Pine shelf", "Steel lamp", "Wool rug", "Glass vase", "Clay pot", "Linen cloth", "Brass hook"]


def _german(draw: random.Random, n: int) -> list[str]:
    menge, preis = draw.randint(1, 12), money(draw, 1, 2500)
    art = draw.randrange(len(GOODS))
    return [
        f"R-{20000 + n // 3}",
        day(n // 4, "%d.%m.%Y"),
        f"K{draw.randint(100, 160)}",
        f"A-{art:04d}",
        GOODS[art],
        draw.choice(["Küche", "Garten", "Bad"]),
        draw.choice(["Deutschland", "Österreich", "Schweiz", "Frankreich"]),
        str(menge),
        comma(preis, "."),
        comma(menge * preis, "."),
    ]


def _french(draw: random.Random, n: int) -> list[str]:
    quantite, prix = draw.randint(1, 9), money(draw)
    return [
        f"{7000 + n}",
        day(n // 2, "%d/%m/%Y"),
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        draw.choice(["Maison", "Jardin"]),
        draw.choice(["Allemagne", "Belgique", "Espagne", "France"]),
        draw.choice(["Lyon", "Lille", "Nantes", "Liège"]),
        str(quantite),
        f"{comma(prix)} €",
        f"{comma(quantite * prix, ' ')} €",
    ]


def _spanish(draw: random.Random, n: int) -> list[str]:
    cantidad, precio = draw.randint(1, 9), money(draw)
    return [
        f"P{3000 + n // 2}",
        day(n, "%d-%m-%Y"),
        f"{100 + n % 37}",
        PEOPLE[n % 20],
        draw.choice(GOODS),
        draw.choice(["España", "México", "Perú", "Chile"]),
        draw.choice(["Tienda", "Web"]),
        str(cantidad),
        comma(precio),
        draw.choice(["0%", "5%", "10%"]),
    ]


def _italian(draw: random.Random, n: int) -> list[str]:
    quantita, prezzo = draw.randint(1, 9), money(draw, 100, 4000)
    return [
        f"{n // 2 + 1}/2023",
        day(n, "%d/%m/%Y"),
        draw.choice(PEOPLE),
        f"ART{draw.randint(10, 40)}",
        str(quantita),
        f"€ {comma(prezzo, '.')}",
        f"€ {comma(prezzo * quantita, '.')}",
    ]


def _portuguese(draw: random.Random, n: int) -> list[str]:
    quantidade, preco = draw.randint(1, 9), money(draw)
    return [
        f"{n // 2:06d}",
        day(n, "%d/%m/%Y"),
        draw.choice(GOODS),
        draw.choice(["SP", "RJ", "MG", "BA"]),
        draw.choice(["Campinas", "Santos", "Niterói"]),
        str(quantidade),
        f"R$ {comma(preco)}",
        f"R$ {comma(preco * quantidade, '.')}",
    ]


def _malay(draw: random.Random, n: int) -> list[str]:
    kuantiti, harga = draw.randint(1, 9), money(draw)
    return [
        f"INV{n:05d}",
        day(n, "%d/%m/%Y"),
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        draw.choice(["Johor", "Pahang", "Kedah"]),
        str(kuantiti),
        f"RM {harga:.2f}",
        f"RM {harga * kuantiti:,.2f}",
    ]


def _norwegian(draw: random.Random, n: int) -> list[str]:
    antall, pris = draw.randint(1, 9), money(draw, 100, 5000)
    return [
        str(50000 + n),
        day(n, "%d.%m.%Y"),
        str(draw.randint(1000, 1100)),
        str(draw.randint(1, 40)).zfill(5),
        draw.choice(GOODS),
        draw.choice(["Norge", "Sverige", "Danmark", "Finland"]),
        str(antall),
        comma(pris, "\u00a0"),
        comma(antall * pris, "\u00a0"),
    ]


def _american(draw: random.Random, n: int) -> list[str]:
    quantity, price, discount = draw.randint(1, 9), money(draw), draw.choice([0, 0.1, 0.2])
    return [
        str(n + 1),
        f"US-2023-{n // 2:06d}",
        day(n, "%m/%d/%Y"),
        day(n + 3, "%m/%d/%Y"),
        f"CG-{draw.randint(100, 150)}",
        draw.choice(PEOPLE),
        draw.choice(["Consumer", "Corporate"]),
        draw.choice(["Texas", "Ohio", "Utah"]),
        f"FUR-{draw.randint(10, 40)}",
        draw.choice(["Furniture", "Technology"]),
        f"{quantity * price * (1 - discount):.2f}",
        str(quantity),
        f"{discount}",
        f"{money(draw, -40, 90)}",
    ]


def _ambiguous(draw: random.Random, n: int) -> list[str]:
    return [str(n), f"{n % 12 + 1:02d}/{(n * 5) % 12 + 1:02d}/2023", draw.choice(GOODS), str(draw.randint(1, 9))]


def _thousands_only(draw: random.Random, n: int) -> list[str]:
    return [day(n), draw.choice(GOODS), f"{draw.randint(1, 9)},{draw.randint(100, 999)}"]


def _thousands_beside(draw: random.Random, n: int) -> list[str]:
    return [day(n), draw.choice(GOODS), f"{draw.randint(1, 9)},{draw.randint(100, 999)}", f"{money(draw):.2f}"]


def _polish(draw: random.Random, n: int) -> list[str]:
    ilosc, cena = draw.randint(1, 9), money(draw)
    return [
        day(n, "%Y-%m-%d"),
        f"ZAM/{n}",
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        draw.choice(["Polska", "Niemcy", "Czechy"]),
        str(ilosc),
        f"{comma(cena)} zł",
        f"{comma(cena * ilosc)} zł",
    ]


def _swedish(draw: random.Random, n: int) -> list[str]:
    antal, pris = draw.randint(2, 9), money(draw)
    return [
        f"F{n}",
        day(n, "%Y%m%d"),
        f"{draw.randint(1, 50)}",
        draw.choice(GOODS),
        str(antal),
        comma(pris),
        comma(antal * pris),
    ]


def _dutch(draw: random.Random, n: int) -> list[str]:
    aantal, prijs = draw.randint(2, 9), money(draw)
    return [
        day(n, "%d-%m-%Y"),
        str(9000 + n),
        f"{draw.randint(1, 50)}",
        draw.choice(GOODS),
        draw.choice(["Utrecht", "Gent", "Breda"]),
        str(aantal),
        comma(prijs),
        comma(aantal * prijs),
    ]


def _web(draw: random.Random, n: int) -> list[str]:
    return [
        f"{day(n)}T{n % 24:02d}:05:09Z",
        f"tx_{n:06x}",
        f"u{draw.randint(1, 60)}",
        f"SKU-{draw.randint(1, 30)}",
        draw.choice(["DE", "FR", "NL", "GB", "US"]),
        draw.choice(["app", "web", "partner"]),
        f"{draw.randint(1, 4)}",
        f"{money(draw):.2f}",
        draw.choice(["EUR", "EUR", "EUR"]),
        draw.choice(["completed", "completed", "refunded", "cancelled"]),
    ]


def _months(draw: random.Random, n: int) -> list[str]:
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][n % 12]
    return [f"{month}-{2010 + n // 12}", draw.choice(["North", "South"]), str(draw.randint(10, 900))]


def _quarters(draw: random.Random, n: int) -> list[str]:
    return [f"{2001 + n // 4}-Q{n % 4 + 1}", draw.choice(GOODS), f"{money(draw, 100, 999):.1f}"]


def _weeks(draw: random.Random, n: int) -> list[str]:
    return [f"{2015 + n // 52}-W{n % 52 + 1:02d}", f"S{draw.randint(1, 9)}", str(draw.randint(10, 900))]


def _years(draw: random.Random, n: int) -> list[str]:
    return [
        str(2010 + n % 14),
        draw.choice(["Norway", "Chile", "Japan", "Kenya"]),
        draw.choice(GOODS),
        str(draw.randint(10, 900)),
    ]


def _split(draw: random.Random, n: int) -> list[str]:
    return [
        str(2019 + n % 4),
        ["January", "February", "March", "April", "May", "June"][n % 6],
        str(n % 28 + 1),
        draw.choice(GOODS),
        str(draw.randint(1, 9)),
        f"{money(draw):.2f}",
    ]


def _date_and_time(draw: random.Random, n: int) -> list[str]:
    return [
        str(n // 2 + 1),
        day(n // 20, "%Y-%m-%d"),
        f"{n % 12 + 8}:{n % 60:02d}:00",
        draw.choice(["Espresso", "Latte", "Tea"]),
        str(draw.randint(1, 3)),
        f"${money(draw, 2, 6):.2f}",
    ]


def _excel(draw: random.Random, n: int) -> list[str]:
    return [str(44928 + n), draw.choice(GOODS), str(draw.randint(1, 9)), f"{money(draw):.2f}"]


def _spoilt_ids(draw: random.Random, n: int) -> list[str]:
    return [
        f"{5000 + n // 2}.0",
        day(n),
        f"{draw.randint(17000, 17090)}.0",
        draw.choice(GOODS),
        str(draw.randint(-3, 9) or 1),
        f"{money(draw)}",
    ]


def _missing(draw: random.Random, n: int) -> list[str]:
    blank = draw.choice(["N/A", "", "-", "#N/A"])
    price = f"{money(draw):.2f}" if n % 7 else blank
    return [day(n), draw.choice(GOODS), str(draw.randint(1, 9)), price, f"{money(draw):.2f}" if n % 5 else "NULL"]


def _payroll_of_cars(draw: random.Random, n: int) -> list[str]:
    return [
        draw.choice(["Kestrel", "Heron", "Wren"]),
        str(2015 + n % 8),
        draw.choice(["petrol", "diesel", "electric"]),
        str(draw.randint(1, 200_000)),
        f"{draw.choice([1.0, 1.6, 2.0])}",
        str(draw.randint(9_000, 60_000)),
    ]


def _spend(draw: random.Random, n: int) -> list[str]:
    return [
        day(7 * n),
        *(f"{money(draw, 100, 900):.2f}" for _ in range(3)),
        str(draw.randint(1000, 90000)),
        f"{money(draw, 9000, 99999):.2f}",
    ]


def _unknown_language(draw: random.Random, n: int) -> list[str]:
    kvanto, prezo = draw.randint(2, 30), money(draw)
    return [day(n), draw.choice(GOODS), str(kvanto), f"{prezo:.2f}", f"{kvanto * prezo:.2f}"]


def _cost(draw: random.Random, n: int) -> list[str]:
    return [
        day(n),
        f"O{n}",
        draw.choice(GOODS),
        str(draw.randint(2, 9)),
        f"{money(draw, 20, 90):.2f}",
        f"{money(draw, 5, 19):.2f}",
        f"{money(draw, 1, 4):.2f}",
    ]


def _returned_flag(draw: random.Random, n: int) -> list[str]:
    return [f"O{n}", day(n), draw.choice(GOODS), f"{money(draw):.2f}", draw.choice(["Yes", "No", "No", "No"])]


def _indonesian(draw: random.Random, n: int) -> list[str]:
    jumlah, harga = draw.randint(2, 9), draw.randint(10, 90) * 1000
    return [
        f"TRX{n}",
        day(n, "%d/%m/%Y"),
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        str(jumlah),
        f"Rp {harga:,}".replace(",", "."),
        f"Rp {harga * jumlah:,}".replace(",", "."),
    ]


def _indian(draw: random.Random, n: int) -> list[str]:
    amount = draw.randint(1_00_000, 99_00_000)
    tail, head = f"{amount % 1000:03d}", str(amount // 1000)
    lakh = f"{head[:-2]},{head[-2:]},{tail}" if len(head) > 2 else f"{head},{tail}"
    return [day(n, "%d-%b-%Y"), f"B/{n}", draw.choice(["Pune", "Surat"]), f"₹{lakh}.00"]


def _swiss(draw: random.Random, n: int) -> list[str]:
    return [day(n, "%d.%m.%y"), f"B{n}", draw.choice(GOODS), f"CHF {money(draw, 1000, 9000):,.2f}".replace(",", "'")]


CASES = (
    Case(
        "german",
        _german,
        {
            "Rechnungsnr": "order",
            "Rechnungsdatum": "time",
            "Kundennr": "customer",
            "Artikelnr": "product",
            "Artikelbezeichnung": "product_name",
            "Warengruppe": "category",
            "Land": "country",
            "Menge": "quantity",
            "Einzelpreis": "unit_price",
            "Umsatz": "revenue",
        },
        {"Rechnungsdatum": "%d.%m.%Y"},
        {"Einzelpreis": ",", "Umsatz": ","},
        first="2023-01-02",
    ),
    Case(
        "french",
        _french,
        {
            "Numéro de commande": "order",
            "Date de commande": "time",
            "Client": "customer",
            "Produit": "product",
            "Catégorie": "category",
            "Pays": "country",
            "Ville": "city",
            "Quantité": "quantity",
            "Prix unitaire": "unit_price",
            "Montant TTC": "revenue",
        },
        {"Date de commande": "%d/%m/%Y"},
        {"Prix unitaire": ","},
        currency="EUR",
    ),
    Case(
        "spanish",
        _spanish,
        {
            "Nº Pedido": "order",
            "Fecha": "time",
            "ID Cliente": "customer",
            "Nombre del cliente": "customer_name",
            "Producto": "product",
            "País": "country",
            "Canal": "channel",
            "Cantidad": "quantity",
            "Precio unitario": "unit_price",
            "Descuento": "discount_share",
        },
        {"Fecha": "%d-%m-%Y"},
        derived=("revenue", "discount"),
    ),
    Case(
        "italian",
        _italian,
        {
            "Numero fattura": "order",
            "Data fattura": "time",
            "Cliente": "customer",
            "Codice articolo": "product",
            "Quantità": "quantity",
            "Prezzo": "unit_price",
            "Importo": "revenue",
        },
        currency="EUR",
    ),
    Case(
        "portuguese",
        _portuguese,
        {
            "Nota Fiscal": "order",
            "Data da venda": "time",
            "Produto": "product",
            "UF": "region",
            "Cidade": "city",
            "Qtd": "quantity",
            "Preço Unitário": "unit_price",
            "Valor Total": "revenue",
        },
        currency="BRL",
    ),
    Case(
        "malay",
        _malay,
        {
            "No Invois": "order",
            "Tarikh": "time",
            "Pelanggan": "customer",
            "Barang": "product",
            "Negeri": "region",
            "Kuantiti": "quantity",
            "Harga Seunit": "unit_price",
            "Jumlah": "revenue",
        },
        currency="MYR",
    ),
    Case(
        "norwegian",
        _norwegian,
        {
            "Ordrenr": "order",
            "Ordredato": "time",
            "Kundenr": "customer",
            "Varenr": "product",
            "Varenavn": "product_name",
            "Land": "country",
            "Antall": "quantity",
            "Pris": "unit_price",
            "Beløp": "revenue",
        },
        decimals={"Beløp": ","},
    ),
    Case(
        "american",
        _american,
        {
            "Row ID": "line",
            "Order ID": "order",
            "Order Date": "time",
            "Ship Date": "ignore",
            "Customer ID": "customer",
            "Customer Name": "customer_name",
            "Segment": "dimension",
            "State": "region",
            "Product ID": "product",
            "Category": "category",
            "Sales": "revenue",
            "Quantity": "quantity",
            "Discount": "discount_share",
            "Profit": "measure",
        },
        {"Order Date": "%m/%d/%Y"},
    ),
    Case(
        "ambiguous",
        _ambiguous,
        {"Order No": "order", "Date": "time", "Item": "product", "Qty": "quantity"},
        asks=("reading:ambiguous.Date",),
    ),
    Case(
        "thousands_only",
        _thousands_only,
        {"Date": "time", "Item": "product", "Sales": "revenue"},
        asks=("reading:thousands_only.Sales",),
    ),
    Case(
        "thousands_beside",
        _thousands_beside,
        {"Date": "time", "Item": "product", "Units": "quantity", "Price": "unit_price"},
        decimals={"Units": "."},
        derived=("revenue",),
    ),
    Case(
        "polish",
        _polish,
        {
            "Data zamówienia": "time",
            "Nr zamówienia": "order",
            "Klient": "customer",
            "Produkt": "product",
            "Kraj": "country",
            "Ilość": "quantity",
            "Cena": "unit_price",
            "Wartość": "revenue",
        },
        currency="PLN",
    ),
    Case(
        "swedish",
        _swedish,
        {
            "Fakturanr": "order",
            "Fakturadatum": "time",
            "Kundnr": "customer",
            "Vara": "product",
            "Antal": "quantity",
            "Pris": "unit_price",
            "Summa": "revenue",
        },
        {"Fakturadatum": "%Y%m%d"},
    ),
    Case(
        "dutch",
        _dutch,
        {
            "Besteldatum": "time",
            "Bestelnummer": "order",
            "Klantnr": "customer",
            "Artikel": "product",
            "Plaats": "city",
            "Aantal": "quantity",
            "Prijs": "unit_price",
            "Bedrag": "revenue",
        },
    ),
    Case(
        "web",
        _web,
        {
            "created_at": "time",
            "transaction_id": "order",
            "user_id": "customer",
            "sku": "product",
            "country_code": "country",
            "platform": "channel",
            "qty": "quantity",
            "price": "unit_price",
            "currency": "currency",
            "status": "status",
        },
        {"created_at": "%Y-%m-%dT%H:%M:%S%z"},
        currency="EUR",
        derived=("revenue", "line_kind"),
    ),
    Case(
        "months",
        _months,
        {"Month": "time", "Region": "region", "Units Sold": "quantity"},
        {"Month": "%b-%Y"},
        first="2010-01-01",
    ),
    Case(
        "quarters",
        _quarters,
        {"Quarter": "time", "Product": "product", "Revenue": "revenue"},
        {"Quarter": "quarter"},
        first="2001-01-01",
    ),
    Case(
        "weeks",
        _weeks,
        {"Week": "time", "Store": "dimension", "Units": "quantity"},
        {"Week": "week"},
        first="2014-12-29",
    ),
    Case(
        "years",
        _years,
        {"Year": "year", "Country": "country", "Product": "product", "Sales": "revenue"},
        first="2010-01-01",
        derived=("order_time",),
    ),
    Case(
        "split",
        _split,
        {"Year": "year", "Month": "month", "Day": "day", "Item": "product", "Qty": "quantity", "Price": "unit_price"},
        derived=("order_time", "revenue"),
    ),
    Case(
        "date_and_time",
        _date_and_time,
        {
            "transaction_id": "order",
            "transaction_date": "time",
            "transaction_time": "clock",
            "product_detail": "product",
            "transaction_qty": "quantity",
            "unit_price": "unit_price",
        },
        derived=("order_time", "revenue"),
    ),
    Case(
        "excel",
        _excel,
        {"Date": "time", "Item": "product", "Qty": "quantity", "Price": "unit_price"},
        {"Date": "excel"},
        first="2023-01-02",
        derived=("revenue",),
    ),
    Case(
        "spoilt_ids",
        _spoilt_ids,
        {
            "InvoiceNo": "order",
            "InvoiceDate": "time",
            "CustomerID": "customer",
            "Description": "product",
            "Quantity": "quantity",
            "UnitPrice": "unit_price",
        },
        derived=("revenue", "line_kind"),
    ),
    Case(
        "missing",
        _missing,
        {"Date": "time", "Item": "product", "Qty": "quantity", "Price": "unit_price", "Freight": "measure"},
        derived=("revenue",),
    ),
    Case(
        "cars",
        _payroll_of_cars,
        {
            "Model": "product",
            "Year": "year",
            "Fuel": "dimension",
            "Mileage": "average",
            "Engine Size": "average",
            "Price": "unit_price",
        },
        derived=("order_time", "revenue"),
    ),
    Case(
        "spend",
        _spend,
        {
            "week_start": "time",
            "tv_spend": "measure",
            "radio_spend": "measure",
            "search_spend": "measure",
            "impressions": "measure",
            "revenue": "revenue",
        },
    ),
    Case(
        "unknown_language",
        _unknown_language,
        {"Tago": "time", "Varo": "dimension", "Kvanto": "quantity", "Prezo": "unit_price", "Sumo": "revenue"},
    ),
    Case(
        "cost",
        _cost,
        {
            "Sold On": "time",
            "Sale ID": "order",
            "Product": "product",
            "Pieces": "quantity",
            "Selling Price": "unit_price",
            "Unit Cost": "unit_cost",
            "VAT": "tax",
        },
        derived=("revenue", "cost"),
    ),
    Case(
        "returned_flag",
        _returned_flag,
        {"Order": "order", "Purchase Date": "time", "Article": "product", "Amount": "revenue", "Returned": "status"},
        derived=("line_kind",),
    ),
    Case(
        "indonesian",
        _indonesian,
        {
            "No Transaksi": "order",
            "Tanggal": "time",
            "Nama Pelanggan": "customer",
            "Nama Produk": "product",
            "Jumlah": "quantity",
            "Harga Satuan": "unit_price",
            "Total Harga": "revenue",
        },
        currency="IDR",
    ),
    Case(
        "indian",
        _indian,
        {"Bill Date": "time", "Bill No": "order", "City": "city", "Net Amount": "revenue"},
        {"Bill Date": "%d-%b-%Y"},
        currency="INR",
    ),
    Case(
        "swiss",
        _swiss,
        {"Belegdatum": "time", "Beleg": "order", "Artikel": "product", "Betrag": "revenue"},
        {"Belegdatum": "%d.%m.%y"},
        currency="CHF",
    ),
)
