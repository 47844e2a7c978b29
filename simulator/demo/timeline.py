"""x"""

EVENTS = ("smoke",)


async def show(event, where):
    return 1
