"""What is said of searches, in the reader's language: in messages and in files."""

from functools import partial

from ..spoken import spoken

#: The texts of a language.
texts = partial(spoken, "search")
