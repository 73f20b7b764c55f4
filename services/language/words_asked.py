"""What English says of breakdowns, ranks, bounds, filters and sales: one row per meaning.

Phrases are separated by `|`; `(a/b)` in a phrase stands for either, so that one row holds a family of them.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Kind of word -> meaning -> the phrases that carry it.
ASKED: Mapping[str, Mapping[str, str]] = {
    "by": {
        "": """
            each one of | every one of | in every one of | in each one of | for each one of | for every one of |
            every single | in every single | for every single | each single | each of | every of | by | per | for
            each | for every | by each | by every | in each | in every | each | every | split by | divided by |
            divided into | divided per | broken down by | break down by | breakdown by | broken out by | grouped by |
            group by | across | across all | segmented by | sliced by | split across | from each | for all | by
            individual | distribution by | distributed by | of each | to each | to every | across the different""",
    },
    "split": {
        "": """
            breakdown of | split of | distribution of | break down | breakdown | split | splitted | spread |
            distributed | distribution | mix of | mix""",
    },
    "count": {
        "": """
            (the/a/our/) (tally/headcount/final count) of | how many | number of | count of | no of | no . of | # of
            | total number of | count | total count of | the number of | how many of""",
    },
    "much": {
        "": """
            how much | how much money | how much in total | what amount | what amount of | how are we doing | how did
            we do | how have we done | how is business | how was business | how are things going | how is it going |
            how are things | how is trade | how was trade | how did business go | how is business going | how are we
            performing""",
    },
    "which": {
        "one": """
            which one | which of them | which single | which of our | which of the | which of my | which of these |
            which of those""",
        "is": """
            how big is | how big was | how large is | how large was | how high is | how high was | how high are | how
            high were | how low is | how low was | what is the | what are the | what was the | what were the | whats
            the | what 's the | what 's our | what is our | what are our | what was our | what were our""",
        "": "which|what|whats|what 's",
    },
    "who": {
        "": "who|whom|whose",
    },
    "where": {
        "": "where",
    },
    "when": {
        "": "when",
    },
    "assortment": {
        "": """
            how (wide/broad/deep/varied/diverse/big/large) (is/was/are/were) (the/our)
            (range/assortment/selection/catalogue/catalog/offer/product range) | (breadth/width/size) of (the/our)
            (range/assortment/selection/catalogue/catalog/offer/product range)""",
    },
    "distinct": {
        "": "distinct|different|unique|separate",
    },
    "most": {
        "desc": """
            (biggest/largest/greatest) (chunk/slice/bit/cut/part/piece) of | most | the most | highest | largest |
            biggest | greatest | maximum | max | top | best | strongest | leading | peak | record | largest number of
            | highest number of | most number of | highest total | largest total | highest amount of | main | better
            | number one | number 1 | no 1 | # 1 | best performing | most valuable | most important | most lucrative
            | most significant | top performing | highest performing | maximal | best ever | foremost | finest |
            fastest | quickest | heaviest | richest | mightiest | fattest |
            (largest/highest/greatest/biggest/heaviest/most/maximum/top/the most) (number/amount/total/total
            number/count/volume/quantity/amounts/numbers/volumes) of""",
        "asc": """
            least | the least | lowest | smallest | fewest | minimum | min | bottom | worst | weakest | poorest |
            lowest number of | slowest | smallest number of | fewest number of | lowest total | worst performing |
            lowest performing | poorest performing | minimal | quietest | littlest | minor | underperforming |
            lightest | thinnest | tiniest | scarcest |
            (lowest/smallest/fewest/lightest/least/minimum/the least) (number/amount/total/total
            number/count/volume/quantity/amounts/numbers/volumes) of""",
    },
    "seller": {
        "desc": """
            (selling/sells/sold/sell) best | bestseller | bestsellers | best seller | best sellers | best selling |
            bestselling | top selling | top seller | top sellers | most popular | most sold | most purchased | most
            bought | fastest selling | best - selling | top - selling | most wanted | biggest sellers | biggest
            seller | hottest | most in demand |
            (best/top/biggest/largest/highest/hottest/strongest/fastest/quickest/leading/star/finest/greatest)
            (seller/sellers/selling/- selling/mover/movers/moving/- moving)""",
        "asc": """
            (selling/sells/sold/sell) (worst/least) | worst seller | worst sellers | worst selling | least popular |
            least sold | slowest selling | slow sellers | slow movers | least selling | lowest selling | worst -
            selling | least purchased | least bought | (worst/slowest/lowest/smallest/weakest/poorest/least/bottom)
            (seller/sellers/selling/- selling/mover/movers/moving/- moving)""",
    },
    "costly": {
        "desc": "most expensive|priciest|dearest|costliest|most costly|highest priced",
        "asc": "cheapest|least expensive|lowest priced",
    },
    "busy": {
        "desc": "busiest|most active|most often|most frequently|most regularly|the most often|the most frequently",
        "asc": "least busy|least active|least often|least frequently|least regularly",
    },
    "order": {
        "desc": """
            (dearest/priciest/most expensive/costliest) first | highest on top | largest on top | biggest on top |
            best on top | highest at the top | descending | in descending order | highest first | largest first |
            biggest first | most first | from highest to lowest | high to low | from high to low | top first | best
            first | from largest to smallest | sorted descending | desc | largest to smallest | highest to lowest |
            from biggest to smallest | starting with the highest | starting with the largest | from most to least |
            starting with the biggest | largest at the top | greatest first | in decreasing order | decreasing | from
            the biggest to the smallest | from the largest to the smallest | from the highest to the lowest | from
            the best to the worst | from best to worst | best to worst | from top to bottom | in order of size | from
            the most to the least | biggest to smallest | from the top down | big to small |
            (highest/biggest/largest/best/most/greatest/top) (number/total/amount/value/count/figure/ones/one)
            (first/on top/at the top)""",
        "asc": """
            (cheapest/least expensive) first | lowest on top | smallest on top | worst on top | lowest at the top |
            ascending | in ascending order | lowest first | smallest first | fewest first | from lowest to highest |
            low to high | from low to high | worst first | from smallest to largest | sorted ascending | asc |
            smallest to largest | least first | lowest to highest | starting with the lowest | from the smallest to
            the biggest | from the smallest to the largest | from the lowest to the highest | from the worst to the
            best | from worst to best | worst to best | from bottom to top | from the least to the most | smallest to
            biggest | from smallest to biggest | small to big | starting with the smallest | from least to most | in
            increasing order | increasing order | (lowest/smallest/worst/least/fewest)
            (number/total/amount/value/count/figure/ones/one) (first/on top/at the top)""",
    },
    "ranked": {
        "": "ranked by|sorted by|ordered by|order by|sort by|rank by",
        "basis": """
            in terms of | measured by | based on | according to | as measured by | judged by | judging by | going by""",
    },
    "rank": {
        "": "rank|ranking of|ranked|sort|sorted|ranking|league table of",
    },
    "than": {
        ">": """
            more expensive than | pricier than | dearer than | costlier than | more than | over | above | greater
            than | exceeding | exceeds | exceed | exceeded | higher than | larger than | bigger than | > | in excess
            of | upwards of | beyond | better than | north of | surpassing | topping | bigger | of over | of more
            than | by more than""",
        ">=": """
            at least | no less than | not less than | minimum of | a minimum of | no fewer than | > = | > = than | or
            above | not below | at a minimum | greater than or equal to | more than or equal to | ≥ | of at least""",
        "<": """
            fewer than | less than | under | below | lower than | smaller than | < | not reaching | short of |
            cheaper than | worse than | of under | of less than | of fewer than""",
        "<=": """
            at most | no more than | not more than | maximum of | a maximum of | < = | not above | less than or equal
            to | not exceeding | fewer than or equal to | ≤ | no greater than""",
        "=": "exactly|only|just|equal to|equals|=|precisely|of exactly",
        "between": "between|ranging from|in the range of",
    },
    "ormore": {
        ">=": "or more|or above|or higher|or over|and above|and more|+|plus",
        "<=": "or less|or fewer|or below|or under",
    },
    "passed": {
        ">": "",
        "<": "",
    },
    "outed": {
        "": """
            (taken/left/stripped/cut/knocked/filtered) (out/off/away/aside) |
            not counted | not included | not counting | excluded | left out | omitted | removed | ignored | set aside
            | left aside | out of it | taken out | not considered | disregarded | stripped out | excepted | apart |
            aside | not wanted | to be excluded | taken away | to be left out | deducted | subtracted | out of the
            picture""",
    },
    "not": {
        "": """
            other than the | other than in | other than for | without | except | except for | excluding | exclude |
            excl | other than | but not | not | not in | not from | apart from | besides | outside | outside of |
            ignoring | leaving out | leave out | everything except | everything but | all except | all but | anything
            except | non | aside from | with the exception of | that are not | which are not | w / o | ex | not
            including | minus | everywhere except | everywhere but | anywhere but | omitting | omit | not counting |
            but | disregarding | everyone except | not for | not to | bar | isn ' t | aren ' t | that isn ' t | that
            aren ' t | that is not | excl . | everything other than | anything but | everyone but | if we leave |
            when we leave | when leaving | if we take | rather than | save for |
            (strip/stripping/filter/filtering/cut/cutting/knock/knocking/screen/screening/weed/weeding/net/netting/carve
            /carving/throw/throwing/kick/kicking/keep/keeping/take/taking/rule/ruling/factor/factoring/back/backing)
            out""",
    },
    "contains": {
        "": """
            mentioning | containing | contains | contain | with the word | that contain | which contain | whose name
            contains | with names containing | named like | that include | with a name containing | whose names
            contain | whose name includes | including the word | with name containing | having the word | named |
            called | by the name of | called something with | that have the word | with the words | with the name |
            (whose name/whose names/whose description/whose descriptions/whose title/with a name/with names/with a
            title/with a description/whose product name/whose label)
            (contains/contain/containing/includes/include/has/have/mentions/mention/with/features/holds/carries/says)
            (/the word/the words/the term/the text) |
            (contains/contain/containing/having/including/with/mentioning/featuring/carrying) (the word/the words/the
            term)""",
    },
    "starts": {
        "": """
            starting with | beginning with | that start with | which start with | starts with | start with | that
            begin with | begins with | whose name starts with | whose code starts with | whose name begins with |
            with names starting with""",
    },
    "inname": {
        "": """
            in the name | in their name | in its name | in their names | in the title | in the description | in name
            | in the product name""",
    },
    "rest": {
        "": """
            all other | the other | other | the remaining | remaining | every other | any other | the rest | rest |
            rest of the world | the rest of the world | all others | the others | others | rest of world | all other
            countries | everyone else | everything else | all other products | all other customers | the other
            countries | other countries | the rest of the countries | the remaining countries | everybody else |
            elsewhere | the remainder | everywhere else | all the others | all other markets | other markets | the
            rest of our business""",
    },
    "terms": {
        "money": """
            in value | by value | in value terms | in money | in money terms | in monetary terms | in cash | in cash
            terms | in sterling | value wise | moneywise | in financial terms""",
        "pieces": """
            in volume | by volume | in volume terms | in pieces | in quantity | in quantity terms | volume wise | in
            unit terms""",
    },
    "sell": {
        "": """
            went to | sale | ordered | order | go to | goes to | going to |
            (make/makes/made/making) (a sale/sales/any sales)""",
    },
    "spend": {
        "": "worth|billing",
    },
    "priced": {
        "": "priced|costing|that cost|which cost|cost|costs|with a price|with price",
    },
    "times": {
        "": "times|time",
    },
    "contribute": {
        "": """
            (fared/fare/fares/faring) | contributed | contribute | contributes | performed | perform | did | doing |
            do | does | perform best | account for""",
    },
}
