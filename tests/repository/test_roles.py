"""The roles' table in the docs says what the policy's table does, in both languages."""

from collections.abc import Iterator
import json
import re

import pytest

from custom_components.rental_units.app.policy import (
    FOR_A_REASON,
    IN_PERSON,
    TABLE,
    AccountRole,
    Scope,
    rows,
)
from scripts.build_docs import DOCS, ROOT

PAGES = {"en": DOCS / "roles.md", "zh-Hans": DOCS / "zh-Hans" / "roles.md"}
PEOPLE, ALERTS, DEVICES = range(3)
#: All that is done about an incident, in the words of a cell.
_ALL = {"en": "all but settings", "zh-Hans": "除设置外全部"}
#: What a cell says of who may carry out a command, and says of nobody else.
WORDS = {
    "get_unit": (
        PEOPLE,
        r"reads (and changes )?(all|those)|who is in a unit",
        r"查看(和更改|全部|一套房)",
    ),
    "get_unit_revealed": (
        PEOPLE,
        r"reads (and changes )?(all|those)",
        r"查看(和更改|全部)",
    ),
    "find_people": (
        PEOPLE,
        r"reads (and changes )?(all|those)|found by name",
        r"查看(和更改|全部)|按姓名查找",
    ),
    "check_in": (PEOPLE, r"reads and changes|checks in", r"查看和更改|登记入住"),
    "renew_lease": (PEOPLE, r"reads and changes|renews", r"查看和更改|续租"),
    "update_contact": (
        PEOPLE,
        r"reads and changes|changes addresses",
        r"查看和更改|更改联系方式",
    ),
    "move": (PEOPLE, r"reads and changes", r"查看和更改"),
    "merge_people": (PEOPLE, r"merges", r"合并"),
    "import_register": (PEOPLE, r"imports", r"导入"),
    "add_unit": (PEOPLE, r"adds, changes and removes units", r"添加、更改和移除出租房"),
    "remove_unit": (PEOPLE, r"removes units", r"移除出租房"),
    "request_card": (
        PEOPLE,
        r"issues cards|requests cards",
        r"发卡|申请卡片",
    ),
    "issue_card": (PEOPLE, r"issues cards", r"发卡"),
    "issue_plate": (PEOPLE, r"issues cards and number plates", r"登记车牌"),
    "invite_visitor": (
        PEOPLE,
        r"issues cards|invites visitors",
        r"发卡|邀请访客",
    ),
    "read_card": (
        PEOPLE,
        r"issues cards|sees whose a found card is",
        r"发卡|查看拾到的卡属于谁",
    ),
    "get_passages": (PEOPLE, r"who passed at a door", r"门的通行记录"),
    "open_case": (
        PEOPLE,
        r"searches for people|opens search cases",
        r"寻人寻车|开立寻找案件",
    ),
    "get_cases": (
        PEOPLE,
        r"searches for people|search cases",
        r"寻人寻车|寻找案件",
    ),
    "search_sightings": (PEOPLE, r"searches for people", r"在案件内寻人寻车"),
    "alert_case": (PEOPLE, r"tells responders", r"通知应急人员"),
    "export_case": (PEOPLE, r"inside a case[^;]* exports", r"寻人寻车[^；]*导出结果"),
    "forget_sightings": (PEOPLE, r"removes sightings", r"删除通行记录"),
    "put_round": (PEOPLE, r"decides who is visited", r"安排关爱走访"),
    "record_visit": (
        PEOPLE,
        r"visits people at home|and visits them|visits at home those",
        r"上门关爱走访|并上门走访|上门走访自己负责",
    ),
    "request_visit": (
        PEOPLE,
        r"visits people at home|and visits them|asks for visits at home",
        r"上门关爱走访|并上门走访|要求上门走访",
    ),
    "care_start": (PEOPLE, r"keeps watches", r"管理生命迹象关护"),
    "care_list": (PEOPLE, r"(keeps|works) watches", r"(管理|处理)生命迹象关护"),
    "care_get": (
        PEOPLE,
        r"(keeps|works) watches|their own watch",
        r"(管理|处理|自己的)生命迹象关护",
    ),
    "care_answer": (
        PEOPLE,
        r"(keeps|works) watches|their own watch|for who is watched",
        r"(管理|处理|自己的)生命迹象关护|代被关护者回答",
    ),
    "lose_card": (
        PEOPLE,
        r"issues cards|reports cards lost",
        r"发卡|挂失卡片",
    ),
    "suspend_card": (PEOPLE, r"issues cards|suspends cards", r"发卡|暂停卡片"),
    "revoke_card": (PEOPLE, r"issues cards", r"发卡"),
    "get_cards": (PEOPLE, r"\bcards\b", r"卡片|发卡"),
    "assign_door": (PEOPLE, r"assigns doors", r"分配门"),
    "save_place": (PEOPLE, r"keeps places", r"维护地点"),
    "print_codes": (
        PEOPLE,
        r"prints codes|keeps places",
        r"打印门牌码|维护地点",
    ),
    "visit_place": (
        PEOPLE,
        r"notes visits|keeps places|prints codes",
        r"记录走访|维护地点|打印门牌码",
    ),
    "close_report": (PEOPLE, r"works hazard reports", r"处理隐患上报"),
    "assign_report": (
        PEOPLE,
        r"(works|(and )?assigns( and mends)?) hazard reports",
        r"(处理|分派(和整改)?)隐患上报",
    ),
    "mend_report": (
        PEOPLE,
        r"(works|mends) hazard reports",
        r"(处理|整改)(自己房屋的)?隐患上报",
    ),
    "get_report": (
        PEOPLE,
        r"(works|mends|reads) hazard reports",
        r"(处理|整改|查阅)(自己房屋的)?隐患上报",
    ),
    "get_reports": (PEOPLE, r"hazard reports", r"隐患上报"),
    "get_notices": (PEOPLE, r"\bnotices\b", r"登记(；|$)|办理[^；]*登记|列出登记"),
    "give_notice": (
        PEOPLE,
        r"gives(, excuses and exports)? notices",
        r"办理[^；]*登记",
    ),
    "check_in_at_desk": (PEOPLE, r"works a desk", r"总台办理"),
    "take_number": (PEOPLE, r"works a desk|numbers of a desk", r"总台办理|总台取号"),
    "export_notices": (PEOPLE, r"exports notices", r"导出登记"),
    "reveal_at_place": (PEOPLE, r"at a scanned plate", r"扫门牌码后"),
    "get_score_catalogue": (
        PEOPLE,
        r"reads scores|scores the property",
        r"查看评分|为小区评分",
    ),
    "save_score_catalogue": (PEOPLE, r"scores the property", r"为小区评分"),
    "add_score_entry": (
        PEOPLE,
        r"scores the property|enters cases of scores",
        r"为小区评分|录入评分",
    ),
    "comment_score": (
        PEOPLE,
        r"scores the property|comments on scores",
        r"为小区评分|对评分提意见",
    ),
    "appeal_score": (PEOPLE, r"appeals against scores", r"对评分申诉"),
    "put_score_counts": (
        PEOPLE,
        r"scores the property|opens and freezes scores",
        r"为小区评分|公示和冻结评分",
    ),
    "get_own_audit": (PEOPLE, r"own deeds in the audit", r"审计中自己的操作"),
    "get_audit": (PEOPLE, r"^the audit", r"查看审计记录"),
    "get_alerts": (ALERTS, r"^(?!nothing)", r"^(?!无)"),
    "alert": (ALERTS, r"^(all|own flats)", r"^(全部|自己的房屋)"),
    "cancel_alert": (ALERTS, r"^(all|own flats)", r"^(全部|自己的房屋)"),
    "acknowledge_alert": (
        ALERTS,
        r"^(all|own flats)|acknowledges",
        r"^(全部|自己的房屋)|确认",
    ),
    "alert_beyond": (ALERTS, r"^all", r"^全部"),
    "close_help": (ALERTS, r"^all|closes calls for help", r"^全部|结束求助"),
    "tell_again": (ALERTS, r"^all", r"^全部"),
    "get_roster": (ALERTS, r"roster", r"值班表"),
    "answer": (ALERTS, r"answers", r"回复"),
    "safety.cut_off": (DEVICES, r"\bcuts?\b", r"断电"),
    "safety.restore": (DEVICES, r"restore", r"恢复"),
    "safety.open_door": (DEVICES, r"unlock", r"上锁"),
    "safety.acknowledge": (DEVICES, r"acknowledges", r"确认"),
    "safety.silence": (DEVICES, r"silence", r"消音"),
    "safety.self_test": (DEVICES, r"self-test", r"自检"),
    "safety.reset": (DEVICES, r"reset", r"复位"),
    "safety.shelve": (DEVICES, r"shelve", r"屏蔽"),
    "safety.release": (DEVICES, r"release", r"释放"),
    "safety.configure": (DEVICES, r"(?<!but )settings", r"(?<!除)设置"),
}


