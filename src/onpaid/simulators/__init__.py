"""Stand-ins for the shop, Stripe and Fiken, over real HTTP on one port, that misbehave on purpose.

They are the independent oracle of every end-to-end test, so they import nothing of the product: each keeps its
own ledger of what really happened, checks what it is sent as strictly as the real service is documented to, and
brings about faults that have names, are seeded and can be had again.
"""

from onpaid.simulators.faults import ALL, FAULTS, UnknownFault, parse
from onpaid.simulators.kit import Clock, RealClock, Times
from onpaid.simulators.ledger import ledger
from onpaid.simulators.progress import Play, Progress
from onpaid.simulators.scenario import play
from onpaid.simulators.server import create_app
from onpaid.simulators.settings import Settings, Target
from onpaid.simulators.wire import Served, serve
from onpaid.simulators.world import Simulators

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
    "ledger",
    "parse",
    "play",
    "serve",
]
