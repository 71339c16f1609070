"""The words messy files use: for nothing, for yes and no, for units and money.

Everything is compared in lower case with single spaces. Two lists stand for "missing": spellings
that mean it anywhere, and spellings that can also be an honest category ("none", "unknown") and
are therefore read as missing only among numbers and dates.
"""

from __future__ import annotations

import re

__all__ = [
    "COUNTED_WORDS",
    "CURRENCIES",
    "CURRENCY_OF",
    "ERROR_MARKS",
    "HEADER_WORDS",
    "ID_WORDS",
    "MAGNITUDES",
    "MISSING_ALWAYS",
    "MISSING_AMONG_NUMBERS",
    "OPPOSED_SUFFIXES",
    "PAIRS",
    "PAST_WORDS",
    "SENTINELS",
    "TIME_WORDS",
    "UNITS",
    "fold",
    "never_zero",
    "unit_key",
    "unit_of",
    "words_of",
]


def _words(text: str) -> frozenset[str]:
    """Split a list of words at bars, spaces around them left out."""
    return frozenset(word.strip() for word in text.split("|"))


#: Results of a failed spreadsheet formula.
ERROR_MARKS = _words("#n/a | #na | #value! | #ref! | #div/0! | #null! | #num! | #name?")

#: Means "no value" in any column, a blank cell too.
MISSING_ALWAYS = ERROR_MARKS | _words(
    r"""| ? | ?? | - | -- | --- | . | .. | na | n/a | n.a. | n.a | nan | null | nul | <na> | <null>
    | n. def. | n.def. | (null) | (blank) | \n | nat | not available | no data | missing
    | (missing) | character(0) | numeric(0) | integer(0) | logical(0)"""
)

#: Means "no value" among numbers and dates, and may be a category among words.
MISSING_AMONG_NUMBERS = _words(
    """none | nil | unknown | unk | not known | not recorded | not measured | undefined | n/d | nd
    | n.d. | undetermined | tbd | tba | x | * | invalid | error | empty | not applicable
    | not sampled"""
)

#: Numbers that people write where they have none.
SENTINELS = (
    *(0.0, -1.0, -7.0, -8.0, -9.0, -9.9, -9.99, -999.25),
    *(sign * float(digit * n) for sign in (-1, 1) for digit in "987" for n in range(2, 9)),
    *(sign * value for sign in (-1, 1) for value in (99.9, 999.9, 9999.9, 99.99, 999.99, 9999.99)),
    # The ends of two integer types, and powers of ten that nobody measures.
    *(32767.0, -32768.0, 2147483647.0, -2147483648.0, 1e9, -1e9, 1e10, -1e10, 1e20, 1e30),
)

#: Two-valued vocabularies, each a pair of synonym sets.
PAIRS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (
        _words("yes | y | true | t | 1 | 1.0 | on | ja | j | oui | si | sí | vrai"),
        _words("no | n | false | f | 0 | 0.0 | off | nein | non | faux"),
    ),
    (_words("male | m | man"), _words("female | f | woman | w")),
)

#: Signs of money before or after a number.
_CURRENCY_TABLE = """
$ US$ USD | € EUR | £ GBP | ¥ JPY | ₹ INR | ₽ RUB | CHF | C$ CA$ CAD | A$ AU$ AUD | NZ$ NZD
| HK$ HKD | S$ SGD | R$ BRL | MX$ MXN | CNY RMB | ₩ KRW | ₺ TRY | ₪ ILS | ₴ UAH | ₦ NGN | ₱ PHP
| ฿ THB | ₫ VND | SEK | NOK | DKK | PLN | CZK | HUF | ZAR
"""
#: ... and which money each stands for, by the first sign of its kind.
CURRENCY_OF: dict[str, str] = {
    sign: signs.split()[0] for signs in _CURRENCY_TABLE.split("|") for sign in signs.split()
}
#: The longest first, so that US$ is not read as a $.
CURRENCIES = tuple(sorted(CURRENCY_OF, key=lambda sign: (-len(sign), sign)))

