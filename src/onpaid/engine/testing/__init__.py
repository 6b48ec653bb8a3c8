"""For the tests of flows: virtual time, a process that can die at any write, and `crash_everywhere`.

Nothing sleeps: the loop's clock jumps to the next thing that is due. Nothing is patched: the store that dies is a
store, the clock that jumps is a clock. Providers are whatever the test hands in; they survive the crash, as life does.
"""

from onpaid.engine.testing.crash import Ending, Scene, crash_everywhere, play
from onpaid.engine.testing.process import Died, MortalStore, Process
from onpaid.engine.testing.virtual import START, VirtualClock, VirtualLoop, run_virtually
from onpaid.store.memory import MemoryStore

__all__ = [
    "START",
    "Died",
    "Ending",
    "MemoryStore",
    "MortalStore",
    "Process",
    "Scene",
    "VirtualClock",
    "VirtualLoop",
    "crash_everywhere",
    "play",
    "run_virtually",
]
