"""Who holds rights in pictures: works, people and institutions, agencies, publishers."""

from __future__ import annotations

import re

from roco.base.patterns import later
from roco.models.text.credits.tables import any_of, nouns

_WORKS = """
article atlas book brochure catalog catalogue chapter database dataset dissertation encyclopaedia encyclopedia
guideline handbook internet journal literature magazine manual newspaper paper poster press publication publisher
publishing reference report review site textbook thesis web website YouTube
"""
_INSTITUTIONS_AND_PEOPLE = """
academy agency archive artist association author authority bureau census center centre challenge clinic collaboration
collaborator colleague collection college commission committee company consortium corp corporation council department
dept division doctor editor engineer faculty federation foundation gmbh government group hospital illustrator inc
initiative institute institution laboratory lab library llc ltd manufacturer ministry museum office organisation
organization owner patient photographer physician project radiologist register registry school society staff surgeon
survey team technician technologist trial universität universidad universidade university université vendor
"""
_TITLES = "Dr Drs dr drs Prof prof Professor professor Pr Mr Mrs Ms"
HOLDER = later(
    rf"\b(?:{nouns(_WORKS)}|{nouns(_INSTITUTIONS_AND_PEOPLE)}|(?-i:{any_of(_TITLES)})"
    r"|compan(?:y|ies)|laborator(?:y|ies)|societies)\b|https?:|www\.|\.(?:com|org|net|edu|gov)\b",
    re.I,
)

_AGENCIES = """
123rf Adobe_Stock Alamy Blausen Bridgeman Corbis Depositphotos Dreamstime Eurorad Flaticon Flickr Freepik
Getty_Images GettyImages Google_Earth Google_Images Google_Maps Google_Street_View iStock iStockphoto Kenhub
Library_of_Congress Mayo_Foundation MedPix Netter_Collection Netter_Illustration Netter_Illustrations Netter_Images
NetterImages OpenStax OpenStreetMap Pexels Pixabay Primal_Pictures Public_Health_Image_Library Radiology_Assistant
Science_Photo_Library
Science_Source Servier_Medical Shutterstock Shutter_Stock Smart_Servier Smart.Servier Unsplash Wellcome_Collection
Wellcome_Images Wellcome_Library Wikimedia Wikipedia
"""
AGENCIES = (
    rf"\b(?:{any_of(_AGENCIES)})\b|\bradiopaedia|\bnetter['’]s\s+(?:\w+\s+)?(?:atlas|illustrations?)\b|\bgray['’]s\s+anatomy\b"
    r"|\b(?:by|from|of)\s+servier\b|\b(?-i:Visible\s+Body)\b"
)
"""Agencies and collections. BioRender is none: "created with BioRender" names a tool of the authors."""

PUBLISHERS = (
    r"(?:elsevier|springer|wiley|nature|lippincott|wolters|oxford|cambridge|sage|taylor|karger|thieme|ieee|bmj|rsna"
    r"|aaas|mdpi|\w+\s+(?:press|publish\w+|verlag|inc|ltd|llc|gmbh|corp|company|society|foundation|university))\b"
)
