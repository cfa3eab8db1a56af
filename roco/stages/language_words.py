"""Words, endings and letters that show the language of a caption."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from roco.base.patterns import later


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Only words that no other language uses: no "in", "on", "patient", "axial", "image", "fracture", "CT".
ENGLISH = _words(
    """
    abnormal about above after all also and ankle any appearance are around arrow arrowhead arrowheads arrows artery at
    be been before behind being below beside between bladder blood bone bones both bowel boy brain breast but by calf
    can cannot chest child cord could cyst cysts day days depicting did does duct during each ear edema either elbow
    enhancement enlarged enlargement eye fetal filling findings flow fluid follow following foot for from gallbladder
    girl growth had has have having head heart her hip his how if into is it its jaw joint kidney kidneys knee left leg
    lesions level limb liver lobe location loss lower lung lungs lymph male many marrow mass masses may mild month
    months more most mouth mri muscle muscles narrowing near neck nerve newborn node nodes nose not of off old onset or
    other our out outline ovary over own plain pouch ray rays removal rib ribs right root roots scan scans screw seen
    several severe shadow shoulder show showed showing shown shows side sign since skull slice small soft some spine
    spleen step stomach stone stones such swelling tear teeth than that the their them then there these they thickening
    thickness thigh this those throat through thus tip tissue to tooth toward towards tube tumors ultrasound under until
    up upon upper vein veins view views wall was we week weeks well were when where whether which while white who whose
    width will with within without woman womb wrist year years young
    """
)

OTHERS = {
    "fr": _words(
        """
        abcès adénopathie adénopathies ainsi alors amas ans antérieure anévrisme après artère au aucun aucune autour aux
        avant avec avons bassin bilatérale calcul cancéreux cas cavité ce cerveau ces cet cette chez cliché clichés
        coeur colonne contrôle correspondant cou coude coupe coupes crâne dans de depuis des deux doigt dont droit
        droite droites droits du dû elle en encore enfant enfants est et faite femme fille flèche flèches foie foyer
        fémur garçon gauche gauches genou gros hanche haut hernie homme humérus hématome irm jambe jours jusqu kyste
        kystes la le lequel les leur lors malade malades masse mettant moelle mois montrant montre montrent mâchoire
        même ni niveau nodulaire nourrisson nous nouveau objectivant occupant oeil ont organes osseuse osseux où par
        paroi patiente paupière pelvienne petit petite pied plèvre poignet pondérée postopératoire postérieure poumon
        poumons profil prothèse présence puis quatre que qui rachis radiographie rapport refoulant rehaussement rotule
        réalisée sa sans scannographique scanographie se sein seins selle selon ses siège soit sous sur taille tdm temps
        tissu tissulaire trois très tumeur tumeurs tumorale tête un une utérus veine vers vertèbre vessie visage
        volumineuse volumineux vue échographie échographique épaississement épanchement épaule épiphyse étude été
        évoquant
        """
    ),
    "es": _words(
        """
        absceso al alrededor aprecia apreciándose arteria así aumento años biopsia cabeza cada cadera calcificación caso
        casos cerebro clavícula codo columna como con contraste corazón corte cortes cráneo cual cuello cuerpo cálculo
        de dedo del derecha derecho derrame desde después diagnóstico donde dos días ecografía edad el ella ellos en
        encéfalo entre es esta estas este estos evidencia flecha flechas fractura fuente fémur ganglio hallazgos
        hemorragia herida higado hombre hombro hueso huesos hígado imagen imagenología imágenes intestino izquierda
        izquierdas izquierdo la las le lesiones lesión localización los lóbulo mama mano masa masculino mediante meses
        mismo mostrando muestra mujer muy muñeca más máxima médula neumonía neumotórax nivel niña niño nos nódulo
        nódulos observa observan ojo oído paciente pacientes pared pierna placa placas por presencia prueba próstata
        puede pulmones pulmón páncreas que quiste radiografía realce resonancia riñón rotura rótula se según semanas
        seno señal sin sistema su sus tac también tejido tobillo todo todos torácica tras trombo tórax un una unos
        vejiga vesícula vértebra ósea óseo útero
        """
    ),
    "pt": _words(
        """
        abscesso alguma algumas alguns aneurisma anos ao aos apresentando após artéria até aumento autor axiais bem
        bexiga biópsia braço cabeça cada calcificação caso casos cisto coluna com como contraste coração corpo corte
        cortes costela cotovelo criança crânio cálculo cérebro da das de depois derrame desde destaque dias direita
        direito do doente dois dos em encéfalo enfisema entre esquerda esquerdo essa esse esta este estudo estômago
        evidenciando exame feminino foi fonte fratura fêmur fígado grau hemorragia homem hérnia ilustração imagem
        imagens intestino joelho já lado lesão lesões lobo lombar mais mandíbula masculino massa meio meses mesma mesmo
        mostra mostrando muito mulher mão na nas nem nos num numa não nível nódulos observa obtida obtido ombro onde
        osso ossos ou ovário ovários paciente pacientes parede pela pelas pelo pelos perna pescoço pneumotórax polegar
        por poro porção presença próstata pulmonares pulmão pulmões punho pâncreas pé quadril quando quatro que
        radiografia raio raios realce reconstrução ressonância rins rmn rotina sangue se segunda segundo sem seta setas
        seu sinal sob sua são também tecido tem todas todos tomografia tornozelo trombo trás tíbia tórax ultrassom
        ultrassonografia uma uns vesícula vista visível à área ângulo óssea ósseo útero
        """
    ),
    "it": _words(
        """
        agli al alla alle anche aneurisma anni arteria ascesso aspetto aumento bacino bambina bambino braccio
        calcificazione calcolo caso caviglia cervello che cisti collo colonna con contrasto coscia cranio cui cuore da
        dal dalla dalle degli dei del della delle dello dente denti destra destro di dito donna dopo dove ecografia ed
        encefalo epatica epatico ernia evidenzia fegato femore fonte frattura fratture frecce freccia gamba ginocchio
        giorni gli gomito il immagine immagini indica indicano inferiore la le lesione lesioni linfonodi linfonodo
        livello lo mammella mano massa mediastino mesi mezzo midollo milza mostra mostrano mostrante nei nel nella nelle
        nodulo ogni omero ossa ossea osseo osso ovaio parete paziente pazienti piede pleurico polmonare polmone polmoni
        polmonite polso presenza radiografia radiografico rene reni risonanza rmn rottura sede seno senza settimane si
        sinistra sinistri sinistro sono spalla stomaco sul sulla superiore tac tessuto testa tiroide tomografia
        tomografica torace tra tramite trombo tutti un una uno uomo versamenti versamento vescica visibile visibili
        vista
        """
    ),
    "de": _words(
        """
        abbildung abdominelle abszess als anteil arterie auf aufnahme aus axialer axiales bauch becken beckens befund
        bei beide beiden beidseits beim bereich bilder bis blutung brust coronare daneben dargestellt das dem den der
        des deutlich deutliche dorsale drei durch ein eine einem einen einer eines entzündung erkennbar etwa femurs
        fraktur frontale für gallenblase gallenstein gefäße gehirn gelenk geschlecht gewebe große großer größe
        halswirbelsäule harnblase herz hirn hirnblutung höhe im ist jahre jahren jährige jährigen jähriger karzinom
        keine kindes knie kniegelenk knochen kontrastmittel konventionelle kopf koronare laterale leber leberzyste
        lendenwirbelsäule linke linken linker linkes linksseitig luftröhre lunge lungenflügel lymphknoten magen mediale
        mehrere milz mit monate monaten mrt muskel nach nachweis nasennebenhöhlen nativ neben netzhaut nicht niere
        nieren oberarm obere oberen oberer oberkiefer ohne patientin patientinnen pfeil pfeile plattenepithelkarzinom
        pleuraerguss postoperativ präoperativ quelle raumforderung rechte rechten rechter rechtes rechts rechtsseitig
        röntgen rücken sagittale schilddrüse schlagader schnitt schulter schädel sehne seit seite seitlich seitliche
        seitliches sich sichtbar sind sowie speiseröhre sprunggelenk stelle ultraschall und unten untere unteren unterer
        unterkiefer verdacht vergrößerte verlauf verletzung vom vor vorne wirbelsäule wurde wurden während zahn zeigen
        zeigt zeigte zum zur zwei zwischen zyste zysten über
        """
    ),
}
"""Function words and radiology words by language, in lower case; none is also English."""

# An ending needs two or three letters before it: "lung" is not a German noun with the ending -ung.
_ENDINGS = {
    "en": "[a-z]{2,}graphs?|[a-z]{2,}(?:graphy|megaly|pathy|tomy|scopy|plasty|logy|trophy|therapy|ness)"
    "|[a-z]{3,}(?:ical|ic|ing|ed|ous|ary|ity|ly)",
    "fr": "[a-zé]{3,}(?:iques?|aires?|eux|euses?|iennes?|nelles?)|[a-zé]{2,}(?:graph|scop|path|tom|log|megal|troph)ie",
    "es": "[a-z]{3,}(?:dad|dades|miento|mientos|ciones)|[a-z]{2,}(?:graf|scop|pat|tom|log)ias?",
    "pt": "[a-z]{3,}(?:dades?|amentos?|agem|cao|coes)|[a-z]{2,}(?:graf|scop|pat|tom|log)ias?",
    "it": "[a-z]{3,}(?:zion[ei]|ment[oi]|ezza|iche)|[a-z]{2,}(?:graf|scop|pat|tom|log)ia",
    "de": "[a-zäöü]{3,}(?:ung|ungen|keit|heit|lich|liche[mnrs]?|ische?[mnrs]?|gelenks?|aufnahmen?|befund|knochen|bruch"
    "|bild|erguss|zysten?|fraktur(?:en)?|karzinom|metastasen?|arterien?|venen?|drüse)"
    "|[a-z]{2,}(?:graph|graf|skop|path|tom|log|megal)ien?",
}
_ENDING = {language: later(pattern) for language, pattern in _ENDINGS.items()}
_WEAK = re.compile("[a-z]{3,}(?:ic[oa]s?|ad[oa]s?)")  # Spanish, Portuguese, Italian, but also species names
_EITHER = _words(  # used in English and other languages, whatever their endings and accents suggest
    """
    antique critique oblique obliques physique technique techniques unique questionnaire questionnaires samsung
    diagnostic pronostic pared gering café déjà façade naïve née rôle résumé à
    """
)
_BORROWED = re.compile(
    r"\b(?:et al|en (?:bloc|face|plaque|passant|masse)|de (?:novo|quervain|facto)|von (?=hippel|reck|will|meyen|gierke)"
    r"|café au lait|cul[- ]de[- ]sac|a la|au lait|torsades? de pointes|tour de|mal de|vis a vis|status post)\b",
    re.I,
)
_ELIDED = re.compile(r"(?<![\w'’])(?:[ldnsjmc]|qu|(?:d?e|n?e|s?u|d?a|a)ll|un)['’](?=[^\W\d_])", re.I)
_WORD = re.compile(r"[^\W\d_]+")
_ABBREVIATED = frozenset(("irm", "mri", "mrt", "rmn", "tac", "tdm"))
_ACCENTED = re.compile("[ß-åç-öø-ÿĀ-őŔ-ſ]")  # without æ and œ, which occur in British English


class Marks(NamedTuple):
    """Marks of a caption's language: the words counted, the marks of English and of other languages.

    language: the other language with most marks, None without any.
    """

    words: int
    english: float
    other: float
    language: str | None


def marks(caption: str) -> Marks:
    """Counts the marks of a caption's language: 1 for a word, ending or accent, 0.5 for a less certain mark."""
    text = _BORROWED.sub(" ", caption)
    tokens = _WORD.findall(text)
    all_capitals = text.isupper() and any(len(token) > 3 for token in tokens)
    words = 0
    english = 0.0
    other = float(len(_ELIDED.findall(text))) if "'" in text or "’" in text else 0.0
    languages: list[str] = []
    for i, token in enumerate(tokens):
        # A capital shows an abbreviation or a name, unless the word starts the caption or everything is in capitals.
        is_first_word = i == 0 and not token.isupper()
        mark = _mark(token, all_capitals or is_first_word)
        if mark is None:
            continue
        words += 1
        english += mark.english
        other += mark.other
        languages += mark.languages
    return Marks(words, english, other, Counter(languages).most_common(1)[0][0] if languages else None)


