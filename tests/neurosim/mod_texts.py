"""MOD files of our own, one for each construct that comes in."""

__all__ = ["TEXTS"]

TEXTS: dict[str, str] = {
    # A gate whose rates are 0/0 at some potential, behind a condition; a table; q10.
    "trapped": """
TITLE potassium with a rate that is 0/0 at -40 mV
NEURON { SUFFIX trapped USEION k READ ek WRITE ik RANGE gbar, ninf GLOBAL q10 THREADSAFE }
UNITS { (mV) = (millivolt) (S) = (siemens) }
PARAMETER {
    gbar = 0.002 (S/cm2) <0,10> : how dense it is
    vhalf = -40 (mV)
    q10 = 2.3
}
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) ninf ntau (ms) tadj }
STATE { n }
INITIAL { tadj = q10^((celsius - 23)/10)  rates(v)  n = ninf }
BREAKPOINT { SOLVE states METHOD cnexp  ik = gbar*n^4*(v - ek) }
DERIVATIVE states { rates(v)  n' = (ninf - n)/ntau }
PROCEDURE rates(v (mV)) {
    LOCAL a, b
    TABLE ninf, ntau DEPEND celsius FROM -100 TO 100 WITH 200
    a = 0.03*trap(-(v - vhalf), 9)
    b = 0.4*exp(-(v - vhalf + 5)/60)
    ninf = a/(a + b)
    ntau = 1/(a + b)/tadj
}
FUNCTION trap(x (mV), y (mV)) (mV) {
    IF (fabs(x/y) < 1e-6) { trap = y*(1 - x/y/2) } ELSE { trap = x/(exp(x/y) - 1) }
}
""",
    # The state is moved by a procedure, with arrays and a loop; it starts elsewhere than at rest.
    "stepped": """
NEURON { SUFFIX stepped USEION na READ ena WRITE ina RANGE gbar }
PARAMETER { gbar = 0.01 (mho/cm2) dt (ms) v (mV) }
ASSIGNED { ena (mV) ina (mA/cm2) inf[2] fac[2] }
STATE { m h }
INITIAL { m = 0 h = 1 states() }
BREAKPOINT { SOLVE states  ina = gbar*m*m*m*h*(v - ena) }
PROCEDURE states() {
    both(v)
    m = m + fac[0]*(inf[0] - m)
    h = h + fac[1]*(inf[1] - h)
    VERBATIM
    return 0;
    ENDVERBATIM
}
FUNCTION rest(v, i) {
    if (i == 0) { rest = 1/(1 + exp(-(v + 38)/6)) } else { rest = 1/(1 + exp((v + 62)/7)) }
}
PROCEDURE both(v) { LOCAL tau
    FROM i = 0 TO 1 {
        inf[i] = rest(v, i)
        if (i == 0) { tau = 0.6 } else { tau = 4 + 8/(1 + exp((v + 45)/5)) }
        fac[i] = 1 - exp(-dt/tau)
    }
}
""",
    # Three states of a scheme; two of them conserved by hand, their steady state from the solver.
    "scheme": """
NEURON { SUFFIX scheme USEION k READ ek WRITE ik RANGE gbar }
PARAMETER { gbar = 0.004 (S/cm2) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) a (/ms) b (/ms) }
STATE { c o i }
INITIAL { SOLVE kin STEADYSTATE sparse }
BREAKPOINT { SOLVE kin METHOD sparse  ik = gbar*o*(v - ek) }
KINETIC kin {
    a = 0.8/(1 + exp(-(v + 25)/9))
    b = 0.3*exp(-(v + 40)/30)
    ~ c <-> o (a, b)
    ~ o <-> i (0.08, 0.02)
    CONSERVE c + o + i = 1
}
""",
    # A concentration: only inward current fills it, and a pump of Michaelis and Menten empties it.
    "pooled": """
NEURON { SUFFIX pooled USEION ca READ ica WRITE cai RANGE depth, top, half }
UNITS { FARADAY = (faraday) (coulomb) }
PARAMETER { depth = 0.15 (um) top = 4e-4 (mM/ms) half = 3e-4 (mM) rest = 1e-4 (mM) }
ASSIGNED { ica (mA/cm2) cai (mM) fill (mM/ms) }
STATE { ca (mM) }
INITIAL { ca = rest  cai = ca }
BREAKPOINT { SOLVE state METHOD derivimplicit }
DERIVATIVE state {
    fill = -(1e4)*ica/(2*FARADAY*depth)
    if (fill < 0) { fill = 0 }
    ca' = fill - top*ca/(ca + half) + top*rest/(rest + half)
    cai = ca
}
""",
    # A current that depends on calcium and on the potential through GHK.
    "ghk": """
NEURON { SUFFIX ghk USEION ca READ cai, cao WRITE ica RANGE perm }
UNITS { F = (faraday) (coulombs) R = (k-mole) (joule/degC) }
PARAMETER { perm = 2e-4 (cm/s) }
ASSIGNED { v (mV) celsius (degC) cai (mM) cao (mM) ica (mA/cm2) }
STATE { m }
INITIAL { m = 1/(1 + exp(-(v + 20)/6)) }
BREAKPOINT { SOLVE states METHOD cnexp  ica = perm*m^2*(0.001/(0.001 + cai))*flow(v, cai, cao) }
DERIVATIVE states { m' = (1/(1 + exp(-(v + 20)/6)) - m)/(0.5 + 3/(1 + exp((v + 30)/10))) }
FUNCTION flow(v (mV), ci (mM), co (mM)) (millicoul/cm3) { LOCAL z
    z = (1e-3)*2*F*v/(R*(celsius + 273.15))
    flow = (1e-3)*2*F*(ci*ratio(-z) - co*ratio(z))
}
FUNCTION ratio(z) {
    if (fabs(z) < 1e-4) { ratio = 1 - z/2 } else { ratio = z/(exp(z) - 1) }
}
""",
    # Two ions and a rest that belongs to none; a switch that turns a history on.
    "pumping": """
NEURON { SUFFIX pumping USEION na READ nai WRITE ina USEION k READ ko WRITE ik
         NONSPECIFIC_CURRENT i RANGE top, fading }
PARAMETER { top = 0.01 (mA/cm2) fading = 0 }
ASSIGNED { v (mV) nai (mM) ko (mM) ina (mA/cm2) ik (mA/cm2) i (mA/cm2) left rate }
INITIAL { left = 1 }
BREAKPOINT {
    if (fading == 1) { left = left*0.999 }
    rate = left*top*(nai/(nai + 20))^3*(ko/(ko + 2))
    ina = 3*rate
    ik = -2*rate
    i = 0.00002*(v + 60)
}
""",
    # A state that is not linear in itself and no concentration, a shift of v, and a mixed cation.
    "bent": """
NEURON { SUFFIX bent NONSPECIFIC_CURRENT il RANGE gbar, e }
PARAMETER { gbar = 5e-4 (S/cm2) e = -20 (mV) lambda = 0.3 (/ms) }
ASSIGNED { v (mV) il (mA/cm2) drive }
STATE { exp_x }
INITIAL { exp_x = 0.1 + 0.001*v*v/100 }
BREAKPOINT { SOLVE states METHOD derivimplicit  il = gbar*exp_x*(v - e) }
DERIVATIVE states {
    if (v == -30) { v = v + 1e-4 }
    drive = (v + 30)/(1 - exp(-(v + 30)/8))/40
    exp_x' = lambda*(drive*(1 - exp_x) - 2*exp_x*exp_x)
}
""",
    # LINEAR equations put the states at the rest of their scheme.
    "solved": """
NEURON { SUFFIX solved USEION na READ ena WRITE ina RANGE gbar }
PARAMETER { gbar = 0.01 (S/cm2) }
ASSIGNED { v (mV) ena (mV) ina (mA/cm2) up (/ms) down (/ms) }
STATE { C O B }
INITIAL { rates(v) SOLVE where }
BREAKPOINT { SOLVE scheme METHOD sparse  ina = gbar*O*(v - ena) }
KINETIC scheme {
    rates(v)
    ~ C <-> O (up, down)
    ~ O <-> B (0.3, 0.1)
    CONSERVE C + O + B = 1
}
LINEAR where {
    ~ O*down - C*up = 0
    ~ O*0.3 = B*0.1
    ~ C + O + B = 1
}
PROCEDURE rates(v) { up = 0.2*exp(v/30) down = 0.5*exp(-v/40) }
""",
    # LINEAR equations put the states elsewhere; one flux goes one way.
    "elsewhere": """
NEURON { SUFFIX elsewhere USEION k READ ek WRITE ik }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) up (/ms) down (/ms) }
STATE { C O }
INITIAL { rates(v) SOLVE where }
BREAKPOINT { SOLVE scheme METHOD sparse  ik = 0.002*O*(v - ek) }
KINETIC scheme {
    rates(v)
    ~ C <-> O (up, down)
    ~ O -> (0.02)
    ~ C << (0.01)
}
LINEAR where {
    ~ 2*O*down = C*up
    ~ C + 3*O = 0.9
}
PROCEDURE rates(v) { up = 0.2*exp(v/30) down = 0.5*exp(-v/40) }
""",
    # What a file follows for its author, and nothing else needs, is left out; a loop that a
    # parameter bounds; something that INITIAL sets once and for all; C that does nothing.
    "followed": """
VERBATIM
#include <stdlib.h> /* against a warning */
static const char rcsid[]="$Id: own.mod,v 1.1 2001/01/01 a Exp $";
ENDVERBATIM
NEURON { SUFFIX followed USEION ca READ cai, cao WRITE ica RANGE total, highest }
PARAMETER { gbar = 0.0003 (S/cm2) power = 3 vhalf = -30 (mV) once = 1 v2 (mV) }
ASSIGNED { v (mV) cai (mM) cao (mM) ica (mA/cm2) total highest }
STATE { m }
INITIAL {
    VERBATIM
    cai = _ion_cai;
    ENDVERBATIM
    once = 1
    rest()
    m = f(v)
    highest = -100
    printf("at the start %g", v)
}
BREAKPOINT { LOCAL all
    SOLVE states METHOD cnexp
    all = 1
    FROM k = 1 TO power { all = all*m }
    ica = gbar*all*(v - 60)*cao/(cao + 100*cai)
    if (v > highest) { highest = v }
    total = total + ica
}
DERIVATIVE states { rest()  m' = (f(v) - m)/2 }
PROCEDURE rest() { if (once > 0) { once = 0  v2 = vhalf + 2*log(power) } }
FUNCTION f(v) { f = 1/(1 + exp(-(v - v2)/6)) }
PROCEDURE from_hoc() { LOCAL k
    k = 0
    WHILE (k < 3) { k = k + 1 }
    VERBATIM
    abort();
    ENDVERBATIM
}
""",
    # A step whose exponential is cut off far from 0, and one that is a mean of two.
    "cut": """
NEURON { SUFFIX cut USEION k READ ek WRITE ik }
PARAMETER { dt (ms) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) m_exp slow_exp inf }
STATE { m s }
INITIAL { rates()  m = inf  s = inf }
BREAKPOINT { SOLVE states  ik = 0.001*m*m*s*(v - ek) }
PROCEDURE states() {
    rates()
    m = m + m_exp*(inf - m)
    s = 0.75*(s + slow_exp*(inf - s)) + 0.25*(s + m_exp*(inf - s))
    VERBATIM
    return 0;
    ENDVERBATIM
}
PROCEDURE rates() {
    inf = 1/(1 + ex(-(v + 40)/8))
    m_exp = 1 - ex(-dt/2)
    slow_exp = 1 - ex(-dt/(20 + 10*inf))
}
FUNCTION ex(x) { if (x < -100) { ex = 0 } else { ex = exp(x) } }
""",
    # A receptor with a part of its current that calcium carries.
    "calcium_receptor": """
NEURON { POINT_PROCESS calcium_receptor USEION ca READ cai, cao WRITE ica
    NONSPECIFIC_CURRENT i RANGE i, share }
PARAMETER { tau = 3 (ms) share = 0.1 }
ASSIGNED { v (mV) i (nA) ica (nA) cai (mM) cao (mM) events }
STATE { g (uS) }
INITIAL { g = 0 events = 0 }
BREAKPOINT { LOCAL all
    SOLVE states METHOD cnexp
    all = g*(v - 10)/(1 + exp(-(v + 20)/15))
    i = (1 - share)*all
    ica = share*all*(cao - cai)/(cao + cai)
}
DERIVATIVE states { g' = -g/tau }
NET_RECEIVE(w (uS)) { g = g + w  events = events + 1 }
""",
    # Numbers of more than six digits, of which NEURON rounds some. With all, the current would
    # be 6e-5 larger.
    "digits": """
NEURON { SUFFIX digits NONSPECIFIC_CURRENT i RANGE g, tau }
CONSTANT { twice = 2.345678901 }
PARAMETER {
    g = 0.001 (S/cm2) base = 1.00000312 <0, 1.00000312>
    tau = 1.208768267 (ms) few = 0.25 (mV)
}
ASSIGNED { v (mV) i (mA/cm2) }
STATE { m START 0.123456789 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*m*base^20*(v - few)*twice*3.456789012 }
DERIVATIVE s { m' = (1/(1 + exp(-v/9)) - m)/tau }
""",
}
