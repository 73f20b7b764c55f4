"""What headers call things: words of sales tables in the languages exports come in, folded (no accents)."""

from __future__ import annotations

from services.intake.proposal import FieldRole


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


#: Words that make a header an identifier of what its other words name.
ID_WORDS = words_of(
    "id ids no nr num number code key ref reference nummer nummern numero num numer nro kode codigo codice kod nbr # № "
    "uid uuid guid identifier identificador identifiant pk sk kennung nomor nombor numeris"
)
NAME_WORDS = words_of(
    "name description desc title bezeichnung beschreibung designation libelle nom descripcion nombre nome "
    "descricao descrizione navn beskrivelse namn omschrijving naam nama keterangan nazwa opis nimi benennung "
    "fullname detail"
)
#: Word -> what it says a column is about. The longest phrase in a header wins; "a b" needs both words side by side.
WORDS: dict[FieldRole, str] = {
    FieldRole.ORDER: (
        "objednavky, objednavka, faktury, siparis, fatura, laskun, tilauksen, tilausnumero, laskunumero, comanda, "
        "narudzba, rendeles, szamla, uzsakymas, saskaita, objednavky cislo, dokladu, posting, billing document, "
        "sales order, purchase order, ticket id, bestellungs, order, orders, bestel, bestell, auftrags, "
        "rechnungs, zamowienia, invoice, transaction, txn, basket, receipt, bill, cart, ticket, purchase id, sale "
        "id, sales id, bestellung, auftrag, rechnung, beleg, bon, kassenbon, commande, facture, pedido, factura, "
        "venta id, ordine, fattura, scontrino, ordre, faktura, bestilling, kvittering, order line, bestelling, "
        "factuur, pesanan, transaksi, invois, resit, zamowienie, paragon, tilaus, lasku, bestellnummer, "
        "bestellnr, auftragsnummer, auftragsnr, rechnungsnummer, rechnungsnr, belegnummer, belegnr, ordrenr, "
        "ordrenummer, fakturanr, fakturanummer, ordernr, ordernummer, bonnr, bonnummer, orderid, invoiceno, "
        "invoiceid, transactionid, fiscal, trx, document"
    ),
    FieldRole.CUSTOMER: (
        "zakaznik, zakaznika, odberatel, musteri, asiakkaan, asiakasnumero, ugyfel, vevo, pirkejas, klients, "
        "kupac, billing, bill to name, party, sold to party, customer, client, klienta, buyer, member, household, "
        "shopper, consumer, account, user, subscriber, patron, guest, kunde, kunden, kaufer, debitor, acheteur, "
        "cliente, comprador, compratore, klant, afnemer, kund, kjoper, kober, pelanggan, pembeli, klient, "
        "asiakas, kundennr, kundennummer, kundenr, kundenummer, kundnr, klantnr, klantnummer, customerid, custid, "
        "cust, debitornr, company, retailer, sold to, bill to, adherent"
    ),
    FieldRole.PRODUCT: (
        "vyrobek, zbozi, polozka, urun, tuotteen, tuotenimi, termek, preke, prece, proizvod, artikl, product, "
        "item, article, sku, stock code, stockcode, upc, ean, gtin, asin, isbn, plu, barcode, model, material, "
        "goods, merchandise, produkt, artikel, ware, artikelnr, artikelnummer, produit, modele, reference "
        "produit, producto, articulo, modelo, prodotto, articolo, modello, produto, artigo, vare, varenr, "
        "varenummer, modell, produktnr, vara, produk, barang, towar, tuote, malli, dish, menu item, "
        "itemdescription, pizza, book, vehicle, variety"
    ),
    FieldRole.CATEGORY: (
        "kategorie produktu, urun grubu, tuoteluokka, dept no, category, subcategory, sub category, department, "
        "dept, product line, product type, product group, product family, family, class, commodity, kategorie, "
        "warengruppe, produktgruppe, sortiment, categorie, rayon, famille, categoria, familia, linea, famiglia, "
        "reparto, kategori, varegruppe, productgroep, jenis, kategoria, brand, make, maker, marke, marque, marca, "
        "merke, maerke, jenama, marka, manufacturer, hersteller, fabricant, fabricante, tuoteryhma, afdeling, "
        "avdeling, abteilung, departamento, grupo, gruppe, item type"
    ),
    FieldRole.COUNTRY: (
        "zeme, krajina, ulke, maan, orszag, salis, drzava, valstis, country, nation, land, staat, pays, pais, "
        "paese, negara, kraj, maa, lande, landskode, zemlja, country code, ship country, destination country, "
        "market country"
    ),
    FieldRole.REGION: (
        "region, state, province, territory, county, district, area, geo, zone, bundesland, gebiet, kanton, "
        "departement, provincia, estado, comunidad autonoma, regione, regiao, uf, fylke, lan, landsdel, "
        "provincie, negeri, wilayah, provinsi, wojewodztwo, maakunta, oblast, prefecture, sales region, dma, "
        "market"
    ),
    FieldRole.CITY: (
        "mesto, sehir, kaupunki, varos, miestas, grad, il ilce, city, town, municipality, stadt, ort, wohnort, "
        "ville, commune, ciudad, poblacion, citta, comune, cidade, municipio, by, poststed, kommune, stad, "
        "plaats, gemeente, kota, bandar, miasto, location"
    ),
    FieldRole.CHANNEL: (
        "source, sales source, order channel, traffic source, channel, sales channel, channel grouping, platform, "
        "order type, order source, sales method, kanal, vertriebskanal, vertriebsweg, canal, canale, saluran, "
        "kanaal, salgskanal, forsaljningskanal, myyntikanava, medium"
    ),
    FieldRole.STATUS: (
        "status, order status, statut, stato, etat, returned, is return, return, refunded, cancelled, canceled, "
        "is cancelled, storniert, storno, annule, devuelto, devolucion, reso, devolvido, kansellert, retur, "
        "estatus, situacao, situacion, tila, annuleret, geannuleerd, dibatalkan, zwrot"
    ),
    FieldRole.CURRENCY: (
        "currency, currency code, curr, ccy, wahrung, waehrung, devise, monnaie, moneda, divisa, valuta, moeda, "
        "waluta, mata wang, mata uang, valuutta"
    ),
    FieldRole.QUANTITY: (
        "mnozstvi, pocet, kusy, ks, adet, miktar, mennyiseg, db, kiekis, kolicina, daudzums, cases, bottles, "
        "quantity, qty, qnty, quant, units, unit sold, units sold, sold units, pieces, pcs, items sold, order "
        "qty, sales volume, volume, menge, anzahl, stuck, stueck, stuckzahl, stueckzahl, quantite, qte, cantidad, "
        "cant, unidades, quantita, qta, pezzi, quantidade, qtd, qtde, antall, antal, aantal, stk, kuantiti, "
        "kuantitas, bilangan, ilosc, maara, kpl, item quantity, total ordered, ordered quantity, volume sold, "
        "unidades vendidas"
    ),
    FieldRole.UNIT_PRICE: (
        "jednotkova cena, fiyat, birim fiyat, egysegar, kaina, cijena, rate per unit, price, unit price, list "
        "price, selling price, sale price, price each, item price, rrp, msrp, unitprice, preis, einzelpreis, "
        "stuckpreis, stueckpreis, verkaufspreis, prix, prix unitaire, pu, precio, precio unitario, prezzo, prezzo "
        "unitario, preco, preco unitario, valor unitario, pris, enhetspris, stykpris, styckpris, apris, prijs, "
        "stukprijs, harga, harga satuan, harga seunit, cena, cena jednostkowa, hinta, yksikkohinta, vk preis, per "
        "unit"
    ),
    FieldRole.DISCOUNT: (
        "sleva, indirim, kedvezmeny, nuolaida, popust, discount, disc, rebate, markdown, rabatt, nachlass, "
        "remise, rabais, reduction, descuento, sconto, desconto, rabat, korting, diskaun, diskon, potongan, "
        "alennus"
    ),
    FieldRole.REVENUE: (
        "celkem, castka, trzby, tutar, toplam tutar, ciro, osszeg, suma, iznos, loppusumma, yhteensa, viso, "
        "revenue, sales, sale amount, sales amount, net sales, gross sales, sales value, sale value, turnover, "
        "amount, line total, line amount, order total, total price, total amount, total sales, extended price, "
        "subtotal, total, sale dollars, dollar sales, gmv, net amount, gross amount, umsatz, nettoumsatz, "
        "bruttoumsatz, betrag, gesamtpreis, gesamtbetrag, gesamt, summe, erlos, erloes, positionswert, "
        "nettobetrag, ca, chiffre d affaires, chiffre affaires, montant, montant total, total ht, total ttc, "
        "ventas, importe, importe total, ingresos, monto, facturacion, fatturato, importo, ricavo, ricavi, "
        "totale, receita, faturamento, valor, valor total, vendas, omsetning, belop, omsaetning, belob, "
        "omsattning, summa, omzet, bedrag, totaal, jualan, hasil jualan, jumlah, penjualan, pendapatan, total "
        "harga, wartosc, przychod, kwota, sprzedaz, myynti, liikevaihto, takings"
    ),
    FieldRole.COST: (
        "naklady, maliyet, koltseg, cost, cogs, total cost, kosten, wareneinsatz, cout, costo, coste, custo, "
        "kost, kostnad, kos, koszt, kustannus, omkostning, kostnader, cost of goods, cost of sales"
    ),
    FieldRole.UNIT_COST: (
        "unit cost, standard cost, cost price, cost per unit, purchase price, buying price, einkaufspreis, ek "
        "preis, prix achat, prix d achat, cout unitaire, costo unitario, coste unitario, custo unitario, precio "
        "de compra, prezzo acquisto, kostpris, kostpreis, inkoopprijs, innkjopspris, inkopspris, harga pokok, "
        "harga kos, koszt jednostkowy"
    ),
    FieldRole.TAX: (
        "tax, vat, sales tax, gst, mwst, ust, steuer, tva, taxe, iva, impuesto, imposto, moms, mva, btw, sst, "
        "cukai, pajak, ppn, podatek, alv"
    ),
    FieldRole.TIME: (
        "datum objednavky, tarih, siparis tarihi, paivamaara, keltezes, datums, date, datetime, timestamp, time, "
        "period, day, order date, invoice date, transaction date, sale date, purchase date, ordered at, created "
        "at, sold at, week, datum, zeit, zeitpunkt, zeitstempel, bestelldatum, rechnungsdatum, kaufdatum, "
        "auftragsdatum, belegdatum, verkaufsdatum, date commande, date facture, periode, fecha, fecha pedido, "
        "periodo, data, data ordine, data pedido, dato, ordredato, fakturadato, orderdatum, fakturadatum, "
        "besteldatum, factuurdatum, tarikh, tanggal, tgl, paiva, paivays, data zamowienia, wk, quarter, quartal, "
        "trimestre, week start, when, salgsdato, kjopsdato, kobsdato, giorno, jour, dia"
    ),
    FieldRole.YEAR: (
        "year, yr, yyyy, jahr, annee, an, ano, anno, exercice, ar, aar, tahun, rok, vuosi, jaar, fiscal year, year nbr"
    ),
    FieldRole.MONTH: (
        "month, mon, mm, monat, mois, mes, mese, maned, maaned, manad, bulan, maand, miesiac, kuukausi, month name"
    ),
    FieldRole.DAY: "day, dd, tag, jour, dia, giorno, dag, hari, dzien, paiva, day of month",
    FieldRole.CLOCK: (
        "time, clock, hour, uhrzeit, zeit, heure, hora, ora, tid, klokkeslett, masa, jam, tijd, godzina, kello, "
        "order time"
    ),
    FieldRole.LINE: (
        "line, line no, line number, line id, row, row id, index, position, pos, seq, sequence, record, position "
        "nr, rownum, order item, order line, linje, ligne, zeile, fila, linea, riga, linha, baris, unnamed"
    ),
}
#: Numbers that do not add up.
AVERAGE_WORDS = words_of(
    "rate ratio share pct percent percentage prozent % avg average mean median age alter mileage km miles "
    "odometer score rating stars size engine temperature temp index speed weight height length width latitude "
    "longitude lat lon lng margin duration population per level kilometerstand alder durchschnitt price preis "
    "cost preco prix interest income salary recency sentiment magnitude factor exchange lead probability rank position "
    "bewertung pisteet temperatura temperatur taux tasso taxa tasa anteil edad eta idade age hubraum"
)
#: Numbers that do.
ADDITIVE_WORDS = words_of(
    "spend spent impressions impression clicks visits visitors sessions calls units count total amount freight "
    "shipping fee fees conversions conversion views pageviews loads sales sold orders tips tip profit gain gross "
    "net volume versand porto frais gewinn beneficio utile lucro fortjeneste winst marge tax duty number hours "
    "minutes frakt bags returns registrations downloads signups leads donations points expenses budget payment "
    "spesa gasto ausgaben bounces depense despesa utgift uitgaven belanja wydatki kulut ingresos"
)
#: Places and people that numbers name.
NAMED_WORDS = words_of(
    "store shop branch outlet warehouse depot plant terminal register cashier employee salesperson seller vendor "
    "supplier filiale filial lager magasin tienda loja butikk butik toko kedai negozio punto sklep myymala zone route "
    "territory team cluster segment"
)
#: Text that stands where a value is missing, folded.
MISSING = words_of(
    "na n/a n.a. n.a nan null none nil - -- --- ? ?? #n/a #na #null! #ref! #value! #div/0! #name? (null) (blank) "
    "<null> <na> \\n . .. missing undefined"
)
TOTAL_WORDS = words_of(
    "total totals all gesamt insgesamt summe alle overall subtotal sum tous toutes todos todas tutti totale "
    "totaal totalt jumlah semua razem suma yhteensa kaikki grand zusammen ensemble"
)
CANCELLED_WORDS = words_of(
    "cancelled canceled cancel void voided annulled storniert storno abgebrochen annule annulee cancelado "
    "cancelada anulado anulada annullato annullata kansellert annulleret annullerad geannuleerd dibatalkan batal "
    "anulowane anulowano peruttu rejected failed declined"
)
RETURNED_WORDS = words_of(
    "returned return refunded refund retoure retour retourniert zuruckgeschickt rembourse retourne devuelto "
    "devuelta devolucion reembolsado reso rimborsato devolvido devolvida returnert returneret returnerad "
    "geretourneerd dikembalikan zwrot zwrocone palautettu chargeback"
)
YES_WORDS = words_of("yes y true t 1 ja oui si sim j ya tak kylla x")


def phrases(role: FieldRole) -> tuple[tuple[str, ...], ...]:
    """Return the phrases of a role, each as its words."""
    return tuple(tuple(phrase.split()) for phrase in WORDS[role].split(", "))
