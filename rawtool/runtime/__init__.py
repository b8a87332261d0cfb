"""Run exported networks: numpy in, numpy out."""
