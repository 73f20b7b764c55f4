"""What English says around measures, dimensions and values: one row per meaning, phrases separated by `|`."""

from __future__ import annotations

from collections.abc import Mapping

from services.language import verbs
from services.language.tokens import listed

_MOST = "best|top|biggest|largest|highest|hottest|strongest|fastest|quickest|leading|star|finest|greatest"
_LEAST = "worst|slowest|lowest|smallest|weakest|poorest|least|bottom"


def _joined(firsts: str, seconds: str, thirds: str = "") -> str:
    """Return every first word with every second (and third) one, as phrases."""
    tails = [f" {third}".rstrip() for third in thirds.split("|")]
    return "|".join(
        f"{first} {second}".strip() + tail
        for first in firsts.split("|")
        for second in seconds.split("|")
        for tail in tails
    )


_AMOUNTS = "number|total|amount|value|count|figure|ones|one"
_NUMBERS = "number|amount|total|total number|count|volume|quantity|amounts|numbers|volumes"
_SELLING = "seller|sellers|selling|- selling|mover|movers|moving|- moving"
#: Kind of word -> meaning -> the phrases that carry it.
ROWS: Mapping[str, Mapping[str, str]] = {
    "by": {
        "": "by|per|for each|for every|by each|by every|in each|in every|each|every|split by"
        "|divided by|divided into|divided per"
        "|broken down by|break down by|breakdown by|broken out by|grouped by|group by|across"
        "|across all|segmented by|sliced by|split across|from each|for all|by individual"
        "|distribution by|distributed by|of each|to each|to every|across the different",
    },
    "split": {
        "": "breakdown of|split of|distribution of|break down|breakdown|split|splitted|spread|distributed"
        "|distribution|mix of|mix"
    },
    "count": {
        "": "how many|number of|count of|no of|no . of|# of|total number of|count|total count of"
        "|the number of|how many of"
    },
    "much": {
        "": "how much|how much money|how much in total|what amount|what amount of|how are we doing|how did we do"
        "|how have we done|how is business|how was business|how are things going|how is it going|how are things"
        "|how is trade|how was trade|how did business go|how is business going|how are we performing"
    },
    "which": {
        "one": "which one|which of them|which single|which of our|which of the|which of my|which of these"
        "|which of those",
        "is": "how big is|how big was|how large is|how large was|how high is|how high was|how high are|how high were"
        "|how low is|how low was|what is the|what are the|what was the|what were the|whats the|what 's the|what 's our"
        "|what is our|what are our"
        "|what was our|what were our",
        "": "which|what|whats|what 's",
    },
    "who": {"": "who|whom|whose"},
    "where": {"": "where"},
    "when": {"": "when"},
    "distinct": {"": "distinct|different|unique|separate"},
    "most": {
        "desc": "most|the most|highest|largest|biggest|greatest|maximum|max|top|best|strongest|leading|peak"
        "|record|highest|largest number of|highest number of|most number of|highest total"
        "|largest total|highest amount of|main|better|number one|number 1|no 1|# 1|best performing"
        "|most valuable|most important|most lucrative|most significant"
        "|top performing|highest performing|maximal|best ever|foremost|finest"
        "|" + _joined("largest|highest|greatest|biggest|most|maximum|top|the most", _NUMBERS, "of"),
        "asc": "least|the least|lowest|smallest|fewest|minimum|min|bottom|worst|weakest|poorest"
        "|lowest number of|slowest|smallest number of|fewest number of|lowest total|worst performing"
        "|lowest performing|poorest performing|minimal|quietest|littlest|minor|underperforming"
        "|" + _joined("lowest|smallest|fewest|least|minimum|the least", _NUMBERS, "of"),
    },
    "seller": {
        "desc": "bestseller|bestsellers|best seller|best sellers|best selling|bestselling|top selling"
        "|top seller|top sellers|most popular|most sold|most purchased|most bought|fastest selling"
        "|best - selling|top - selling|most wanted|biggest sellers|biggest seller|hottest"
        "|most in demand|" + _joined(_MOST, _SELLING),
        "asc": "worst seller|worst sellers|worst selling|least popular|least sold|slowest selling"
        "|slow sellers|slow movers|least selling|lowest selling|worst - selling|least purchased"
        "|least bought|" + _joined(_LEAST, _SELLING),
    },
    "costly": {
        "desc": "most expensive|priciest|dearest|costliest|most costly|highest priced",
        "asc": "cheapest|least expensive|lowest priced",
    },
    "busy": {"desc": "busiest|most active", "asc": "least busy|least active"},
    "order": {
        "desc": "highest on top|largest on top|biggest on top|best on top|highest at the top"
        "|descending|in descending order|highest first|largest first|biggest first|most first"
        "|from highest to lowest|high to low|from high to low|top first|best first"
        "|from largest to smallest|sorted descending|desc|largest to smallest|highest to lowest"
        "|from biggest to smallest|starting with the highest|starting with the largest"
        "|from most to least|starting with the biggest|largest at the top|greatest first"
        "|in decreasing order|decreasing|"
        + _joined("highest|biggest|largest|best|most|greatest|top", _AMOUNTS, "first|on top|at the top"),
        "asc": "lowest on top|smallest on top|worst on top|lowest at the top"
        "|ascending|in ascending order|lowest first|smallest first|fewest first|from lowest to highest"
        "|low to high|from low to high|worst first|from smallest to largest|sorted ascending|asc"
        "|smallest to largest|least first|lowest to highest|starting with the lowest"
        "|starting with the smallest|from least to most|in increasing order|increasing order|"
        + _joined("lowest|smallest|worst|least|fewest", _AMOUNTS, "first|on top|at the top"),
    },
    "ranked": {
        "": "ranked by|sorted by|ordered by|order by|sort by|rank by",
        "basis": "in terms of|measured by|based on|according to|as measured by|judged by|judging by|going by",
    },
    "rank": {"": "rank|ranking of|ranked|sort|sorted|ranking|league table of"},
    "than": {
        ">": "more expensive than|pricier than|dearer than|costlier than|more than|over|above"
        "|greater than|exceeding|exceeds|exceed|exceeded|higher than|larger than"
        "|bigger than|>|in excess of|upwards of|beyond|better than|north of|surpassing|topping|bigger"
        "|of over|of more than|by more than",
        ">=": "at least|no less than|not less than|minimum of|a minimum of|no fewer than|> =|> = than"
        "|or above|not below|at a minimum|greater than or equal to|more than or equal to|≥"
        "|of at least",
        "<": "fewer than|less than|under|below|lower than|smaller than|<|not reaching|short of"
        "|cheaper than|worse than|of under|of less than|of fewer than",
        "<=": "at most|no more than|not more than|maximum of|a maximum of|< =|not above"
        "|less than or equal to|not exceeding|fewer than or equal to|≤|no greater than",
        "=": "exactly|only|just|equal to|equals|=|precisely|of exactly",
        "between": "between|ranging from|in the range of",
    },
    "ormore": {
        ">=": "or more|or above|or higher|or over|and above|and more|+|plus",
        "<=": "or less|or fewer|or below|or under",
    },
    "outed": {
        "": "not counted|not included|not counting|excluded|left out|omitted|removed|ignored|set aside|left aside|out of it"
        "|taken out|not considered|disregarded|stripped out|excepted|apart|aside|not wanted|to be excluded|taken away"
        "|to be left out|deducted|subtracted|out of the picture"
    },
    "not": {
        "": "other than the|other than in|other than for|without|except|except for|excluding|exclude|excl|other than|but not|not|not in|not from"
        "|apart from|besides|outside|outside of|ignoring|leaving out|leave out|everything except"
        "|everything but|all except|all but|anything except|non|aside from|with the exception of"
        "|that are not|which are not|w / o|ex|not including|minus|everywhere except|everywhere but"
        "|anywhere but|omitting|omit|not counting|but|disregarding|everyone except|not for|not to|bar"
        "|isn ' t|aren ' t|that isn ' t|that aren ' t|that is not"
        "|excl .|everything other than|anything but|everyone but|if we leave|when we leave|when leaving|if we take"
        "|rather than|save for"
    },
    "contains": {
        "": _joined(
            "whose name|whose names|whose description|whose descriptions|whose title|with a name|with names|with a title"
            "|with a description|whose product name|whose label",
            "contains|contain|containing|includes|include|has|have|mentions|mention|with|features|holds|carries|says",
            "|the word|the words|the term|the text",
        ) + "|" + _joined("contains|contain|containing|having|including|with|mentioning|featuring|carrying", "the word|the words|the term")
        + "|mentioning|containing|contains|contain|with the word|that contain|which contain|whose name contains"
        "|with names containing|named like|that include|with a name containing|whose names contain"
        "|whose name includes|including the word|with name containing|having the word"
        "|named|called|by the name of|called something with|that have the word|with the words|with the name"
    },
    "starts": {
        "": "starting with|beginning with|that start with|which start with|starts with|start with"
        "|that begin with|begins with|whose name starts with|whose code starts with"
        "|whose name begins with|with names starting with"
    },
    "versus": {
        "": "vs|versus|compared to|compared with|against|v|relative to|in comparison to"
        "|in comparison with|as against|vs .|as compared to|as compared with|comparison with"
        "|comparison to|than in|than for|than|than during|than the|and not|as opposed to"
        "|beat|beats|outsell|outsold|outperform|outperformed|ahead of|behind"
        "|compared against|for reference|by way of comparison|from that of|next to|alongside|up against|measured up against|held up against"
        "|" + _joined("set|stacked|stacked up|measured|pitted|lined up|matched|weighed|benchmarked|held|put", "against")
    },
    "compare": {
        "": "compare|comparing|comparison of|comparison|contrast|comparison between|difference between"
        "|side by side|head to head|next to each other|compares|for comparison|by comparison|as a comparison"
    },
    "rest": {
        "": "all other|the other|other|the remaining|remaining|every other|any other|the rest|rest"
        "|rest of the world|the rest of the world|all others|the others|others"
        "|rest of world|all other countries|everyone else|everything else|all other products|all other customers"
        "|the other countries|other countries|the rest of the countries|the remaining countries"
        "|everybody else|elsewhere|the remainder|everywhere else|all the others|all other markets"
        "|other markets|the rest of our business"
    },
    "growth": {
        "": "go up or down|up or down|go up|go down|rise or fall|increase or decrease|grow or shrink"
        "|growth|growth rate|growth of|growth in|change in|change of|change|increase|increase in"
        "|percent change|% change|percentage change|grow|grew|grown|growing|changed|difference in"
        "|difference|variation in|rate of growth|% growth|percentage growth|how much more|decrease"
        "|decrease in|decline in|drop in|rise in|evolution rate|uplift|delta|increased|decreased|rise"
        "|how much less|how many more|how many fewer|percent growth|growth percentage|gain in"
        "|variance|variances|variance in"
        "|improvement in|change rate|how much higher|how much lower|shift in|gone up|gone down"
        "|went up|went down|how far|jump in|swing in|movement in|movements in|fall in|slump in|surge in|dip in|slide in"
        "|" + "|".join(verbs.forms("growth")),
        "prior_year": "yoy|year over year|year on year|y / y|yoy growth|year over year growth|year on year growth"
        "|annual growth|y - o - y|year - over - year|yoy change|yearly growth|year on year change"
        "|year over year change|annual growth rate|annual change|y o y|yoy % change"
        "|growth year over year|growth year on year|yoy increase",
        "month": "mom|month over month|month on month|m / m|mom growth|month over month growth"
        "|month on month growth|monthly growth|monthly change|monthly growth rate"
        "|month on month change|month over month change|mom change",
        "quarter": "qoq|quarter over quarter|quarter on quarter|q / q|qoq growth|quarter over quarter growth"
        "|quarterly growth|quarter on quarter growth|quarterly change|quarterly growth rate"
        "|quarter on quarter change",
        "week": "wow|week over week|week on week|w / w|wow growth|week over week growth|week on week growth"
        "|weekly growth|weekly change|weekly growth rate",
        "day": "day over day|day on day|daily growth|daily change|dod",
    },
    "lastyear": {
        "prior_year": "a year earlier|the year before|same period last year|the same period last year"
        "|one year earlier|same period a year ago|the same period a year ago|the same time last year"
        "|same time last year|the prior year|the previous year|previous year|prior year"
        "|the same period of the previous year|the year earlier|a year before"
        "|same period of last year|the same period of last year|the same period in the previous year"
        "|year ago|the same period the year before|the corresponding period last year"
        "|the same months last year|ly|py|sply",
        "previous_period": "the previous period|previous period|the prior period|prior period|the period before"
        "|the preceding period|preceding period|last period|the last period|the one before"
        "|the period prior",
    },
    "share": {
        "of": "how big a part of|how large a part of|how big a part|how large a part|how big a slice|how large a slice"
        "|how big a share|how large a share|how big a chunk|how much of|how much of our|how much of the|how much of all|how much of total",
        "": "share of|share|percentage of|percent of|% of|proportion of|contribution of|contribution to"
        "|fraction of|portion of|percentage|proportion|market share of|market share|what part of"
        "|part of|contribution|relative share of|%|percentage share of|percentage share"
        "|percent share of|share of total|percentage of total|% of total|as a percentage"
        "|as a share of total|as a percentage of total|as % of total|in percent|percent of total"
        "|as a share|weight of|proportion of total|what percent of|what percentage of"
        "|what proportion of|what share of|what fraction of|percent|"
        + _joined("what|which|the|a|our", "slice|chunk|cut|piece|bit", "of")
        + "|slice of|chunk of",
    },
    "running": {
        "": "cumulative|cum|cum .|running total|running total of|running sum|running sum of|cumulated|accumulated"
        "|cumulatively|cumulative|running|cumulative total of|cumulative sum of|accumulating"
        "|cumulative total|cumulative sum|accumulated total of"
    },
    "average": {
        "": "average|avg|mean|on average|averages|average of|averaged|avg .|on an average|in the mean|on the average|"
        + _joined("arithmetic|simple|plain|typical", "mean|average") + "|mean average|averaging"
    },
    "moving": {"": "moving average|rolling average|moving avg|rolling avg|moving mean|rolling mean|moving averages|ma"},
    "trend": {
        "": "over time|trend|trends|trending|develop|developed|development|evolve|evolved|evolution"
        "|time series|timeline|history of|progress|progression|trend of|trend in|trend for"
        "|evolution of|development of|trend line|track|line chart|developing|historical|time line"
        "|how did it go|course of|trajectory|trendline|trended|through time|with time|graph over time"
        "|changed over time|change over time|changing over time|evolving|line graph"
    },
    "grain": {
        "hour": "hourly",
        "day": "daily|day by day|day to day|day for day|day after day|per calendar day",
        "week": "weekly|week by week|per calendar week|week to week|week for week|week after week",
        "month": "monthly|month by month|per calendar month|month to month|month for month|month after month",
        "quarter": "quarterly|quarter by quarter|quarter to quarter|quarter for quarter",
        "year": "yearly|annual|annually|year by year|year to year|year for year|year after year"
        "|per annum|per calendar year",
        "day_of_week": "weekday|weekdays|day of week|day of the week|days of the week|days of week|week day|week days",
        "hour_of_day": "hour of day|hour of the day|hours of the day|hours of day|time of day|time of the day"
        "|times of day",
        "month_of_year": "month of year|month of the year|months of the year|calendar month|calendar months"
        "|seasonality|seasonal pattern|seasonality of|seasonal pattern of|seasonally|seasonal"
        "|seasonal profile of|seasonal profile",
    },
    "unit": {
        "hour": "hour|hours",
        "day": "day|days|date|dates",
        "week": "week|weeks|wk",
        "month": "month|months|mth",
        "quarter": "quarter|quarters|qtr",
        "year": "year|years|yr",
    },
    "usually": {"": "usually|typically|generally|normally|tend to|in general|tends to|typical"},
    "sell": {
        "": "|".join((*verbs.forms("sell"), "went to", "sale", "ordered", "order", "go to", "goes to", "going to"))
    },
    "spend": {"": "|".join((*verbs.forms("spend"), "worth", "billing"))},
    "priced": {"": "priced|costing|that cost|which cost|cost|costs|with a price|with price"},
    "times": {"": "times|time"},
    "inname": {
        "": "in the name|in their name|in its name|in their names"
        "|in the title|in the description|in name|in the product name"
    },
    "filler": {
        "": "taking only|taking just|considering only|counting only|looking only at|taking into account only|limited to"
        "|restricted to|only counting|considering just|focusing on|focussing on|concentrating on|looking at|put together|taken together|added together|lumped together|all together|all told|all in all|in aggregate"
        "|in all|by chance|as one|in one go|at a glance|at once|as well|if possible|if you can|if you could|if you please"
        "|when you can|when you get a chance|when you have a moment|if you would|a quick look at|a look at|a list of"
        "|an overview of|an idea of|a feel for|a sense of|a picture of|a view of|the picture for|the story for"
        "|by the way|for me|for us|to me|to us|for my own use|in front of me|up to me|i ' d|i ' m|i ' ll|let ' s"
        "|at all|as far as|to date please|thank you|many thanks|of course|one by one|so to speak|at the moment"
        "|end to end|all of|any of|each one|a piece|between them|among them|over the counter|through the door"
        "|out of the door|out the door|over the line|under our belt|on the books|on our books|in the books|in the bag"
        "|off the shelves|off our shelves|through the till|through the tills|to our name|"
        + "|".join(phrase for phrase in verbs.forms("filler") if " " in phrase)
    },
    "prior": {"": "before|earlier|prior|preceding|beforehand|previously"},
    "apart": {"": "individually|respectively|separately|each one separately|in turn|one next to the other"},
    "follow": {"": "and for|what about|how about|and in|and what about|same for|and the same for|and by"},
    "contribute": {
        "": "contributed|contribute|contributes|performed|perform|did|doing|do|does|perform best|account for"
    },
    "and": {"": "and|,|&|plus|x|×|as well as|along with|together with|and also|and the"},
    "or": {"": "or"},
    "to": {
        "": "to|from|in|for|w /|thru|at|within|into|of|on|during|with"
        "|over|inside|among|amongst|through|via|using|between"
    },
    "new": {
        "": "new|returning|repeat|first time|lost|churned|inactive|loyal|lapsed|recurring|existing"
        "|one - time|retained|dormant|first - time|reactivated|onetime|one time"
    },
}
#: Words that say nothing about the query.
FILLERS = frozenset(
    listed(
        """a an the is are was were be been being am i we us our ours you your my me it its they them their there this
        that these those please pls kindly show showing display give gives get list tell see find fetch pull plot draw
        graph chart table report provide return want need know would like could can may let lets have has had having
        do did does done us how total totals overall altogether all any in on at of for with out up so then also just
        only actually exactly really hey hi hello thanks thank ok okay company business' sales' question figure figures
        number numbers data result results information info value values stats statistics s re ve ll d m t view
        trying try wondering wonder interested hoping wish wanted single
        overview something anything stuff things thing summary summarise summarize calculate
        compute work look looks looking what which who whose how much
        come came comes coming goes gets got getting taken
        took takes accounts accounted belongs derive derived derives originate
        originated originates driven attributable received belonged placed place made make into
        as about if whether both between per each some every when where
        during within here now currently please? recorded achieved reported booked registered won gained happened
        occurred there's people actual entire whole full complete combined together visualise visualize list? amount
        level levels count volume? order? broken across over time? said regarding concerning respect terms term
        including include included includes everything anything items? customers? seen dashboard breakdown
        ones one's kind individual various detail details detailed selected given specific
        generally away aside basically somebody someone anybody anyone everybody everyone everywhere anywhere nobody name
        everyone's currently roughly approximately overall collectively jointly simply merely purely solely precisely
        dig bring pop knock crunch whip throw hand share rustle conjure serve team folks guys mate dear sir madam
        morning afternoon evening urgently asap fyi btw cheers ta thx pls plz grateful glad curious keen happy able
        possible handy perhaps maybe possibly ideally preferably hopefully once more please
        money r u ur txt sum indicate specify mention prepare print send simply quickly quick new? per? produce produced
        used use uses served serve serves supplied supply supplies handled processed fulfilled attracted attract
        attracts achieve achieves distributed valuable important lucrative acquired consumed obtained transacted
        accumulated amassed posted logged captured
        secured submitted completed reached reach reaches offered traded issued raised ever so again already yet go went
        gone going more true correct case down break off granted given goods merchandise wares"""
    )
) - frozenset(
    listed("please? time? volume? order? items? customers? new? per? list? business' sales' new? precisely")
) | frozenset(phrase for phrase in verbs.forms("filler") if " " not in phrase)
#: Words that make a question one this parser does not answer, by where it goes instead.
ROUTES: Mapping[str, tuple[str, ...]] = {
    "why": (
        "why",
        "how come",
        "what caused",
        "what causes",
        "what drove",
        "what drives",
        "what is driving",
        "reason for",
        "reasons for",
        "reason behind",
        "what explains",
        "explain",
        "because",
        "root cause",
        "what led to",
        "what happened to",
        "what is behind",
        "what made",
        "the cause of",
        "what is causing",
        "what was behind",
        "what 's behind",
        "reasons behind",
        "what 's driving",
        "driver of",
        "drivers of",
        "caused",
    ),
    "forecast": (
        "predict",
        "predicted",
        "prediction",
        "predictions",
        "forecast",
        "forecasts",
        "forecasted",
        "projection",
        "projected",
        "project the",
        "will",
        "expect",
        "expected",
        "estimate for next",
        "extrapolate",
        "what will",
        "going to be",
        "outlook",
        "anticipate",
        "likely to",
        "ll be",
        "be in the future",
        "upcoming demand",
    ),
    "advice": (
        "should",
        "how can",
        "how could",
        "how do i increase",
        "how do we increase",
        "how to",
        "what if",
        "recommend",
        "recommendation",
        "recommendations",
        "suggest",
        "improve",
        "advice",
        "best way",
        "optimise",
        "optimize",
        "strategy",
        "what can we do",
        "ought",
        "how might",
        "advise",
        "how do we",
        "how do i",
        "what would happen",
        "is it worth",
        "simulate",
        "what could we",
    ),
    "model": (
        "correlate",
        "correlated",
        "correlation",
        "regression",
        "cluster",
        "anomaly",
        "anomalies",
        "outlier",
        "outliers",
        "bought together",
        "significant",
        "significance",
        "cohort",
        "segment customers",
        "churn",
        "about to leave",
        "leave us",
        "left us",
        "leaving us",
        "lifetime value",
        "retention",
        "basket analysis",
        "affinity",
        "probability",
        "elasticity",
        "statistically",
        "depend on",
        "impact of",
        "effect of",
        "related to",
        "influence",
        "median",
        "standard deviation",
        "percentile",
    ),
}
NUMBER_SCALES: Mapping[str, float] = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "billion": 1e9,
    "grand": 1e3,
}
CURRENCY_WORDS = frozenset(
    listed("£ $ € ¥ pound pounds gbp dollar dollars usd eur euro euros quid sek nok dkk chf jpy yen krona pln zloty")
)


def phrases() -> dict[str, list[tuple[str, str]]]:
    """Return every phrase with its meanings as (kind, meaning)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, meanings in ROWS.items():
        for meaning, text in meanings.items():
            for phrase in text.split("|"):
                row = (kind, meaning)
                if row not in found.setdefault(phrase, []):
                    found[phrase].append(row)
    return found
