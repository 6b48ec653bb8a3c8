"""One story a file. A flow knows roles and repositories, never a provider by name, and no other flow's insides."""