def names(language: str) -> dict[str, AccountRole]:
    """Return the roles by what they are called in a language."""
    file = f"custom_components/rental_units/translations/{language}.json"
    texts = json.loads((ROOT / file).read_text("utf-8"))
    found = texts["selector"]["account_role"]["options"]
    known = {found[role].lower(): role for role in AccountRole if role in found}
    # Nobody is given that one.
    return known | {
        "automation": AccountRole.AUTOMATION,
        "自动化": AccountRole.AUTOMATION,
    }


def table(language: str) -> Iterator[tuple[AccountRole, list[str]]]:
    """Yield each role of the table, with what its cells say of it."""
    known = names(language)
    text = PAGES[language].read_text("utf-8")
    head = re.search(r"^\| (role|角色) \|[^|]*\|[^|]*\|[^|]*\|\n", text, re.MULTILINE)
    assert head
    for line in text[head.end() :].split("\n\n")[0].splitlines()[1:]:
        who, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.split("[,、] ?", who):
            yield known[name], [of_role(cell, name, known) for cell in cells]


def of_role(cell: str, name: str, known: dict[str, AccountRole]) -> str:
    """Return what a cell says of one of its roles: a part may begin with another's name."""
    parts = re.split("[;；] ?", cell)
    return "; ".join(
        part
        for part in parts
        if (whose := re.split("[:：]", part)[0]) == name or whose not in known
    )


