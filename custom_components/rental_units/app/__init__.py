"""What can be done with a property: commands, queries, and who may.

Forms, actions, imports, pages and entities call these, and open no session of their own.
"""
