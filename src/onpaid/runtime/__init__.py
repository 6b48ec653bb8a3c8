"""Clocks and bells: what keeps runs moving. One loop for one machine; the scaled-out one comes beside it."""
