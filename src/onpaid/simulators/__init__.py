"""Stand-ins for the shop, Stripe and Fiken, over real HTTP on one port, that misbehave on purpose.

They are the independent oracle of every end-to-end test, so they import nothing of the product: each keeps its
own ledger of what really happened, checks what it is sent as strictly as the real service is documented to, and
brings about faults that have names, are seeded and can be had again.
"""

from onpaid.simulators.faults import ALL, FAULTS, UnknownFault, parse
from onpaid.simulators.kit import Clock, RealClock, Times
from onpaid.simulators.scenario import Play, Progress, play
from onpaid.simulators.server import Served, create_app, serve
from onpaid.simulators.world import Settings, Simulators, Target

__all__ = [
    "ALL",
    "FAULTS",
    "Clock",
    "Play",
    "Progress",
    "RealClock",
    "Served",
    "Settings",
    "Simulators",
    "Target",
    "Times",
    "UnknownFault",
    "create_app",
    "parse",
    "play",
    "serve",
]
