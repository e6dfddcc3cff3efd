"""The function phrases of English questions, as patterns over a line of codes; see `marks.py` for how they are applied.

A code is a word in lower case, `q1` for the second quantity, `u0` for the first unit that stands alone, `§` for a name.
"""

from __future__ import annotations

import re

from agent.planner.lexicon import ADJECTIVES, DOWN, HIGHEST, LOWEST, STATISTICS, UP

Q = r"(?:about |around |approximately |roughly |exactly |some |the |a )?(?P<q>q\d+)"
_Q2 = r"(?:about |approximately )?(?P<r>q\d+)"
U = r"(?P<u>u\d+)"
_UP = "|".join(UP)
_DOWN = "|".join(DOWN)
_HIGH = "|".join(HIGHEST)
_LOW = "|".join(LOWEST)
_OVER = r"above|over|exceeding|exceeds?|exceeded|beyond|past|surpass(?:es|ing)?|upwards? of|greater|>"
_UNDER = r"below|under|beneath|underneath|short of|<"
_MORE = "more|above|over|up|upwards?|higher|greater|larger|bigger|longer|taller|deeper|older|later|after|warmer|hotter|steeper|stronger|beyond|wider"
_LESS = "less|below|under|lower|fewer|smaller|shorter|shallower|younger|earlier|before|cooler|colder|closer|nearer|weaker"
_SUFFIX = r"(?: (?:in |of )?(?P<adj>deep|tall|high|long|wide|old|thick|steep|large|big|size|area|height|length|depth|width|elevation|altitude|magnitude)(?![^ ]))?"
_FROM = r"(?:away )?(?:from|of|to)"
_AWAY = r"(?:away )?from"
_THAT = r"(?:(?:that|which|who) )?"
_BE = r"(?:(?:is|are|was|were|be|been|being|lie|lies|lying|stand|stands|fall|falls|get|gets|got) )?"
_NOT = r"(?:not|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|cannot|can't|never)"

