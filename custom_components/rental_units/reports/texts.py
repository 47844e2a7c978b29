"""What is said of reports, in the reader's language: on pages, in messages, in to-do lists."""

from functools import partial

from ..spoken import spoken

#: The texts of a language.
texts = partial(spoken, "reports")
