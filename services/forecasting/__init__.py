"""Forecasts of many series at once, and of the measures of a model; no web framework is needed for either."""