@pytest.mark.parametrize("language", PAGES)
def test_roles(language: str) -> None:
    """Each role has its line, and each cell says what the role may, and no more."""
    said = dict(table(language))
    assert len(said) == len(list(table(language)))
    # Its line is a sentence above the table.
    assert said.keys() == TABLE.keys() - {AccountRole.ADMINISTRATOR}
    place = list(PAGES).index(language)
    wrong = []
    for role, cells in said.items():
        for command, (column, *words) in WORDS.items():
            is_incident = column == DEVICES and command != "safety.configure"
            claims = bool(
                re.search(words[place], cells[column])
                or (is_incident and _ALL[language] in cells[column])
            )
            if role is AccountRole.AUTOMATION and command in IN_PERSON:
                # Below the table: these take a person.
                claims = False
            if claims != any(rows(role, command)):
                wrong.append((role, command, cells[column]))
    assert wrong == []


@pytest.mark.parametrize("language", PAGES)
def test_reason_and_scope(language: str) -> None:
    """Who has to say why, and whose role holds for own flats alone, is said so."""
    reason, own = {
        "en": ("for a reason", "own flat"),
        "zh-Hans": ("说明原因后", "自己的?房屋"),
    }[language]
    for role, cells in table(language):
        needed = any(
            row.needs_reason or row.commands & FOR_A_REASON for row in TABLE[role]
        )
        assert bool(re.search(reason, cells[PEOPLE])) is needed, role
        is_own = any(row.scope is Scope.OWN for row in TABLE[role])
        assert bool(re.search(own, " ".join(cells))) is is_own, role


@pytest.mark.parametrize("language", PAGES)
def test_what_is_seen(language: str) -> None:
    """The second table, of what each role sees, leaves none out."""
    text = PAGES[language].read_text("utf-8").rsplit("|---|---|\n", 1)[1]
    lines = text.split("\n\n")[0].splitlines()
    found = [
        name
        for line in lines
        for name in re.split("[,、] ?", line.strip("|").split("|")[0].strip())
    ]
    known = names(language)
    assert sorted(known[name] for name in found) == sorted(
        set(AccountRole) - {AccountRole.ADMINISTRATOR}
    )
