"""onpaid: what happens once a customer has paid."""

__version__ = "0.1.0"
