"""The version of all that is here; the package has the same one."""

VERSION = "0.1.0"