_UNIT_TABLE = """
length              | 1e-9           | nm
length              | 1e-6           | um µm μm micron microns
length              | 1e-3           | mm mms millimetre millimetres millimeter millimeters
length              | 1e-2           | cm cms centimetre centimetres centimeter centimeters
length              | 1              | m metre meter metres meters
length              | 1e3            | km kms kilometre kilometres kilometer kilometers
length              | 0.0254         | in inch inches "
length              | 0.3048         | ft foot feet
length              | 1609.344       | mi mile miles
mass                | 1e-9           | ug µg μg mcg
mass                | 1e-6           | mg
mass                | 1e-3           | g gr gram grams
mass                | 1              | kg kgs kilo kilos kilogram kilograms
mass                | 0.45359237     | lb lbs pound pounds
mass                | 0.028349523125 | oz ounce ounces
time                | 1e-6           | us µs μs
time                | 1e-3           | ms msec
time                | 1              | s sec secs second seconds
time                | 60             | min mins minute minutes
time                | 3600           | h hr hrs hour hours
time                | 86400          | d day days
time                | 604800         | week weeks wk wks
current or pressure | 1e-12          | pa
current             | 1e-9           | na
current             | 1e-6           | ua µa μa
current             | 1e-3           | ma
voltage             | 1e-6           | uv µv μv
voltage             | 1e-3           | mv
voltage             | 1              | v volt volts
voltage             | 1e3            | kv
frequency           | 1              | hz
frequency           | 1e3            | khz
frequency           | 1e6            | mhz
volume              | 1e-3           | ml
volume              | 1e-2           | cl
volume              | 1              | l litre liter litres liters
pressure            | 133.322387415  | mmhg
pressure            | 1e2            | hpa mbar
pressure            | 1e3            | kpa
pressure            | 1e5            | bar
pressure            | 6894.757293168 | psi
energy              | 1              | j joule joules
energy              | 1e3            | kj
energy              | 4184           | kcal
power               | 1              | w watt watts
power               | 1e3            | kw
rate                | 1              | bpm rpm
speed               | 1              | km/h kmh kph
speed               | 1.609344       | mph
temperature in °C   | 1              | °c
temperature in °F   | 1              | °f
glucose in mg/dl    | 1              | mg/dl
amount in a litre   | 1e-3           | mmol/l
amount in a litre   | 1e-6           | umol/l µmol/l μmol/l
area                | 1              | m² sqm
area                | 0.09290304     | sqft ft²
years or months     | 12             | year years yr yrs
years or months     | 1              | month months
memory              | 1e3            | kb
memory              | 1e6            | mb
memory              | 1e9            | gb
memory              | 1e12           | tb
memory              | 1024           | kib
memory              | 1048576        | mib
memory              | 1073741824     | gib
count               | 1e3            | k
count               | 1e6            | mio mn million
"""
#: Unit spelling -> (dimension, how many of the dimension's base unit it is).
UNITS: dict[str, tuple[str, str]] = {
    unit: (dimension.strip(), size.strip())
    for dimension, size, units in (line.split("|") for line in _UNIT_TABLE.strip().splitlines())
    for unit in units.split()
}

#: Behind a number these are half of what it says (halves of a day, sides of the globe, eras, debit
#: and credit, ordinals, two scales of temperature), with what to multiply by where that is known.
OPPOSED_SUFFIXES: dict[str, str] = {
    suffix: factor
    for factor, suffixes in (
        ("", "am pm a.m p.m cr dr credit debit c f °c °f"),
        ("1", "n e north east ad ce st nd rd th"),
        ("-1", "s w south west bc bce"),
    )
    for suffix in suffixes.split()
}

#: Suffixes that multiply a number. Single letters are units elsewhere.
MAGNITUDES: dict[str, str] = {
    suffix: size
    for size, suffixes in (
        ("1000", "k thousand thousands tsd"),
        ("100000", "lakh lakhs lac"),
        ("1000000", "m mm mn mio million millions mil"),
        ("10000000", "crore crores cr"),
        ("1000000000", "b bn billion billions mrd"),
        ("1000000000000", "t tn trillion trillions"),
    )
    for suffix in suffixes.split()
}

#: Words in a column's name that say "this is a label of the row".
ID_WORDS = _words(
    """id | ids | uid | uuid | guid | key | code | index | idx | no | nr | num | number | ref
    | reference | serial | record | rownum | unnamed | identifier"""
)

