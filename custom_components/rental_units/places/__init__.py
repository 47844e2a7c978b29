"""Places of a property, the codes on their plates, and the pages behind these."""
