# Home Assistant puts probatio in the place of voluptuous, and its functions take probatio's schemas.
from probatio import *
