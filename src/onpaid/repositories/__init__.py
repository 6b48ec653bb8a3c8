"""Kept records: events, orders, payments, and which payment took which lines."""
