"""KEDA's external scaler: how many Jobs should exist now."""
