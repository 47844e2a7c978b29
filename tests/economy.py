"""A pytest plugin: what the tests do not need is not computed again and again.

pyproject.toml names it, so that it comes before the plugins that import Home Assistant.
"""

import gc
import os
import sys

# Containers like to keep nothing that was compiled. Here dozens of processes import Home
# Assistant, and each would compile it anew: 8 of the 12 seconds of CPU that it then takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A whole Home Assistant is in memory, and is looked through for garbage every 2,000 objects:
# a sixth of the time. Before each module the test plugin clears up anyway.
gc.set_threshold(50_000, *gc.get_threshold()[1:])
