"""Intake: files and tables of anybody -> staged tables -> a proposal of recipe and model."""
