"""What is written otherwise than it is said, numbers apart: abbreviations, addresses, Roman numerals, signs."""

from __future__ import annotations

import re

from wavenet.speech.characters import spelt
from wavenet.speech.numbers import cardinal, ordinal, roman
from wavenet.speech.tables import either, table

TITLES = table(  # before a name, with a full stop or without
    """
Dr = doctor; Mr = mister; Mrs = missus; Ms = ms; Prof = professor; St = saint; Messrs = messieurs; Mt = mount
Ft = fort; Rev = reverend; Capt = captain; Sgt = sergeant
"""
)
DOTTED = table(  # with a full stop; what begins with a small letter also with a large one
    """
Gen = general; Col = colonel; Lt = lieutenant; Maj = major; Adm = admiral; Hon = honorable; Cmdr = commander
Gov = governor; Sen = senator; Rep = representative; Pres = president; Dr = drive; St = street; Ave = avenue
Rd = road; Blvd = boulevard; Ln = lane; Hwy = highway; etc = et cetera; incl = including; Esq = esquire
vs = versus; cf = compare; approx = approximately; dept = department; Est = established; Inc = incorporated
Ltd = limited; Corp = corporation; Bros = brothers; Co = company; Jr = junior; Sr = senior; govt = government
Univ = university; e.g = for example; i.e = that is; viz = namely; et al = and others; a.k.a = also known as
Mon = monday; Tue = tuesday; Tues = tuesday; Wed = wednesday; Thu = thursday; Thurs = thursday; Fri = friday
avg = average; misc = miscellaneous; tel = telephone; ext = extension
"""
)
COUNTED = table(  # with a full stop and a number
    """
no = number; nos = numbers; vol = volume; vols = volumes; p = page; pp = pages; ch = chapter; fig = figure
figs = figures; sec = section; art = article; op = opus; eq = equation; c = circa; ca = circa
"""
)
BARE = {
    "vs": "versus",
    "w/o": "without",
    "w/": "with ",
    "aka": "also known as",
    "24/7": "twenty four seven",
    "9/11": "nine eleven",
}
RULERS = (
    "Alexander|Benedict|Charles|Edward|Elizabeth|Francis|Frederick|George|Gregory|Henry|James|John|Leo|Louis|Malcolm|"
    "Mary|Napoleon|Nicholas|Paul|Peter|Philip|Pius|Richard|Robert|Urban|Victoria|William"
)
ENDINGS = "com|org|net|edu|gov|io|ai|uk|us|eu|de|fr|ca|au|info|co|tv|me|dev|app|html|htm|pdf|txt|py|js|csv|json|wav|mp3"
SIGNS = {  # said wherever they are
    **{"&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "/": "slash", "\\": "backslash"},
    **{"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "¢": "cent", "°": "degrees", "µ": "micro"},
}
ALONE = {  # said where they stand alone or between numbers; elsewhere they are layout, as in *this*
    **{"<": "less than", ">": "greater than", "^": "to the power of", "~": "about", "|": "bar"},
    **{"*": "asterisk", "_": "underscore", "#": "hash"},
}
IN_ADDRESSES = {
    ".": "dot",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "#": "hash",
    "~": "tilde",
}


def title(found: re.Match[str]) -> str:
    """Return a title that is written short."""
    return TITLES[found[1]] + " "


def dotted(found: re.Match[str]) -> str:
    """Return an abbreviation that ends with a full stop as words."""
    name = re.sub(r"\s+", " ", found[1])
    return DOTTED.get(name) or DOTTED[name.lower()]


def counted(found: re.Match[str]) -> str:
    """Return an abbreviation before a number as words."""
    return COUNTED[found[1].lower()]


def bare(found: re.Match[str]) -> str:
    """Return an abbreviation without a full stop as words."""
    return BARE[found[0]]


def initials(found: re.Match[str]) -> str:
    """Return letters with full stops, such as ``"U.S."``, marked as letters."""
    return spelt(found[0]) + " "


def address(found: re.Match[str]) -> str:
    """Return an address of mail or the web as words, with each of its signs."""
    shown = re.sub(r"^https?://", "", found[0])
    ending = re.search(r"[.,;:?!)]*$", shown)
    tail = ending[0] if ending else ""  # a sentence may end behind it
    words = []
    for part in re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]", shown.removesuffix(tail)):
        if part.isdigit():
            words.append(cardinal(part))
        elif part.isalpha():
            words.append(spelt(part) if part.lower() == "www" else part.lower() if len(part) > 1 else spelt(part))
        else:
            words.append(IN_ADDRESSES.get(part) or SIGNS.get(part) or ALONE.get(part, " "))
    return f"{' '.join(words)}{tail} "


def numeral(found: re.Match[str]) -> str:
    """Return a Roman numeral behind a name as words: ``"Henry VIII"`` is ``"henry the eighth"``."""
    value = roman(found[2])
    if not value:
        return found[0]
    return f"{found[1]} {'the ' + ordinal(value) if re.fullmatch(RULERS, found[1]) else cardinal(str(value))}"


def sign(found: re.Match[str]) -> str:
    """Return the name of a sign."""
    return f" {SIGNS.get(found[0]) or ALONE[found[0]]} "


def apart(found: re.Match[str]) -> str:
    """Return letters beside a number, as of ``"mp3"``, apart from it: spelt where they are few."""
    return f" {spelt(found[0]) if len(found[0]) <= 2 else found[0]} "


def _either_case(names: dict[str, str]) -> str:
    return either(names | {name.capitalize(): "" for name in names})


FIRST = (
    (r"https?://[^\s<>\"]{1,500}|\bwww\.[^\s<>\"]{1,500}", address),
    (r"\b[A-Za-z\d._%+-]{1,64}@[A-Za-z\d-]{1,63}(?:\.[A-Za-z\d-]{1,63}){1,5}", address),
    (rf"\b(?:[A-Za-z\d_-]{{1,63}}\.){{1,5}}(?:{ENDINGS})\b(?:/[^\s<>\"]{{0,300}})?(?!\.?[A-Za-z\d])", address),
    (rf"(?<![\w/])(?:{either(BARE)})(?![\w/])", bare),
)
RULES = (
    (rf"\b({either(TITLES)})(?:\.? |\.)(?=[A-Z&])", title),
    (rf"(?<![A-Za-z])(?i:({either(COUNTED)}))\.(?=\s*\d)", counted),
    (rf"(?<![A-Za-z.])({_either_case(DOTTED)})\.(?!\w)", dotted),
    (r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?|\bPh\.? ?D\b\.?|\b[A-Z]\.(?=\s+[A-Z])", initials),
    (rf"\b((?:{RULERS})) ([IVX]+)\b", numeral),
    (r"\b([A-Z][A-Za-z]+) ([IVX]{2,})\b", numeral),
    (r"(?<!\S)#(?=\d)", lambda found: "number "),
    (r"(?<!\S)#(?=[A-Za-z])", lambda found: "hashtag "),
    (r"(?<=\d)(?:x| x )(?=\d)", lambda found: " by "),
    (r"(?<=\d) - (?=\d)", lambda found: " minus "),
    (r"(?<=\d)(?:[\u2013-]| \u2013 )(?=\d)|(?<=[ap]m|m\.)[\u2013-](?=\d)", lambda found: " to "),
    (r"(?<=\w)(?:[\u2013-]| \u2013 )(?=[$€£¥₹]\d)", lambda found: " to "),
    (r"(?<=\d):(?=\d)", lambda found: " to "),
    (r"(?<![^\s(\[=<>*/+])-(?=[$€£¥₹]?\.?\d)", lambda found: "minus "),
    (r"(?<![A-Za-z'])[A-Za-z]{1,6}(?=\d)|(?<=\d)[A-Za-z]{1,6}(?![A-Za-z'])", apart),
    (r"={3,}|\+{3,}|\*{3,}|#{3,}|~{3,}|_{3,}|<{3,}|>{3,}|\|{3,}|\^{3,}|-{3,}", lambda found: ", "),
    (r"(?<!\S)[<>^~|*_#](?!\S)|(?<=\d)[<>^*_](?=\d)|(?<!\S)~(?=\d)", sign),
    (r"[&%+=@/\\$€£¥₹¢°µ]", sign),
)
