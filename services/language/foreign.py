"""Words of business and of action that no question may be read without: they ask for what a model may lack."""

from __future__ import annotations

from services.language.tokens import listed

#: Nouns of business that a model may lack: never taken for a misspelling of another word.
FOREIGN = frozenset(
    listed(
        """profit profits margin margins cost costs stock stocks inventory store stores shop shops brand brands city
        cities region regions state states supplier suppliers vendor vendors salesperson salesman rep reps employee
        employees staff manager managers warehouse warehouses department departments category categories segment
        segments channel channels campaign campaigns discount discounts tax taxes vat shipping delivery freight weather
        competitor competitors market weight color colour size gender age email phone address budget target targets
        forecast visit visits session sessions click clicks conversion conversions rating ratings review reviews
        satisfaction complaint complaints returns refund refunds payment payments lead leads pipeline quota
        population gdp inflation salary salaries headcount expense expenses
        ebitda cash debt traffic impressions website web mobile
        model models series type types class classes group groups team teams person source sources medium material
        height colour stores' barcode supplier lifetime loyalty coupon coupons voucher vouchers promotion promotions
        scandinavia nordics nordic benelux iberia dach baltics baltic europe asia africa emea apac americas continent
        continents hemisphere balkans mediterranean overseas abroad domestic export' foreign eu eurozone oceania
        river mountain dog cat football president capital temperature rain music movie recipe joke poem news story
        county counties province provinces district districts prefecture prefectures town towns village villages
        postcode postcodes zip zipcode zipcodes zone zones borough boroughs canton cantons municipality municipalities
        branch branches outlet outlets depot depots division divisions subsidiary subsidiaries franchise franchises
        founder founded ceo owner founder subscription password account invoice' ticket tickets"""
    )
)
#: What nobody may ask of a parser: to change something.
COMMANDS = frozenset(
    listed(
        """delete remove update insert drop edit create add set cancel refund erase change rename alter truncate
        write overwrite reset approve pay invite email call book buy order hire fire invent make increase decrease"""
    )
)
#: Verbs that say something of sales which models may lack: never skipped.
MEANT = frozenset(
    listed(
        """refunded refunding returned returning discounted discounting abandoned abandoning delayed delaying damaged
        reviewed reviewing rated rating complained complaining clicked clicking visited visiting viewed viewing churned
        churning forecasted budgeted budgeting planned planning targeted targeting promised restocked stocked stocking
        taxed insured recalled replaced exchanged advertised advertising promoted promoting marketed marketing emailed
        converted converting wasted stolen expired backordered reordered reordering subscribed unsubscribed renewed
        upgraded downgraded trialled hired fired staffed trained manufactured produced sourced outsourced imported
        contacted called lapsed lapsing defaulted overdue unpaid outstanding owed owing shipped late pending processing
        """
    )
)
