"""What is said of notices in lists and files, in the reader's language."""

from functools import partial

from ..spoken import spoken

#: The texts of a language.
texts = partial(spoken, "desk")
