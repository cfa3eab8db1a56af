"""The words that lead to an address: "Further details can be found at", "see also the website", "DOI:", "Video 1:"."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


THINGS = _words("""
    doi dois url urls uri link links hyperlink hyperlinks website websites site sites web webpage webpages page pages
    homepage home identifier identifiers address addresses internet online e-mail e-mails email emails mail orcid id ids
    source sources reference references ref refs detail details information info data dataset datasets database
    databases repository repositories code codes script scripts software program archive archives server portal copy
    copies version versions file files document documents folder tool tools atlas
    supplement supplements supplementary supplemental supporting material materials appendix
    video videos movie movies film clip clips animation animations audio figure figures fig fig. figs figs. image images
    imaging picture pictures photo photos photograph photographs illustration illustrations table tables panel panels
    permission permissions qr legend legends caption captions
    article articles paper papers publication publications text wiki wikipedia wikimedia
    commons github figshare zenodo dryad osf license licence licenses licences terms credit credits courtesy authors
    author correspondence project projects instructions tutorial documentation manual protocol protocols description
    descriptions list lists results example examples case
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september october
    november december
    fuente fonte quelle
""")
"""Nouns that name the address, or what is found there."""

GOVERNORS = _words("""
    at on in from to via by of for with under through into onto within per than like near between against without using
    including about as see visit contact access read view watch consult check click follow
    en sur unter auf em
""")
"""Words that need an object: without the address the sentence would break off after them."""

STARTERS = _words("""
    available accessible accessed downloadable archived deposited hosted posted published retrieved obtained downloaded
    provided courtesy found located freely publicly openly adapted modified reproduced taken cited described listed see
    disponible disponível
""")
"""Words that begin a phrase on the address after a noun: "the atlas available at", "CT courtesy of"."""

RELATIVES = _words("that which as")
"""They begin such a phrase too, if an auxiliary or a participle follows: "that is available at", "as described at"."""

LABELS = ("doi", "url", "uri", "link", "orcid", "orcid id", "e-mail", "email")
"""Words that are removed with the address even after other words: "A. Smith, ORCID …"."""

CONJUNCTIONS = _words("and or & but")

AUXILIARIES = _words("""
    is are was were be been being can could may might should shall will would has have had do does did made become
    became not now also currently only then still further freely publicly openly online directly to
""")
"""A starter after one of these does not begin a phrase of its own: "is freely available at"."""

OTHERS = _words("""
    the a an this these those it its their our we us you they i he she here there who
    is are was were be been being can could may might should shall will would has have had do does did made
    found find obtained obtain downloaded download retrieved retrieve archived deposited hosted posted published
    provided provide watched viewed seen checked consulted visited referred refer go located listed described displayed
    played stored uploaded shared released linked given adapted modified reproduced reprinted taken cited accessed
    accessible available downloadable got opened
    please more further full fuller complete additional detailed all other others each any also now currently not only
    both freely publicly openly online directly free open electronic electronically original high higher low resolution
    quality color colour colored coloured enhanced interactive dynamic live entire whole large larger last e.g. i.e. cf.
    cf following above below corresponding author's supplied associated related same latest new official public
    digital object full-size full-resolution high-resolution low-resolution
""")
"""All other words of such phrases: articles, auxiliaries, verbs, adverbs and adjectives."""

REFERENCES = (
    "tables?",
    "figures?",
    "figs?",
    "appendix",
    "supplement",
    "video",
    "movie",
    "text",
    "section",
    "box",
    "refs?",
)
"""Words that begin a second object after the address: "see [address] and Table 2"."""
