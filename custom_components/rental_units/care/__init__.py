"""Signs of life: who lives alone and wants it is asked, and then told of, when nothing is heard."""
