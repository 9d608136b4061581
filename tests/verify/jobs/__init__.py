"""The jobs of `make verify`: each module of this package has a list of them, `JOBS`."""
