"""Units of measure: what a UCUM code means in base units, exactly.

The tables hold all units of UCUM 2.2: what is not in them is no UCUM. Arbitrary units (`[iU]`) are dimensions of their
own, as UCUM asks, and so are special ones (`dB`) but for the temperatures.
Conversion is by fractions: the UCUM libraries on PyPI convert by floats (`4 'g' = 4000 'mg'` must hold) or need a JVM.

https://ucum.org/ucum
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

SYSTEM = "http://unitsofmeasure.org"

Dimension = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """`value * factor + offset` is the value in base units of this dimension."""

    factor: Fraction
    dimension: Dimension
    offset: Fraction = Fraction(0)


PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
BINARY_PREFIXES = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
BASES = ("m", "s", "g", "rad", "K", "C", "cd")

# code: (factor, in which unit). https://ucum.org/ucum#section-Tables-of-Terminal-Symbols
METRIC: dict[str, tuple[str, str]] = {
    "mol": ("6.0221367e23", "1"), "sr": ("1", "rad2"), "Hz": ("1", "s-1"), "N": ("1", "kg.m/s2"),
    "Pa": ("1", "N/m2"), "J": ("1", "N.m"), "W": ("1", "J/s"), "A": ("1", "C/s"), "V": ("1", "J/C"),
    "F": ("1", "C/V"), "Ohm": ("1", "V/A"), "S": ("1", "Ohm-1"), "Wb": ("1", "V.s"), "T": ("1", "Wb/m2"),
    "H": ("1", "Wb/A"), "lm": ("1", "cd.sr"), "lx": ("1", "lm/m2"), "Bq": ("1", "s-1"), "Gy": ("1", "J/kg"),
    "Sv": ("1", "J/kg"), "l": ("1", "dm3"), "L": ("1", "l"), "ar": ("100", "m2"), "t": ("1000", "kg"),
    "bar": ("1e5", "Pa"), "u": ("1.6605402e-24", "g"), "eV": ("1.60217733e-19", "J"), "st": ("1", "m3"),
    "St": ("1", "cm2/s"),
    "dyn": ("1", "g.cm/s2"), "erg": ("1", "dyn.cm"), "P": ("1", "dyn.s/cm2"), "Ci": ("3.7e10", "Bq"),
    "R": ("2.58e-4", "C/kg"), "RAD": ("100", "erg/g"), "REM": ("1", "RAD"), "cal": ("4.184", "J"),
    "cal_[15]": ("4.18580", "J"), "cal_[20]": ("4.18190", "J"), "cal_IT": ("4.1868", "J"), "cal_th": ("4.184", "J"),
    "cal_m": ("4.19002", "J"), "eq": ("1", "mol"), "osm": ("1", "mol"), "kat": ("1", "mol/s"),
    "U": ("1", "umol/min"), "g%": ("1", "g/dl"), "m[H2O]": ("9.80665", "kPa"), "m[Hg]": ("133.3220", "kPa"),
    "bit": ("1", "1"), "By": ("8", "bit"), "Bd": ("1", "s-1"), "tex": ("1", "g/km"), "pc": ("3.085678e16", "m"),
    "[c]": ("299792458", "m/s"), "[h]": ("6.62607015e-34", "J.s"), "[k]": ("1.380649e-23", "J/K"),
    "[eps_0]": ("8.854187817e-12", "F/m"), "[mu_0]": ("1", "4.[pi].10*-7.N/A2"), "[e]": ("1.602176634e-19", "C"),
    "[m_e]": ("9.1093837139e-31", "kg"), "[m_p]": ("1.67262192595e-27", "kg"), "[G]": ("6.67430e-11", "m3.kg-1.s-2"),
    "[g]": ("9.80665", "m/s2"), "[ly]": ("1", "[c].a_j"), "gf": ("1", "g.[g]"), "Ky": ("1", "cm-1"),
    "Gal": ("1", "cm/s2"), "Bi": ("10", "A"), "Mx": ("1e-8", "Wb"), "G": ("1e-4", "T"), "Oe": ("250", "/[pi].A/m"),
    "Gb": ("1", "Oe.cm"), "sb": ("1", "cd/cm2"), "Lmb": ("1", "cd/cm2/[pi]"), "ph": ("1e-4", "lx"), "mho": ("1", "S"),
}  # fmt: skip
NOT_METRIC: dict[str, tuple[str, str]] = {
    "10*": ("10", "1"), "10^": ("10", "1"), "%": ("0.01", "1"), "[ppth]": ("1e-3", "1"), "[ppm]": ("1e-6", "1"),
    "[ppb]": ("1e-9", "1"), "[pptr]": ("1e-12", "1"),
    "[pi]": ("3.1415926535897932384626433832795028841971693993751", "1"), "gon": ("0.9", "deg"),
    "deg": ("2", "[pi].rad/360"), "'": ("1", "deg/60"), "''": ("1", "'/60"), "circ": ("2", "[pi].rad"),
    "min": ("60", "s"), "h": ("60", "min"), "d": ("24", "h"), "wk": ("7", "d"), "a_t": ("365.24219", "d"),
    "a_j": ("365.25", "d"), "a_g": ("365.2425", "d"), "a": ("1", "a_j"), "mo_s": ("29.53059", "d"),
    "mo_j": ("1", "a_j/12"), "mo_g": ("1", "a_g/12"), "mo": ("1", "mo_j"), "atm": ("101325", "Pa"),
    "Ao": ("0.1", "nm"), "b": ("100", "fm2"),
    "[in_i]": ("2.54", "cm"), "[ft_i]": ("12", "[in_i]"), "[yd_i]": ("3", "[ft_i]"), "[mi_i]": ("5280", "[ft_i]"),
    "[nmi_i]": ("1852", "m"), "[sin_i]": ("1", "[in_i]2"), "[sft_i]": ("1", "[ft_i]2"), "[cin_i]": ("1", "[in_i]3"),
    "[cft_i]": ("1", "[ft_i]3"), "[gal_us]": ("231", "[in_i]3"), "[qt_us]": ("1", "[gal_us]/4"),
    "[pt_us]": ("1", "[qt_us]/2"), "[foz_us]": ("1", "[pt_us]/16"), "[cup_us]": ("16", "[tbs_us]"),
    "[tbs_us]": ("1", "[foz_us]/2"), "[tsp_us]": ("1", "[tbs_us]/3"), "[tsp_m]": ("5", "mL"),
    "[tbs_m]": ("15", "mL"), "[cup_m]": ("240", "mL"), "[foz_m]": ("30", "mL"), "[gr]": ("64.79891", "mg"),
    "[lb_av]": ("7000", "[gr]"), "[oz_av]": ("1", "[lb_av]/16"), "[dr_av]": ("1", "[oz_av]/16"),
    "[oz_tr]": ("480", "[gr]"), "[oz_m]": ("28", "g"), "[stone_av]": ("14", "[lb_av]"),
    "[psi]": ("6894.757293168", "Pa"), "[in_i'H2O]": ("1", "m[H2O].[in_i]/m"), "[in_i'Hg]": ("1", "m[Hg].[in_i]/m"),
    "[Cal]": ("1", "kcal_th"), "[Btu]": ("1.05505585262", "kJ"), "[HP]": ("745.69987158227022", "W"),
    "[drp]": ("1", "ml/20"), "[Ch]": ("1", "mm/3"), "[diop]": ("1", "m-1"), "[MET]": ("3.5", "mL/min/kg"),
    "[ft_us]": ("1200/3937", "m"), "[yd_us]": ("3", "[ft_us]"), "[in_us]": ("1", "[ft_us]/12"),
    "[fth_us]": ("6", "[ft_us]"), "[mi_us]": ("5280", "[ft_us]"), "[fdr_us]": ("1", "[foz_us]/8"),
    "[min_us]": ("1", "[fdr_us]/60"), "[fth_i]": ("6", "[ft_i]"), "[syd_i]": ("1", "[yd_i]2"),
    "[gal_br]": ("4.54609", "l"), "[qt_br]": ("1", "[gal_br]/4"), "[pt_br]": ("1", "[qt_br]/2"),
    "[gil_br]": ("1", "[pt_br]/4"), "[foz_br]": ("1", "[gil_br]/5"),
    "[ston_av]": ("20", "[scwt_av]"), "[scwt_av]": ("100", "[lb_av]"),
    "att": ("98066.5", "Pa"),
    "[HPF]": ("1", "1"), "[LPF]": ("100", "1"), "[S]": ("1e-13", "s"), "[car_m]": ("0.2", "g"),
    "AU": ("149597.870691", "Mm"), "[lbf_av]": ("1", "[lb_av].[g]"), "[kn_i]": ("1", "[nmi_i]/h"),
    "[cyd_i]": ("1", "[yd_i]3"), "[bf_i]": ("144", "[in_i]3"), "[cr_i]": ("128", "[ft_i]3"),
    "[mil_i]": ("1e-3", "[in_i]"), "[cml_i]": ("1", "[pi]/4.[mil_i]2"), "[hd_i]": ("4", "[in_i]"),
    "[rd_us]": ("16.5", "[ft_us]"), "[ch_us]": ("4", "[rd_us]"), "[lk_us]": ("1", "[ch_us]/100"),
    "[rch_us]": ("100", "[ft_us]"), "[rlk_us]": ("1", "[rch_us]/100"), "[fur_us]": ("40", "[rd_us]"),
    "[acr_us]": ("160", "[rd_us]2"), "[srd_us]": ("1", "[rd_us]2"), "[smi_us]": ("1", "[mi_us]2"),
    "[sct]": ("1", "[mi_us]2"), "[twp]": ("36", "[sct]"), "[mil_us]": ("1e-3", "[in_us]"),
    "[in_br]": ("2.539998", "cm"),
    "[ft_br]": ("12", "[in_br]"), "[rd_br]": ("16.5", "[ft_br]"), "[ch_br]": ("4", "[rd_br]"),
    "[lk_br]": ("1", "[ch_br]/100"), "[fth_br]": ("6", "[ft_br]"), "[pc_br]": ("2.5", "[ft_br]"),
    "[yd_br]": ("3", "[ft_br]"), "[mi_br]": ("5280", "[ft_br]"), "[nmi_br]": ("6080", "[ft_br]"),
    "[kn_br]": ("1", "[nmi_br]/h"), "[acr_br]": ("4840", "[yd_br]2"), "[bbl_us]": ("42", "[gal_us]"),
    "[gil_us]": ("1", "[pt_us]/4"), "[crd_us]": ("128", "[ft_i]3"), "[bu_us]": ("2150.42", "[in_i]3"),
    "[gal_wi]": ("1", "[bu_us]/8"), "[pk_us]": ("1", "[bu_us]/4"), "[dqt_us]": ("1", "[pk_us]/8"),
    "[dpt_us]": ("1", "[dqt_us]/2"), "[pk_br]": ("2", "[gal_br]"), "[bu_br]": ("4", "[pk_br]"),
    "[fdr_br]": ("1", "[foz_br]/8"), "[min_br]": ("1", "[fdr_br]/60"), "[lcwt_av]": ("112", "[lb_av]"),
    "[lton_av]": ("20", "[lcwt_av]"), "[pwt_tr]": ("24", "[gr]"), "[lb_tr]": ("12", "[oz_tr]"),
    "[sc_ap]": ("20", "[gr]"),
    "[dr_ap]": ("3", "[sc_ap]"), "[oz_ap]": ("8", "[dr_ap]"), "[lb_ap]": ("12", "[oz_ap]"), "[lne]": ("1", "[in_i]/12"),
    "[pnt]": ("1", "[lne]/6"), "[pca]": ("12", "[pnt]"), "[pnt_pr]": ("0.013837", "[in_i]"),
    "[pca_pr]": ("12", "[pnt_pr]"), "[pied]": ("32.48", "cm"), "[pouce]": ("1", "[pied]/12"),
    "[ligne]": ("1", "[pouce]/12"), "[didot]": ("1", "[ligne]/6"), "[cicero]": ("12", "[didot]"),
    "[degR]": ("5", "K/9"),
    "[Btu_39]": ("1.05967", "kJ"), "[Btu_59]": ("1.05480", "kJ"), "[Btu_60]": ("1.05468", "kJ"),
    "[Btu_m]": ("1.05587", "kJ"), "[Btu_IT]": ("1.05505585262", "kJ"), "[Btu_th]": ("1.054350", "kJ"),
    "[den]": ("1", "g/9/km"), "[PRU]": ("1", "mm[Hg].s/ml"), "[wood'U]": ("1", "mm[Hg].min/L"),
    "[mesh_i]": ("1", "/[in_i]"), "sph": ("4", "[pi].sr"), "[car_Au]": ("1", "/24"), "[smoot]": ("67", "[in_i]"),
    "[NTU]": ("1", "1"), "[FNU]": ("1", "1"),
}  # fmt: skip

# https://ucum.org/ucum#para-45: arbitrary units compare with nothing but themselves
ARBITRARY = (
    "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[anti'Xa'U]", "[todd'U]", "[dye'U]",
    "[smgy'U]", "[bdsk'U]", "[ka'U]", "[knk'U]", "[mclg'U]", "[tb'U]", "[CCID_50]", "[TCID_50]", "[EID_50]", "[PFU]",
    "[FFU]", "[CFU]", "[BAU]", "[AU]", "[Amb'a'1'U]", "[PNU]", "[Lf]", "[D'ag'U]", "[FEU]", "[ELU]", "[EU]", "[pH]",
    "[hnsf'U]", "[hp_X]", "[hp_C]", "[hp_M]", "[hp_Q]", "[kp_X]", "[kp_C]", "[kp_M]", "[kp_Q]", "[IR]",
    # and these are no ratios: https://ucum.org/ucum#section-Special-Units-on-non-ratio-Scales
    "[m/s2/Hz^(1/2)]", "[p'diop]", "%[slope]", "[hp'_X]", "[hp'_C]", "[hp'_M]", "[hp'_Q]", "bit_s", "[degF]", "[degRe]",
)  # fmt: skip

ARBITRARY_METRIC = (
    "[iU]", "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[10.nV]", "B[W]", "B[kW]", "Cel",
)  # fmt: skip

# https://ucum.org/ucum#section-Special-Units-on-non-ratio-Scales: those that stand alone are converted
SPECIAL: dict[str, tuple[Fraction, Fraction]] = {
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
    "[degRe]": (Fraction(5, 4), Fraction("273.15")),
}
ALIASES = {"[IU]": "[iU]"}

_COMPONENT = re.compile(r"(10[*^]|(?:[A-Za-z%'\"_]|\[[^\[\]]*\])+|[0-9]+(?![*^]))(?:([+-]?[0-9]+))?")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_MAX_EXPONENT = 100


class _UnknownUnit(Exception):
    """The code is not UCUM."""


@lru_cache(maxsize=4096)
def unit(code: str) -> Unit | None:
    """Return what a UCUM code means, None if it is no UCUM."""
    bare = _ANNOTATION.sub("", code)
    if bare in SPECIAL:
        factor, offset = SPECIAL[bare]
        return Unit(factor, (("K", 1),), offset)
    if len(code) > 200 or not code.isascii():
        return None
    try:
        factor, powers, end = _term(code, 0, 0)
    except _UnknownUnit:
        return None
    if end != len(code):
        return None
    return Unit(factor, tuple(sorted((base, power) for base, power in powers.items() if power)))


def _term(code: str, at: int, depth: int) -> tuple[Fraction, dict[str, int], int]:
    """Read components joined by `.` and `/`; return factor, powers of the bases, and where the reading ended."""
    factor, powers, sign = Fraction(1), dict[str, int](), 1
    if code[at : at + 1] == "/":
        sign, at = -1, at + 1
    while True:
        more, more_powers, at = _component(code, at, depth)
        factor *= more**sign
        for base, power in more_powers.items():
            powers[base] = powers.get(base, 0) + sign * power
        if at >= len(code) or code[at] not in "./":
            return factor, powers, at
        sign, at = (-1 if code[at] == "/" else 1), at + 1


def _component(code: str, at: int, depth: int) -> tuple[Fraction, dict[str, int], int]:
    if code[at : at + 1] == "(":
        if depth > 10:
            raise _UnknownUnit
        factor, powers, at = _term(code, at + 1, depth + 1)
        if code[at : at + 1] != ")":
            raise _UnknownUnit
        note = _ANNOTATION.match(code, at + 1)  # `g/(8.h){shift}` is among UCUM's own examples
        return factor, powers, note.end() if note else at + 1
    if note := _ANNOTATION.match(code, at):
        return Fraction(1), {}, note.end()
    match = _COMPONENT.match(code, at)
    if match is None:
        raise _UnknownUnit
    at = match.end()
    if note := _ANNOTATION.match(code, at):
        at = note.end()
    if match[1].isdigit():
        if match[2] or match[1] == "0" * len(match[1]):
            raise _UnknownUnit
        return Fraction(match[1]), {}, at
    exponent = int(match[2] or 1)
    if abs(exponent) > _MAX_EXPONENT:
        raise _UnknownUnit
    base = _symbol(match[1])
    return base.factor**exponent, {name: power * exponent for name, power in base.dimension}, at


@lru_cache(maxsize=1024)
def _symbol(code: str) -> Unit:
    """Return the unit of a symbol with or without prefix."""
    found = _atom(ALIASES.get(code, code))
    if found is not None:
        return found
    for prefixes, root in ((PREFIXES, 10), (BINARY_PREFIXES, 2)):
        for prefix, power in prefixes.items():
            rest = code[len(prefix) :]
            rest = ALIASES.get(rest, rest)
            if code.startswith(prefix) and (rest in METRIC or rest in BASES or rest in ARBITRARY_METRIC):
                atom = _atom(rest)
                if atom is not None:
                    return atom._replace(factor=atom.factor * Fraction(root) ** power)
    raise _UnknownUnit


def _atom(code: str) -> Unit | None:
    if code in BASES or code in ARBITRARY or code in ARBITRARY_METRIC:
        return Unit(Fraction(1), ((code, 1),))
    defined = METRIC.get(code) or NOT_METRIC.get(code)
    if defined is None:
        return None
    value, of = defined
    base = unit(of)
    return None if base is None else base._replace(factor=Fraction(value) * base.factor)
