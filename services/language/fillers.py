"""Words that say nothing about a query, words that lead elsewhere, and those of numbers and money."""

from __future__ import annotations

from collections.abc import Mapping

from services.language import verbs
from services.language.date_words import MONTH_WORDS
from services.language.tokens import listed

#: Words that say nothing about the query.
FILLERS = frozenset(
    listed(
        """a an the is are was were be been being am i we us our ours you your my me it its they them their there
        this that these those please pls kindly show showing display give gives get list tell see find fetch
        pull plot draw graph chart table report provide return want need know would like could can may let lets
        have has had having do did does done us how total totals overall altogether all any in on at of for with
        out up so then also just only actually exactly really hey hi hello thanks thank ok okay company
        business' sales' question figure figures number numbers data result results information info value
        values stats statistics s re ve ll d m t view trying try wondering wonder interested hoping wish wanted
        single overview something anything stuff things thing summary summarise summarize calculate compute work
        look looks looking what which who whose how much come came comes coming goes gets got getting taken took
        takes accounts accounted belongs derive derived derives originate originated originates driven
        attributable received belonged placed place made make into as about if whether both between per each
        some every when where during within here now currently please? recorded achieved reported booked
        registered won gained happened occurred there's people actual entire whole full complete combined
        together visualise visualize list? amount level levels count volume? order? broken across over time?
        said regarding concerning respect terms term including include included includes everything anything
        items? customers? seen dashboard breakdown ones one's kind individual various detail details detailed
        selected given specific atm rn nowadays well nicely badly rundown snapshot recap readout roundup digest
        listing printout extract his her hers theirs him she he active present operational involved engaged
        leaving setting putting mark threshold barrier lately' generally away aside basically somebody someone
        anybody anyone everybody everyone everywhere anywhere nobody name everyone's currently roughly
        approximately overall collectively jointly simply merely purely solely precisely dig bring pop knock
        crunch whip throw hand share rustle conjure serve team folks guys mate dear sir madam morning afternoon
        evening urgently asap fyi btw cheers ta thx pls plz grateful glad curious keen happy able possible handy
        perhaps maybe possibly ideally preferably hopefully once more please money r u ur txt sum indicate
        specify mention prepare print send simply quickly quick new? per? produce produced used use uses served
        serve serves supplied supply supplies handled processed fulfilled attracted attract attracts achieve
        achieves distributed valuable important lucrative acquired consumed obtained transacted accumulated
        amassed posted logged captured secured submitted completed reached reach reaches offered traded issued
        raised ever so again already yet go went gone going more true correct case down break off granted given
        goods merchandise wares smooth smoothed tabulate itemise itemize enumerate"""
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
        "to improve",
        "we improve",
        "can improve",
        "could improve",
        "improve our",
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
    "season": tuple(f"{each} {month}" for each in ("every", "each") for month in MONTH_WORDS),
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
        "never ordered",
        "never bought",
        "not bought",
        "not ordered",
        "did not order",
        "did not buy",
        "did not purchase",
        "didn ' t order",
        "didn ' t buy",
        "haven ' t ordered",
        "haven ' t bought",
        "have not ordered",
        "have not bought",
        "has not ordered",
        "stopped ordering",
        "stopped buying",
        "without orders",
        "without any orders",
        "without purchases",
        "no longer",
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
