"""The live page: what the cameras see and what the table holds, in a browser."""
