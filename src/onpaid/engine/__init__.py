"""The machine: flows, runs, steps, lanes, tickets. It knows nothing of the trade."""
