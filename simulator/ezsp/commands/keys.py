"""Keys: the Security Manager of EZSP 12 and newer, and what was before it."""

from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.state import LinkKey
from simulator.ezsp.status import Status

from .configuration import setting

#: sl_zb_sec_man_key_type_t.
NETWORK, TC_LINK, TC_LINK_WITH_TIMEOUT, APP_LINK = 1, 2, 3, 4
#: EmberKeyType.
TC_LINK_KEY, CURRENT_KEY, NEXT_KEY = 1, 3, 4
HAS_SEQUENCE, HAS_OUTGOING, HAS_INCOMING, HAS_PARTNER = 1, 2, 4, 8
AUTHORISED = 0x10
INDEX_IS_VALID, EUI64_IS_VALID = 1, 2
KEY_TABLE = 0x1E
NO_INDEX = 0xFF


def _find(ncp: Ncp, eui64: int) -> int | None:
    return next(
        (i for i, entry in ncp.flash.link_keys.items() if entry.eui64 == eui64), None
    )


def _meta(entry: LinkKey) -> Values:
    return {
        "bitmask": HAS_OUTGOING | HAS_INCOMING | HAS_PARTNER | AUTHORISED,
        "outgoing": entry.outgoing,
        "incoming": entry.incoming,
    }


def _entry(ncp: Ncp, index: int | None) -> Values:
    """Return an entry of the key table with all that any version tells of it."""
    entry = None if index is None else ncp.flash.link_keys.get(index)
    if index is None or entry is None:
        return {"status": Status.NOT_FOUND, "index": NO_INDEX}
    return {
        "eui64": entry.eui64,
        "key": entry.key,
        "index": index,
        "meta": _meta(entry),
        "context": {
            "type": APP_LINK,
            "index": index,
            "eui64": entry.eui64,
            "flags": INDEX_IS_VALID | EUI64_IS_VALID,
        },
    }


@command("exportKey")
def export_key(ncp: Ncp, values: Values) -> Values:
    """Return a key."""
    context = values["context"]
    key = _key_of(ncp, context)
    if key is None:
        return {"status": Status.NOT_FOUND, "context": context}
    return {"key": key, "context": context}


def _key_of(ncp: Ncp, context: Values) -> bytes | None:
    security = ncp.flash.security or ncp.ram.security
    match context["type"]:
        case 1 if security:
            name = "next_key" if context["index"] else "network_key"
            key: bytes | None = security.get(name)
            return key
        case 2 if security:
            return bytes(security["link_key"])
        case 3:
            return ncp.ram.transient.get(context["eui64"])
        case 4:
            index = context["index"]
            if context["flags"] & EUI64_IS_VALID:
                index = _find(ncp, context["eui64"])
            entry = ncp.flash.link_keys.get(index)
            return entry.key if entry else None
    return None


@command("checkKeyContext")
def check_context(ncp: Ncp, values: Values) -> Status:
    """Say if there is such a key."""
    found = _key_of(ncp, values["context"])
    return Status.NOT_FOUND if found is None else Status.OK


@command("importKey")
def import_key(ncp: Ncp, values: Values) -> Values:
    """Store a key."""
    context, key = values["context"], values["key"]
    status = Status.OK
    match context["type"]:
        case 1 | 2 if ncp.flash.security:
            name = "network_key" if context["type"] == NETWORK else "link_key"
            ncp.flash.security[name] = key
        case 3:
            ncp.ram.transient[context["eui64"]] = key
        case 4:
            status = _store(ncp, context["index"], context["eui64"], key)
        case 6 | 7:
            pass
        case _:
            status = Status.INVALID_CALL
    ncp.changed()
    return {"status": status, "context": context}


def _store(ncp: Ncp, index: int, eui64: int, key: bytes) -> Status:
    if index >= setting(ncp, KEY_TABLE):
        return Status.INDEX_OUT_OF_RANGE
    ncp.flash.link_keys[index] = LinkKey(eui64, key)
    ncp.changed()
    return Status.OK


def _free_index(ncp: Ncp) -> int | None:
    size = setting(ncp, KEY_TABLE)
    return next((i for i in range(size) if i not in ncp.flash.link_keys), None)


@command("importLinkKey", "setKeyTableEntry")
def import_link_key(ncp: Ncp, values: Values) -> Status:
    """Store a link key."""
    return _store(ncp, values["index"], values["eui64"], values["key"])


@command("addOrUpdateKeyTableEntry")
def add_link_key(ncp: Ncp, values: Values) -> Status:
    """Store a link key wherever there is room."""
    index = _find(ncp, values["eui64"])
    index = _free_index(ncp) if index is None else index
    if index is None:
        return Status.TABLE_FULL
    return _store(ncp, index, values["eui64"], values["key"])


