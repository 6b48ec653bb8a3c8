"""What `/metrics` shows. Counted where it happens; labels are few and never personal."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("onpaid_events_total", "Events received, by what became of them", ["source", "verdict"])
STEPS = Counter("onpaid_step_attempts_total", "Attempts of steps, by outcome", ["act", "outcome"])
RUNS = Counter("onpaid_runs_total", "Runs that came to rest, by state", ["flow", "state"])
TICKETS = Counter("onpaid_tickets_total", "Tickets opened", ["category", "severity"])
LANE_PAUSED = Gauge("onpaid_lane_paused", "1 while a lane is paused", ["lane"])
ACKNOWLEDGED = Histogram(
    "onpaid_acknowledge_seconds",
    "From a webhook's last byte to its answer",
    ["source"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
