"""Words to one call, errors to an exit code."""
