"""The whole system on one machine, with an embedded broker and database."""
