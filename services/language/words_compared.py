"""What English says of time, change, comparison and calculation, and what ties words together: one row per meaning.

Phrases are separated by `|`; `(a/b)` in a phrase stands for either, so that one row holds a family of them.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Kind of word -> meaning -> the phrases that carry it.
COMPARED: Mapping[str, Mapping[str, str]] = {
    "versus": {
        "": """
            (stack up/stacks up/stacked up/measure up/measures up/hold up/holds
            up/fare/fares/fared/compare/compares/line up/lines up) (against/with/to) | vs | versus | compared to |
            compared with | against | v | relative to | in comparison to | in comparison with | as against | vs . |
            as compared to | as compared with | comparison with | comparison to | than in | than for | than | than
            during | than the | and not | as opposed to | beat | beats | outsell | outsold | outperform |
            outperformed | ahead of | behind | compared against | for reference | by way of comparison | from that of
            | next to | alongside | up against | measured up against | held up against | (set/stacked/stacked
            up/measured/pitted/lined up/matched/weighed/benchmarked/held/put) against""",
    },
    "compare": {
        "": """
            compare | comparing | comparison of | comparison | contrast | comparison between | difference between |
            side by side | head to head | next to each other | compares | for comparison | by comparison | as a
            comparison""",
    },
    "growth": {
        "": """
            by how many percent | by how much | by what percentage | by what percent | how many percent | how many
            per cent | by how many per cent | how strongly | gap | gap in | gap between | go up or down | up or down
            | go up | go down | rise or fall | increase or decrease | grow or shrink | growth | growth rate | growth
            of | growth in | change in | change of | change | increase | increase in | percent change | % change |
            percentage change | grow | grew | grown | growing | changed | difference in | difference | variation in |
            rate of growth | % growth | percentage growth | how much more | decrease | decrease in | decline in |
            drop in | rise in | evolution rate | uplift | delta | increased | decreased | rise | how much less | how
            many more | how many fewer | percent growth | growth percentage | gain in | variance | variances |
            variance in | improvement in | change rate | how much
            (bigger/larger/greater/smaller/higher/lower/stronger/weaker/better/worse/heavier/lighter/fewer) |
            shift in | gone up | gone down | went up | went down | how far | jump in | swing in | movement in |
            movements in | fall in | slump in | surge in | dip in | slide in""",
        "prior_year": """
            yoy | year over year | year on year | y / y | yoy growth | year over year growth | year on year growth |
            annual growth | y - o - y | year - over - year | yoy change | yearly growth | year on year change | year
            over year change | annual growth rate | annual change | y o y | yoy % change | growth year over year |
            growth year on year | yoy increase""",
        "month": """
            mom | month over month | month on month | m / m | mom growth | month over month growth | month on month
            growth | monthly growth | monthly change | monthly growth rate | month on month change | month over month
            change | mom change""",
        "quarter": """
            qoq | quarter over quarter | quarter on quarter | q / q | qoq growth | quarter over quarter growth |
            quarterly growth | quarter on quarter growth | quarterly change | quarterly growth rate | quarter on
            quarter change""",
        "week": """
            wow | week over week | week on week | w / w | wow growth | week over week growth | week on week growth |
            weekly growth | weekly change | weekly growth rate""",
        "day": "day over day|day on day|daily growth|daily change|dod",
    },
    "lastyear": {
        "prior_year": """
            a year earlier | the year before | same period last year | the same period last year | one year earlier |
            same period a year ago | the same period a year ago | the same time last year | same time last year | the
            prior year | the previous year | previous year | prior year | the same period of the previous year | the
            year earlier | a year before | same period of last year | the same period of last year | the same period
            in the previous year | year ago | the same period the year before | the corresponding period last year |
            the same months last year | ly | py | sply | (the same/same/the equivalent/equivalent/the
            corresponding/corresponding/the comparable/the matching/the like/the very same)
            (stretch/period/time/point/span/months/days/weeks/window/timeframe/interval/part/spell/range/dates) (last
            year/a year ago/a year earlier/the year before/of last year/in the prior year/of the year before/one year
            earlier/of the previous year/in the previous year/the previous year/a year before/the prior year/one year
            before/one year ago/of the prior year/in last year/of the preceding year/the year prior)""",
        "previous_period": """
            the previous period | previous period | the prior period | prior period | the period before | the
            preceding period | preceding period | last period | the last period | the one before | the period prior |
            the (period/half/quarter/month/week/day)
            (before that/prior to that/before it/preceding it/immediately before)""",
    },
    "share": {
        "of": """
            how big a part of | how large a part of | how big a part | how large a part | how big a slice | how large
            a slice | how big a share | how large a share | how big a chunk | how much of | how much of our | how
            much of the | how much of all | how much of total""",
        "": """
            share of | share | percentage of | percent of | % of | proportion of | contribution of | contribution to
            | fraction of | portion of | percentage | proportion | market share of | market share | what part of |
            part of | contribution | relative share of | % | percentage share of | percentage share | percent share
            of | share of total | percentage of total | % of total | as a percentage | as a share of total | as a
            percentage of total | as % of total | in percent | percent of total | as a share | weight of | proportion
            of total | what percent of | what percentage of | what proportion of | what share of | what fraction of |
            percent | per cent | in per cent | slice of | chunk of |
            (what/which/the/a/our) (slice/chunk/cut/piece/bit) of""",
    },
    "running": {
        "": """
            cumulative | cum | cum . | running total | running total of | running sum | running sum of | cumulated |
            accumulated | cumulatively | running | cumulative total of | cumulative sum of | accumulating |
            cumulative total | cumulative sum | accumulated total of | accumulate | accumulates |
            (build/builds/built/building/mount/mounts/mounted/mounting) up""",
    },
    "average": {
        "": """
            typical | average | avg | mean | on average | averages | average of | averaged | avg . | on an average |
            in the mean | on the average | mean average | averaging | (arithmetic/simple/plain/typical)
            (mean/average)""",
    },
    "moving": {
        "": """
            (moving/rolling) (average/avg/mean) of | moving average | rolling average | moving avg | rolling avg |
            moving mean | rolling mean | moving averages | ma""",
    },
    "trend": {
        "": """
            over time | trend | trends | trending | develop | developed | development | evolve | evolved | evolution
            | time series | timeline | history of | progress | progression | trend of | trend in | trend for |
            evolution of | development of | trend line | track | line chart | developing | historical | time line |
            how did it go | course of | trajectory | trendline | trended | through time | with time | graph over time
            | changed over time | change over time | changing over time | evolving | line graph""",
    },
    "grain": {
        "hour": "hourly|hour by hour|hour for hour|hour after hour|hour to hour",
        "day": "daily|day by day|day to day|day for day|day after day|per calendar day",
        "week": "weekly|week by week|per calendar week|week to week|week for week|week after week",
        "month": """
            monthly | month by month | per calendar month | month to month | month for month | month after month""",
        "quarter": "quarterly|quarter by quarter|quarter to quarter|quarter for quarter",
        "year": """
            yearly | annual | annually | year by year | year to year | year for year | year after year | per annum |
            per calendar year""",
        "day_of_week": """
            weekday | weekdays | day of week | day of the week | days of the week | days of week | week day | week
            days""",
        "hour_of_day": """
            hour of day | hour of the day | hours of the day | hours of day | time of day | time of the day | times
            of day""",
        "month_of_year": """
            month of year | month of the year | months of the year | calendar month | calendar months | seasonality |
            seasonal pattern | seasonality of | seasonal pattern of | seasonally | seasonal | seasonal profile of |
            seasonal profile""",
    },
    "unit": {
        "hour": "hour|hours",
        "day": "day|days|date|dates",
        "week": "week|weeks|wk",
        "month": "month|months|mth",
        "quarter": "quarter|quarters|qtr",
        "year": "year|years|yr",
    },
    "usually": {
        "": "usually|typically|generally|normally|tend to|in general|tends to",
    },
    "filler": {
        "": """
            quick (one/question) | a quick (one/question) | one (question/more) | that of | those of | the (one/ones)
            of | any (idea/clue/chance) | do (you/we) know | i wonder | it interests me | i am
            (searching/seeking/interested in/looking for) | so kind (and/as) to | be so kind (and/as/) | in the
            meantime | right now | for once | taking only | taking just | considering only | counting only | looking
            only at | taking into account only | limited to | restricted to | only counting | considering just |
            focusing on | focussing on | concentrating on | looking at | put together | taken together | added
            together | lumped together | all together | all told | all in all | in aggregate | in all | by chance |
            as one | in one go | at a glance | at once | as well | if possible | if you can | if you could | if you
            please | when you can | when you get a chance | when you have a moment | if you would | a quick look at |
            a look at | a list of | an overview of | an idea of | a feel for | a sense of | a picture of | a view of
            | the picture for | the story for | by the way | for me | for us | to me | to us | for my own use | in
            front of me | up to me | i ' d | i ' m | i ' ll | let ' s | at all | as far as | to date please | thank
            you | many thanks | of course | one by one | so to speak | at the moment | end to end | all of | any of |
            each one | a piece | between them | among them | over the counter | through the door | out of the door |
            out the door | over the line | under our belt | on the books | on our books | in the books | in the bag |
            (running/run/runs/ran/tracking/trending/hovering) at | (through/via) us | our way |
            once (you/we/i/they) |
            (pls/please/you/to/kindly) share | love to | keep wondering | keep asking | out of curiosity |
            just out of curiosity | following up | to follow up | a lot | (an/some) idea |
            off the shelves | off our shelves | through the till | through the tills | to our name""",
    },
    "vague": {
        "": """
            (run - up/runup/run up/lead up/lead - up/build up/build - up/approach) to | around | (shortly/just)
            (before/after)""",
    },
    "prior": {
        "": "before|earlier|prior|preceding|beforehand|previously",
    },
    "apart": {
        "": "individually|respectively|separately|each one separately|in turn|one next to the other",
    },
    "follow": {
        "": "and for|what about|how about|and in|and what about|same for|and the same for|and by",
    },
    "and": {
        "": "and|,|&|plus|x|×|as well as|along with|together with|and also|and the",
    },
    "or": {
        "": "or",
    },
    "to": {
        "": """
            to | from | in | for | w / | thru | at | within | into | of | on | during | with | over | inside | among
            | amongst | through | via | using | between""",
    },
    "new": {
        "new": """
            new | brand new | first time | first - time | newly acquired | newly won""",
        "returning": "returning | repeat | existing | recurring | established",
        "": """
            lost | churned | inactive | loyal | lapsed | one - time | retained | dormant | reactivated | onetime | one
            time""",
    },
}