PATTERNS: tuple[tuple[str, str, str], ...] = (
    # Distances to something
    ("near", "", rf"{_THAT}{_BE}(?:within|in|inside|at) (?:a |an |the )?(?:distance|radius|buffer|range|reach) of {Q} (?:of|from|around|to)"),
    ("near", "", rf"{_THAT}{_BE}(?:within|in|inside) (?:a |an )?{Q}(?: radius| distance| buffer| range| reach)? (?:of|from|around|to)"),
    ("near", "", rf"{_THAT}{_BE}(?:closer|nearer) than {Q} {_FROM}"),
    ("near", "", rf"{_THAT}{_BE}(?:less|not more|no more|no further|no farther|not further|not farther|no greater) than {Q} {_AWAY}"),
    ("near", "", rf"{_THAT}{_BE}(?:at most|up to|under|less than) {Q} (?:{_AWAY}|away of|away)"),
    ("near", "", rf"{_THAT}{_BE}{Q} or (?:less|closer|nearer) {_FROM}"),
    ("near_post", "", rf"{_THAT}{_BE}within (?:a |an )?{Q}(?: radius| distance| buffer| range| reach)?"),
    ("far", "", rf"{_THAT}{_BE}(?:farther|further|more) than {Q} {_AWAY}"),
    ("far", "", rf"{_THAT}{_BE}(?:over|beyond|at least|more than) {Q} (?:{_AWAY}|away)"),
    ("far", "", rf"{_THAT}{_BE}{Q} or (?:more|farther|further) {_AWAY}"),
    ("far", "", rf"{_THAT}{_BE}(?:outside(?: of)?|beyond|{_NOT} within) (?:a )?{Q}(?: radius| distance| buffer| range)? (?:of|from|around)"),
    ("near_vague", "", rf"{_THAT}{_BE}(?:near(?:by)?(?: to)?|close to|in the (?:vicinity|neighbou?rhood|surroundings) of|not far from|in proximity to)"),
    ("touch", "", rf"{_THAT}{_BE}(?:adjacent to|next to|bordering(?: on)?|neighbou?ring|neighbou?rs? of|abutting)"),
    ("touch", "", rf"{_THAT}(?:shar(?:e|es|ing) (?:a |an )?(?:border|boundary|edge) with|touch(?:es|ing)?|border(?= the| on| §))"),
    ("nearest", "", r"(?:(?P<n>q\d+) )?(?:nearest|closest)(?: (?P<n2>q\d+))?"),
    ("farthest", "", r"(?:(?P<n>q\d+) )?(?:farthest|furthest|most distant|most remote|most isolated)(?: (?P<n2>q\d+))?(?: away)?"),
    ("distance", "", r"how far(?: away| apart)?|distances?"),
    # Comparisons
    ("compare", "<=", rf"(?:no|{_NOT}) (?P<up>{_UP}) than {Q}{_SUFFIX}"),
    ("compare", ">=", rf"(?:no|{_NOT}) (?P<up>{_DOWN}) than {Q}{_SUFFIX}"),
    ("compare", ">=", rf"(?P<up>{_UP}) (?:than )?or (?:equal(?: to)?|the same as) {Q}{_SUFFIX}"),
    ("compare", "<=", rf"(?P<up>{_DOWN}) (?:than )?or (?:equal(?: to)?|the same as) {Q}{_SUFFIX}"),
    ("compare", ">", rf"(?:by )?(?P<up>{_UP}) than {Q}{_SUFFIX}"),
    ("compare", "<", rf"(?:by )?(?P<up>{_DOWN}) than {Q}{_SUFFIX}"),
    ("compare", ">", rf"(?:{_OVER}) {Q}{_SUFFIX}"),
    ("compare", "<", rf"(?:{_UNDER}) {Q}{_SUFFIX}"),
    ("compare", ">", rf"(?:{_OVER}) (?:an? |the )?(?P<inner>[^ §]+) (?:of )?{Q}"),
    ("compare", "<", rf"(?:{_UNDER}) (?:an? |the )?(?P<inner>[^ §]+) (?:of )?{Q}"),
    ("compare", ">=", rf"(?:by |at )?(?:at or (?:above|over|beyond)|at least|a minimum of|minimum of|minimum|>=|≥|starting (?:from|at)) {Q}{_SUFFIX}"),
    ("compare", "<=", rf"(?:by |at )?(?:at or (?:below|under)|at most|a maximum of|maximum of|maximum|up to|<=|≤|not exceeding|not over) {Q}{_SUFFIX}"),
    ("compare", ">=", rf"(?:by |at |of |to )?{Q} (?:(?:or|and) (?:{_MORE})|upwards?|\+|plus){_SUFFIX}"),
    ("compare", "<=", rf"(?:by |at |of |to )?{Q} (?:or|and) (?:{_LESS}){_SUFFIX}"),
    ("compare", "=", rf"(?:equal to|equals?|exactly|precisely|=|==) {Q}"),
    ("compare", "!=", rf"(?:!=|≠|{_NOT} equal to|other than|different from) {Q}"),
    ("range", "", rf"(?:in |within |ranging )?(?:the )?(?:range )?(?:between|from|of|in|range|within) {Q} (?:and|to|up to|until|through|-|–) {_Q2}{_SUFFIX}"),
    ("range", "", rf"{Q} (?:to|-|–|through) {_Q2}{_SUFFIX}"),
    ("year", ">=", rf"(?:since|from|starting(?: in)?) (?:the year )?{Q}(?: on| onwards?)?"),
    ("year", ">", rf"after (?:the year )?{Q}"),
    ("year", "<", rf"(?:before|prior to|earlier than) (?:the year )?{Q}"),
    ("year", "<=", rf"(?:until|till|by|up to) (?:the year )?{Q}"),
    ("year", "=", rf"(?:in|during|of|for|from) (?:the year )?{Q}"),
    # Groups
    ("per", "", r"(?P<prep>for|in|within|inside|of|by|per|across|over|on|from|to|at|with|between|and) (?:each|every)(?: and every)?(?: single| individual| one)?(?: of)?"),
    ("per", "", r"(?P<prep>for|in|within|of|by|across) (?:all |the )?(?:individual|different|various|respective|single)"),
    ("per", "", r"per(?: individual| single)?|(?:broken|split|divided|separated|disaggregated|itemi[sz]ed) (?:down |up |out )?(?:by|per|into|for|over)"),
    ("per", "", r"(?:group(?:ed)?|aggregated?|summari[sz]ed?|tabulated?|bucketed) (?:by|per|to|over|for)(?: each| every)?"),
    ("per", "", r"(?:separately|individually|respectively) (?:for|by|in|per)(?: each| every)?|according to(?: each| every)?|each|every"),
    ("by", "", r"by(?: the)?"),
    # Order
    ("rank", "", r"(?:sort|sorted|order|ordered|rank|ranked|ranking|arranged|arrange)(?: of)?(?: (?:them|these|those|it))?"),
    ("order", "desc", rf"(?:from )?(?:the )?(?:{_HIGH}|high|large|big)(?: values?| ones?)? (?:first|to (?:the )?(?:{_LOW}|low|small))"),
    ("order", "asc", rf"(?:from )?(?:the )?(?:{_LOW}|low|small)(?: values?| ones?)? (?:first|to (?:the )?(?:{_HIGH}|high|large|big))"),
    ("order", "desc", r"(?:in )?(?:descending|decreasing)(?: order)?(?: of)?|in reverse order|starting with the (?:largest|highest|biggest|most)"),
    ("order", "asc", r"(?:in )?(?:ascending|increasing)(?: order)?(?: of)?|starting with the (?:smallest|lowest|least)"),
    ("super", "desc", rf"(?:the )?(?:(?P<n>q\d+) )?(?P<adj>{_HIGH})(?: (?P<n2>q\d+))?(?: (?P<adj2>populous|populated|common|frequent|numerous|extensive))?"),
    ("super", "asc", rf"(?:the )?(?:(?P<n>q\d+) )?(?P<adj>{_LOW})(?: (?P<n2>q\d+))?(?: (?P<adj2>populous|populated|common|frequent|numerous|extensive))?"),
    ("super", "desc", r"(?:the )?(?P<adj>max|maximum|maximal)(?= (?:mean|average|avg|median))"),
    ("super", "asc", r"(?:the )?(?P<adj>min|minimum|minimal)(?= (?:mean|average|avg|median))"),
    # Measures
    ("count", "", r"how many(?: different| distinct| individual| separate| unique| of(?: the| these| those)?)?|how numerous"),
    ("count", "", r"(?:the )?(?:total |overall )?(?:numbers?|counts?) of(?: all)?|count(?: up| how many| the number of| all)?|counts|in number"),
    ("unit_measure", "", rf"(?:how many|how much|number of|total) {U}(?: of)?"),
    ("unit_measure", "", rf"{U} of"),
    ("unit", "", rf"(?:in|as|into|using|expressed in|measured in|given in|converted to|convert(?: it| that| this)? (?:to|into)|in terms of) (?:the unit )?{U}"),
    ("unit", "", rf"\( (?:in )?{U} \)"),
    ("share_of", "", r"how much of|(?:what |which )?(?:part|portion|shares?|percentages?|percent|proportions?|fractions?) of"),
    ("share", "", r"(?:what |which )?(?:shares?|percentages?|percent|per cent|proportions?|fractions?|ratios?)|relative area|in relative terms"),
    ("breakdown", "", r"(?:composition|breakdown|make up|makeup|distribution|mix)(?: of)?"),
    ("howmuch", "", r"how much(?: land| area| space| ground| surface| territory)?"),
    ("area", "", r"how (?:large|big|extensive|vast|sizeable|spacious|small)(?: an area)?|(?:the )?(?:surface |land |ground |total |overall |combined )?areas?"),
    ("area", "", r"sizes?|acreage|hectarage|extents?|surface(?= of)"),
    ("coordinates", "", r"(?:the )?(?:geographic(?:al)? |geodetic )?coordinates?|(?:the )?(?:latitudes?|longitudes?) and (?:the )?(?:latitudes?|longitudes?)"),
    ("perimeter", "", r"(?:how long (?:is|are) )?(?:the )?(?:total |overall |combined )?(?:perimeters?|circumferences?)"),
    ("length", "", r"how long|(?:total |overall |combined )?lengths?|kilometrage|mileage"),
    ("howadj", "", rf"how (?P<adj>{'|'.join(ADJECTIVES)})"),
    ("stats", "", r"(?:summary |basic |descriptive |zonal )?(?:statistics|stats|statistic)|statistical summary|summary statistics"),
    ("stat", "std", r"standard deviations?|std dev|st dev"),
    ("stat", "median", r"50th percentile|p50|median|medians"),
    ("stat", "range", r"value range|range(?= of)|spread"),
    ("stat", "majority", r"(?:most|more) (?:common|frequent|widespread|prevalent)|main|predominant|dominant"),
    ("stat", "minority", r"least (?:common|frequent|widespread)|rarest"),
    ("stat", "variety", r"(?:number|count) of (?:different|distinct|unique) (?:values|classes)"),
    ("stat", "mean", r"on average|in the mean|averages?|means?|mean values?"),
    ("stat", "max", r"at (?:most|its (?:deepest|highest|hottest|warmest|steepest))|maxima|highest point|peak value|peak"),
    ("stat", "min", r"at its (?:lowest|coldest|shallowest)|minima|lowest point"),
    ("stat", "sum", r"sum(?: total)?(?: of)?|sums|add up"),
    ("stat", "", rf"(?P<stat>{'|'.join(STATISTICS)})(?: values?)?"),
    ("percentile", "", r"(?P<q>q\d+) (?:th|st|nd|rd) percentiles?|(?P<p>p\d+|\d+(?:th|st|nd|rd)) ?(?:percentiles?)?"),
    ("total", "", r"(?:in )?total|totals|overall|combined|altogether|all together|all in all|cumulative|added up|together"),
    # Sets
    ("lacks", "", rf"(?:that |which )?(?:have|has|having|with|contain|contains|containing|do {_NOT} have|does {_NOT} have) no"),
    ("lacks", "", r"(?:that |which )?(?:without(?: any| an?)?|lack|lacks|lacking|free of|(?:do|does) not (?:have|contain|include|intersect|touch|overlap)(?: any| an?)?)"),
    ("lacks", "", r"(?:that |which )?(?:don't|doesn't) (?:have|contain|include|intersect|touch|overlap)(?: any| an?)?"),
    ("out", "", rf"(?:but )?{_THAT}(?:is |are |was |were |lies? |does |do )?{_NOT} (?:in|inside|within|part of|inside of|on|lying in|lie in|located in|covered by)"),
    ("out", "", rf"(?:but )?{_THAT}(?:is |are |lies? |lying )?outside(?: of)?|excluding|except(?: for)?|minus|without|apart from|leaving out|left out"),
    ("not", "", rf"{_THAT}{_BE}{_NOT}|non|other than"),
    ("touching", "", rf"{_THAT}(?:do |does )?{_BE}(?:intersect(?:s|ed|ing)?|cross(?:es|ed|ing)?|overlap(?:s|ped|ping)?|pass(?:es|ing)? through|run(?:s|ning)? through)(?: with| by)?"),
    ("contain", "", rf"{_THAT}(?:contain(?:s|ing)?|include(?:s)?|including|enclos(?:e|es|ing)|surround(?:s|ing)?|host(?:s|ing)?)(?: at least one| any| an?)?"),
    ("agent", "", rf"{_THAT}{_BE}(?:covered|occupied|taken up|filled|made up|composed|formed|affected|hit|touched|crossed|intersected|impacted|exposed|damaged)(?: by| with| of| to| in the| in)(?: the)?"),
    ("agent", "", rf"{_THAT}{_BE}(?:classified|classed|mapped|labell?ed|marked|tagged|designated|recorded|registered|observed|detected|described|identified|zoned|categori[sz]ed|used) (?:as|for)"),
    ("named", "", r"(?:that |which )?(?:is |are )?(?:called|named)|with the name|by the name of"),
    ("atall", "", r"at all|to any depth|at any depth|in any way"),
    # What kind of question
    ("datasets", "", r"(?:what|which) (?:kind of |sort of |other )?(?:data|datasets|data sets|layers|files|rasters|vectors|sources|data sources|maps)(?: sets?| files?| layers?)?"),
    ("datasets", "", r"(?:list|show|show me|give me|name|display|tell me)(?: me)? (?:all |the |all the |my |your )*(?:available |registered |loaded )?(?:data|datasets|data sets|layers|files|rasters|data sources)"),
    ("datasets", "", r"(?:(?:give|show)(?: me| us)? )?(?:an? |the )?(?:overview|inventory|list|catalogue?|summary) of (?:all |the |my |your )*(?:available |registered |loaded )?(?:data|datasets|data sets|layers|files|data sources)"),
    ("datasets", "", r"what (?:do (?:you|we|i)|have (?:you|we|i)|you) (?:have|got)|what is (?:available|here|there|registered|loaded)|what's (?:available|here|there)"),
    ("help", "", r"help|what can (?:you|i|we) (?:do|ask|answer)(?: for me)?|how (?:does this|do you|do i|can i) (?:work|use|ask|start)(?: this| you)?"),
    ("describe", "", r"describe|tell me (?:more |something |everything )?about|(?:what|which) (?:is|are) in|details? (?:of|on|about|for)|metadata(?: of| for)?|info(?:rmation)?(?: on| about| of| for)?"),
    ("describe", "", r"what (?:do you|can you|do we) (?:know|tell me) about|overview of|summari[sz]e(?!.* (?:by|per|for each|in each|across) )|explain|what (?:does|do)(?= .* (?:contain|hold|include|look like|show))|look like"),
    ("columns", "", r"(?:what|which)? ?(?:columns?|collections?|attributes?|fields?|properties|bands?(?! q)|variables?|crs|coordinate (?:reference )?systems?|projections?|epsg|resolution|pixel sizes?|cell sizes?|bounding box|metadata|schema|nodata(?: values?)?|data types?|geometry types?|licen[cs]es?)"),
    ("map", "", r"(?:(?:show|draw|plot|render|make|create|give|produce|display|see|want|generate|put|view)(?: me| us)? )?(?:(?:it|that|this|them|these|those|the results?|the answer) )?(?:as |on |in |onto )?(?:a |an |the )?(?:new |nice |simple )?(?:maps?|charts?|plot|visuali[sz]ation|figure|picture)(?: of| showing| with| for)?"),
    ("map", "", r"draw|plot|render|visuali[sz]e|map out|sketch"),
    ("map", "it", r"(?:draw|plot|render|visuali[sz]e|map|sketch) (?:it|that|this|them|these|those|the results?|the answer)"),
    ("where", "", r"where(?= is| are| do| does| can| was| were| exactly)"),
    ("difference", "", r"(?:the )?(?:differences?|gap|discrepancy)(?: in| between| of)?|differ|compared? (?:to|with)|compare(?= .* (?:to|with|and) )|comparison(?: of| between)?|versus|vs|change(?: in| between| from)?"),
    ("difference", "", rf"how (?:much|many) (?:{_UP}|{_DOWN})(?= |$)"),
    ("exists", "", r"(?:is|are|was|were) there(?: any| an?| some)?|(?:do|does|did) (?:any|some)"),
    ("list", "", r"which(?: of(?: the| these| those)?)?|list(?: of| out)?(?: all| every)?|(?:what|give me|show me|tell me) (?:is |are )?(?:the )?names? of|enumerate|names? of|identify"),
    ("list", "weak", r"(?:break|split)s?(?: (?:down|up))?|tabulate|summari[sz]e|quantify|estimate|assess|report|provide|derive|compare|check|look up|work out|compute|calculate|determine|measure|show(?: me| us)?|display|give(?: me| us)?|find|name|what|get|return"),
    # Follow-up words
    ("again", "", r"(?:and )?(?:what|how) about|(?:the )?same (?:thing |question |analysis )?(?:for|but|in|with|again)|now(?: for)?|instead|only|just|again"),
    ("pronoun", "", r"(?:of )?(?:it|its|they|their|them|those|these|that one|this one|the ones?|ones|the results?|last results?|previous results?|the last (?:answer|result|one)|the former|the latter|which one|which ones)"),
    # Plain connections
    ("in", "", rf"{_THAT}{_BE}(?:(?P<all>completely|entirely|fully|wholly|totally) )?(?:located |situated |lying |found |contained |living |occurring |present |standing |built |placed )?(?:inside(?: of)?|within|in|across|throughout|over(?! q\d)|on|at(?! (?:or|least|most) )|along|under(?! q\d)|into|amongst?|among)"),
    ("with", "", r"(?:that |which |who )?(?:have|has|had|having|with|whose|where(?: the)?)"),
    ("of", "", r"of"),
    ("for", "", r"for"),
    ("to", "", r"to|towards?"),
    ("from", "", r"from"),
    ("be", "", r"is|are|was|were|be|been|being|does|do|did"),
    ("than", "", r"than"),
    ("and", "and", r"and|&|as well as|plus|,|;|along with|also"),
    ("and", "or", r"or|either"),
    ("there", "", r"there|as well(?! as)"),
    ("between", "", r"between|(?:is |are )?(?:shared|common|covered) (?:by|to|between) both|(?:is |are )?(?:shared|in common|common) (?:by|to|between|with)"),
)  # fmt: skip

_WET = r" of (?:flood |standing |deep )?(?P<wet>water|floodwater)"
_WET_PATTERNS = tuple((kind, arg, pattern.replace(_SUFFIX, _WET)) for kind, arg, pattern in PATTERNS if _SUFFIX in pattern)
"""Limits on a depth told as `more than 2 m of water`."""

RULES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, arg, re.compile(rf"(?:{pattern})(?= )")) for kind, arg, pattern in (*PATTERNS, *_WET_PATTERNS)
)
"""Kind of mark, its argument, and the pattern; at one place the longest match wins, then the first."""
