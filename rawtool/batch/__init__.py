"""Many files: plan, names, run, report."""
