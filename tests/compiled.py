"""A pytest plugin: what Python has compiled is kept, also where the environment says otherwise.

Containers like to say so. Here dozens of processes import Home Assistant, and each would
compile it anew: 8 of the 12 seconds of CPU that it then takes. pyproject.toml names this one,
so that it comes before the plugins that import Home Assistant.
"""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
