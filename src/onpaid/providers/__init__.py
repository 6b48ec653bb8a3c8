"""One outside service a file; each fulfils a role and says how a thing is found again, its limits, how it signs."""