@command("exportLinkKeyByIndex")
def export_by_index(ncp: Ncp, values: Values) -> Values:
    """Return a link key by its index."""
    if values["index"] >= setting(ncp, KEY_TABLE):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    return _entry(ncp, values["index"])


@command("exportLinkKeyByEui")
def export_by_eui64(ncp: Ncp, values: Values) -> Values:
    """Return the link key of a partner."""
    return _entry(ncp, _find(ncp, values["eui64"]))


@command("getApsKeyInfo")
def aps_key_info(ncp: Ncp, values: Values) -> Values:
    """Return what goes with a link key, without the key."""
    context = values["context"]
    if context["type"] == TC_LINK and ncp.flash.security:
        meta = {"bitmask": HAS_OUTGOING, "outgoing": ncp.flash.aps_counter}
        return {"eui64": ncp.eui64, "meta": meta, "context": context}
    index = context["index"]
    if context["flags"] & EUI64_IS_VALID:
        index = _find(ncp, context["eui64"])
    return _entry(ncp, index)


@command("findKeyTableEntry")
def find_key(ncp: Ncp, values: Values) -> Values:
    """Return the index of a partner's key; zero as partner finds a free one."""
    eui64 = values["eui64"]
    index = _find(ncp, eui64) if eui64 else _free_index(ncp)
    return {"index": NO_INDEX if index is None else index}


@command("eraseKeyTableEntry")
def erase_key(ncp: Ncp, values: Values) -> Status:
    """Erase a link key."""
    if values["index"] >= setting(ncp, KEY_TABLE):
        return Status.INDEX_OUT_OF_RANGE
    ncp.flash.link_keys.pop(values["index"], None)
    ncp.changed()
    return Status.OK


@command("clearKeyTable")
def clear_keys(ncp: Ncp, _values: Values) -> Status:
    """Erase all link keys."""
    ncp.flash.link_keys.clear()
    ncp.changed()
    return Status.OK


@command("importTransientKey", "addTransientLinkKey")
def import_transient(ncp: Ncp, values: Values) -> Status:
    """Keep a key for a device that will join."""
    ncp.ram.transient[values["eui64"]] = values["key"]
    return Status.OK


@command("clearTransientLinkKeys")
def clear_transient(ncp: Ncp, _values: Values) -> None:
    """Forget keys for devices that will join."""
    ncp.ram.transient.clear()


def _transient(ncp: Ncp, eui64: int | None) -> Values:
    key = None if eui64 is None else ncp.ram.transient.get(eui64)
    if key is None:
        return {"status": Status.NOT_FOUND}
    return {
        "key": key,
        "context": {
            "type": TC_LINK_WITH_TIMEOUT,
            "eui64": eui64,
            "flags": EUI64_IS_VALID,
        },
        "data": {"eui64": eui64, "key": key, "bitmask": HAS_PARTNER},
    }


@command("exportTransientKeyByEui", "getTransientLinkKey")
def export_transient(ncp: Ncp, values: Values) -> Values:
    """Return the key for a device that will join."""
    return _transient(ncp, values["eui64"])


@command("exportTransientKeyByIndex", "getTransientKeyTableEntry")
def export_transient_by_index(ncp: Ncp, values: Values) -> Values:
    """Return a key for a device that will join."""
    partners = dict(enumerate(ncp.ram.transient))
    return _transient(ncp, partners.get(values["index"]))


@command("getKey")
def get_key(ncp: Ncp, values: Values) -> Values:
    """Return a key of the network, as it was done up to EZSP 12."""
    security = ncp.flash.security
    kind = values["type"]
    if security is None:
        return {"status": Status.ENTRY_ERASED}
    if kind == CURRENT_KEY or (kind == NEXT_KEY and "next_key" in security):
        current = kind == CURRENT_KEY
        key = {
            "bitmask": HAS_SEQUENCE | HAS_OUTGOING,
            "key": security["network_key" if current else "next_key"],
            "outgoing": ncp.flash.nwk_counter,
            "sequence": security["sequence"] if current else security["sequence"] + 1,
        }
    elif kind == TC_LINK_KEY:
        key = {
            "bitmask": HAS_OUTGOING | HAS_PARTNER,
            "key": security["link_key"],
            "outgoing": ncp.flash.aps_counter,
            "partner": security["trust_center"],
        }
    else:
        return {"status": Status.ENTRY_ERASED}
    return {"key": {"type": kind, **key}}


@command("getKeyTableEntry")
def get_table_entry(ncp: Ncp, values: Values) -> Values:
    """Return a link key, as it was done up to EZSP 12."""
    if values["index"] >= setting(ncp, KEY_TABLE):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    entry = ncp.flash.link_keys.get(values["index"])
    if entry is None:
        return {"status": Status.ENTRY_ERASED}
    return {
        "key": {"type": 5, "key": entry.key, "partner": entry.eui64, **_meta(entry)}
    }
