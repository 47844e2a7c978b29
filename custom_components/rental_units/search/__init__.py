"""One-key search: who or what is looked for has a case first, and without one nobody is shown anything."""
