"""The version, in a file of its own: setup.cfg reads it without importing the package."""

VERSION = "0.1.0"
