"""One command for all of it: `posture`, beside the scripts and with the same code."""
