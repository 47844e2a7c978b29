"""The one database of a property: engine, migrations, events, compartments.

It knows no feature: each brings its tables and its steps, and `app/schema.py` puts them
together.
"""