def has_other_marks(caption: str) -> bool:
    """Returns whether a caption may have a mark of another language: without one, `marks(caption).other` is 0.

    Most captions have none, and this finds out in a third of the time.
    """
    if not _WITHOUT_MARKS.issuperset(tokens := _WORD.findall(caption)):
        if any(_is_marked(token) for token in tokens):
            return True
        if len(_WITHOUT_MARKS) < _MOST_WORDS:
            _WITHOUT_MARKS.update(tokens)
    return ("'" in caption or "’" in caption) and _ELIDED.search(caption) is not None


_WITHOUT_MARKS: set[str] = set()
_MOST_WORDS = 1 << 16


def _is_marked(token: str) -> bool:
    return any(mark is not None and mark.other > 0 for mark in (_mark(token, True), _mark(token, False)))


class _Mark(NamedTuple):
    english: float = 0.0
    other: float = 0.0
    languages: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 16)
def _mark(written: str, any_case: bool) -> _Mark | None:
    """Returns the mark of one word; None for an abbreviation: LA is an atrium, Ao an aorta, Na sodium."""
    word = written.casefold()
    if len(word) <= 3 and not (any_case or written.islower() or word in _ABBREVIATED):
        return None
    if word in ENGLISH:
        return _Mark(english=1)
    if word in _EITHER:
        return _Mark()
    languages = tuple(name for name, known in OTHERS.items() if word in known or _ENDING[name].fullmatch(word))
    if languages:
        return _Mark(other=1, languages=languages)
    if _ACCENTED.search(word):
        return _Mark(other=1 if written.islower() else 0.5)  # a capitalised word may be a name
    if _WEAK.fullmatch(word):
        return _Mark(other=0.5)
    return _Mark(english=0.5 if _ENDING["en"].fullmatch(word) else 0.0)