#: Words in a column's name that say a quantity, which may well rise by one from row to row.
COUNTED_WORDS = _words(
    """year | yr | years | month | months | week | weeks | day | days | hour | hours | minute
    | minutes | second | seconds | time | date | period | quarter | season | age | dose | distance
    | depth | height | length | width | size | speed | temperature | temp | step | epoch | round
    | lap | game | rank | score | price | x | t | lag"""
)

#: Words in a column's name that say "this is a time".
TIME_WORDS = _words("date | day | month | quarter | week | year | time | period | when")

#: Words in a column's name that say "this is past".
PAST_WORDS = _words(
    """birth | birthdate | birthday | dob | born | died | death | dod | deceased | hired | hire
    | joined | founded | established | admission | admitted | enrolled | diagnosis | diagnosed
    | onset | geburtsdatum | geburtstag | naissance | nacimiento"""
)

#: Words that are the name of a column and hardly ever a cell.
HEADER_WORDS = _words(
    """id | name | names | date | year | month | day | time | country | countries | state | city
    | county | region | province | continent | code | type | category | class | group | sex
    | gender | age | value | variable | species | unit | units | description | title | label"""
)

#: Quantities of a living body or a physical thing that are never zero ...
_NEVER_ZERO = _words(
    """height | hgt | ht | weight | wgt | wt | bmi | bp | sbp | dbp | trestbps | systolic
    | diastolic | glucose | insulin | skin thickness | skinfold thickness | skin fold thickness
    | triceps thickness | cholesterol | chol | ldl | hdl | pulse | bpm | thalach | hemoglobin
    | haemoglobin | hematocrit | haematocrit | albumin | creatinine | bilirubin | platelets
    | horsepower | mpg | wheelbase | year | blood pressure | barometric pressure
    | atmospheric pressure | air pressure | sea level pressure | serum sodium | serum potassium
    | serum calcium"""
)
#: ... where the name says nothing else, but perhaps how, when or in what unit they were measured.
_COMPANIONS = _words(
    """mean | avg | average | median | max | min | maximum | minimum | level | levels | value
    | values | measured | rest | resting | fasting | serum | plasma | blood | body | patient
    | baseline | initial | first | last | systolic | diastolic | dl | number"""
)


def words_of(name: str) -> list[str]:
    """Return the words of a column's name in lower case, however they are joined.

    Examples
    --------
    >>> words_of("BloodPressure"), words_of("skin_fold (mm)")
    (['blood', 'pressure'], ['skin', 'fold', 'mm'])
    """
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [w for w in re.split(r"[^A-Za-z0-9]+", spaced.casefold()) if w]


def never_zero(name: str) -> bool:
    """Tell whether a column's name is that of a quantity that cannot be zero.

    One word more may make another quantity of it: nobody weighs nothing, a tumour may.

    Examples
    --------
    >>> [never_zero(n) for n in ("SkinThickness", "weight (kg)", "tumour_weight", "score")]
    [True, True, False, False]
    """
    words = words_of(name)
    for size in (3, 2, 1):
        for k in range(len(words) - size + 1):
            rest = words[:k] + words[k + size :]
            if " ".join(words[k : k + size]) in _NEVER_ZERO and all(map(_companion, rest)):
                return True
    return False


def _companion(word: str) -> bool:
    return word in _COMPANIONS or word.isdigit() or word in UNITS


def unit_key(suffix: str) -> str:
    """Return how a unit is looked up: no case, no full stop.

    Examples
    --------
    >>> unit_key("Cm."), unit_key("KG")
    ('cm', 'kg')
    """
    return fold(suffix).rstrip(".")


def unit_of(suffix: str) -> tuple[str, str]:
    """Return the dimension of a unit and its size; empty and ``"1"`` where it is none we know.

    Examples
    --------
    >>> unit_of("pA"), unit_of("Pa"), unit_of("KG"), unit_of("boxes")
    (('current', '1e-12'), ('pressure', '1'), ('mass', '1'), ('', '1'))
    """
    by_case = {"pA": ("current", "1e-12"), "Pa": ("pressure", "1")}
    return by_case.get(suffix.strip(" ."), UNITS.get(unit_key(suffix), ("", "1")))


def fold(text: str) -> str:
    """Return the text in lower case with single spaces and none at its ends.

    Examples
    --------
    >>> fold("  New   York ")
    'new york'
    """
    return " ".join(text.split()).casefold()
