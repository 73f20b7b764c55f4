"""Exports whose headers were written down before anything was tried on them: shops, tills, ledgers, more languages.

At first sight 16 of their 96 roles were wrong: mostly words of languages that were not known yet. Three expectations
were wrong themselves: nobody can tell that `Name` holds an order's number, that a plan is a product, or that a company
is a brand.
"""

from __future__ import annotations

import random

from tests.services.intake.corpus import GOODS, PEOPLE, Case, comma, day, money


def _shop(draw: random.Random, n: int) -> list[str]:
    quantity, price = draw.randint(1, 4), money(draw)
    return [
        f"#{1000 + n // 2}",
        f"{day(n // 3)} {n % 24:02d}:{n % 60:02d}:11 +0200",
        draw.choice(["paid", "paid", "refunded", "voided"]),
        "USD",
        f"{PEOPLE[n % 20].split()[0].lower()}@example.org",
        PEOPLE[n % 20],
        str(quantity),
        GOODS[n % 8],
        f"{price:.2f}",
        f"AB-{n % 8:03d}",
        draw.choice(["US", "CA", "GB", "DE"]),
        draw.choice(["web", "pos"]),
    ]


def _till(draw: random.Random, n: int) -> list[str]:
    quantity, price = draw.randint(1, 4), money(draw, 2, 20)
    return [
        day(n // 6, "%m/%d/%y"),
        f"{n % 12 + 8:02d}:{n % 60:02d}:09",
        f"T{n // 2}",
        draw.choice(["Coffee", "Food"]),
        draw.choice(["Latte", "Mocha", "Toast"]),
        str(quantity),
        f"${quantity * price:.2f}",
        "$0.00",
        f"${quantity * price:.2f}",
        f"${quantity * price * 0.08:.2f}",
        draw.choice(["Main St", "Harbor"]),
    ]


def _ledger(draw: random.Random, n: int) -> list[str]:
    return [
        f"RE{2023000 + n}",
        day(n, "%d.%m.%Y"),
        f"{10000 + n % 40}",
        f"Firma {n % 40}",
        draw.choice(["80331", "10115", "01067"]),
        draw.choice(["München", "Berlin", "Dresden"]),
        comma(money(draw, 100, 9000), "."),
        comma(money(draw, 10, 900), "."),
    ]


def _avocado(draw: random.Random, n: int) -> list[str]:
    return [
        str(n),
        day(7 * (n // 3)),
        f"{draw.uniform(0.8, 2):.2f}",
        f"{money(draw, 1000, 90000):.2f}",
        f"{money(draw, 1000, 90000):.2f}",
        draw.choice(["conventional", "organic"]),
        ["Albany", "Boise", "Tampa"][n % 3],
    ]


def _czech(draw: random.Random, n: int) -> list[str]:
    kusy, cena = draw.randint(2, 9), money(draw, 10, 900)
    return [
        f"{20230000 + n}",
        day(n, "%d.%m.%Y"),
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        draw.choice(["Česko", "Slovensko", "Rakousko"]),
        str(kusy),
        f"{comma(cena)} Kč",
        f"{comma(cena * kusy, ' ')} Kč",
    ]


def _danish(draw: random.Random, n: int) -> list[str]:
    antal, pris = draw.randint(2, 9), money(draw, 10, 900)
    return [
        day(n, "%d-%m-%Y"),
        str(3000 + n),
        f"{n % 40}",
        draw.choice(GOODS),
        draw.choice(["Aarhus", "Odense"]),
        str(antal),
        comma(pris),
        comma(pris * antal, "."),
    ]


def _finnish(draw: random.Random, n: int) -> list[str]:
    maara, hinta = draw.randint(2, 9), money(draw, 10, 900)
    return [
        day(n, "%d.%m.%Y"),
        f"L{n}",
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        str(maara),
        comma(hinta),
        comma(hinta * maara),
    ]


def _turkish(draw: random.Random, n: int) -> list[str]:
    adet, fiyat = draw.randint(2, 9), money(draw, 10, 900)
    return [
        f"S{n}",
        day(n, "%d.%m.%Y"),
        draw.choice(PEOPLE),
        draw.choice(GOODS),
        draw.choice(["Ankara", "İzmir"]),
        str(adet),
        f"₺{comma(fiyat)}",
        f"₺{comma(fiyat * adet, '.')}",
    ]


def _store_week(draw: random.Random, n: int) -> list[str]:
    return [
        str(n % 9 + 1),
        str(n % 5 + 1),
        day(7 * (n // 45), "%d-%m-%Y"),
        f"{money(draw, 9000, 90000):.2f}",
        str(int(n % 9 == 0)),
        f"{money(draw, 20, 90):.2f}",
    ]


def _subscriptions(draw: random.Random, n: int) -> list[str]:
    return [
        f"in_{n:05x}",
        f"cus_{n % 50:03d}",
        f"{day(n)}T00:00:00.000Z",
        draw.choice(["Basic", "Pro"]),
        draw.choice(["monthly", "yearly"]),
        f"{draw.choice([9, 29, 99])}.00",
        draw.choice(["EUR"]),
        draw.choice(["Spain", "Italy", "France"]),
    ]


def _dealer(draw: random.Random, n: int) -> list[str]:
    return [
        f"C_{n:05d}",
        day(n, "%m/%d/%Y"),
        draw.choice(["Male", "Female"]),
        str(draw.randint(20_000, 900_000)),
        draw.choice(["Alpha Motors", "Best Cars"]),
        draw.choice(["Buick", "Dodge", "Saab"]),
        draw.choice(["Park Avenue", "Viper", "9-5"]),
        draw.choice(["Auto", "Manual"]),
        str(draw.randint(9_000, 80_000)),
        draw.choice(["Austin", "Aurora"]),
    ]


def _wholesale(draw: random.Random, n: int) -> list[str]:
    cases, price = draw.randint(2, 60), money(draw, 5, 50)
    return [
        f"INV/2023/{n // 3:04d}",
        day(n // 3, "%d %b %Y"),
        f"Shop {n % 30}",
        f"P{n % 12:03d}",
        f"Product {n % 12}",
        str(cases),
        f"{price:.2f}",
        f"{cases * price * 0.05:.2f}",
        f"{cases * price * 0.95:.2f}",
        draw.choice(["Anna", "Ben"]),
    ]


BLIND = (
    Case(
        "shop",
        _shop,
        {
            "Name": "dimension",
            "Created at": "time",
            "Financial Status": "status",
            "Currency": "currency",
            "Email": "ignore",
            "Billing Name": "customer",
            "Lineitem quantity": "quantity",
            "Lineitem name": "product_name",
            "Lineitem price": "unit_price",
            "Lineitem sku": "product",
            "Shipping Country": "country",
            "Source": "channel",
        },
        derived=("revenue", "line_kind"),
    ),
    Case(
        "till",
        _till,
        {
            "Date": "time",
            "Time": "clock",
            "Transaction ID": "order",
            "Category": "category",
            "Item": "product",
            "Qty": "quantity",
            "Gross Sales": "revenue",
            "Discounts": "discount",
            "Net Sales": "measure",
            "Tax": "tax",
            "Location": "city",
        },
        derived=("order_time",),
    ),
    Case(
        "ledger",
        _ledger,
        {
            "Belegnummer": "order",
            "Belegdatum": "time",
            "Kundennummer": "customer",
            "Kundenname": "customer_name",
            "PLZ": "dimension",
            "Ort": "city",
            "Nettobetrag": "revenue",
            "MwSt": "tax",
        },
    ),
    Case(
        "avocado",
        _avocado,
        {
            "column 1": "line",
            "Date": "time",
            "AveragePrice": "unit_price",
            "Total Volume": "quantity",
            "Total Bags": "measure",
            "type": "dimension",
            "region": "region",
        },
        derived=("revenue",),
    ),
    Case(
        "czech",
        _czech,
        {
            "Číslo objednávky": "order",
            "Datum": "time",
            "Zákazník": "customer",
            "Produkt": "product",
            "Země": "country",
            "Množství": "quantity",
            "Cena": "unit_price",
            "Celkem": "revenue",
        },
    ),
    Case(
        "danish",
        _danish,
        {
            "Ordredato": "time",
            "Ordrenummer": "order",
            "Kundenummer": "customer",
            "Varenavn": "product",
            "By": "city",
            "Antal": "quantity",
            "Stykpris": "unit_price",
            "Beløb": "revenue",
        },
    ),
    Case(
        "finnish",
        _finnish,
        {
            "Päivämäärä": "time",
            "Laskun numero": "order",
            "Asiakas": "customer",
            "Tuote": "product",
            "Määrä": "quantity",
            "Yksikköhinta": "unit_price",
            "Summa": "revenue",
        },
    ),
    Case(
        "turkish",
        _turkish,
        {
            "Sipariş No": "order",
            "Tarih": "time",
            "Müşteri": "customer",
            "Ürün": "product",
            "Şehir": "city",
            "Adet": "quantity",
            "Birim Fiyat": "unit_price",
            "Tutar": "revenue",
        },
    ),
    Case(
        "store_week",
        _store_week,
        {
            "Store": "dimension",
            "Dept": "category",
            "Date": "time",
            "Weekly_Sales": "revenue",
            "Holiday_Flag": "dimension",
            "Temperature": "average",
        },
    ),
    Case(
        "subscriptions",
        _subscriptions,
        {
            "invoice_id": "order",
            "customer_id": "customer",
            "paid_at": "time",
            "plan": "dimension",
            "interval": "dimension",
            "amount": "revenue",
            "currency": "currency",
            "customer_country": "country",
        },
    ),
    Case(
        "dealer",
        _dealer,
        {
            "Car_id": "ignore",
            "Date": "time",
            "Gender": "dimension",
            "Annual Income": "average",
            "Dealer_Name": "dimension",
            "Company": "customer",
            "Model": "product",
            "Transmission": "dimension",
            "Price ($)": "unit_price",
            "Dealer_Region": "region",
        },
        derived=("revenue",),
    ),
    Case(
        "wholesale",
        _wholesale,
        {
            "Document No": "order",
            "Posting Date": "time",
            "Sold-to Party": "customer",
            "Item No.": "product",
            "Item Description": "product_name",
            "Cases": "quantity",
            "Unit Price": "unit_price",
            "Line Discount": "discount",
            "Line Amount": "revenue",
            "Salesperson": "dimension",
        },
    ),
)
