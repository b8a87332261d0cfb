"""Whole journeys, one short function each."""
