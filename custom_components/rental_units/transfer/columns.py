"""The columns and words of a register's file, as people write them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
import re
import unicodedata

from ..const import Channel, Duty, Letting, PartyKind, Role
from ..places.const import PlaceKind
from ..register.addresses import KINDS, PHONE

#: Traditional signs of the headings and words below, and what they are in simplified ones:
#: each heading stands there once.
_FOLD = str.maketrans(
    "樓棟單號稱屬門間編戶標準詳細區數賃類員別聯繫係電話機碼動郵應實體網絡鉤語種擾開結約終東業產權務辦願義簡訊層緯經點場個鋪組織",
    "楼栋单号称属门间编户标准详细区数赁类员别联系系电话机码动邮应实体网络钩语种扰开结约终东业产权务办愿义简讯层纬经点场个铺组织",
)
_IN_BRACKETS = re.compile(r"[(\[{【〔].*?[)\]}】〕]")

#: Each column: its heading in simplified and traditional Chinese, then what else is read
#: as it, simplified. The key is the heading in English.
COLUMNS: dict[str, tuple[str, ...]] = {
    "building": (
        "楼栋", "樓棟", "栋", "幢", "座", "楼", "楼号", "栋号", "幢号", "座号", "楼栋号", "楼栋名称",
        "楼幢", "楼宇", "楼宇名称", "所属楼栋", "大楼", "buildingno", "buildingnumber", "block", "bldg",
        "tower",
    ),
    "stairwell": (
        "单元", "單元", "单元号", "单元名称", "所属单元", "梯", "梯号", "门栋", "entrance", "staircase",
        "stair",
    ),
    "number": (
        "房号", "房號", "室", "室号", "房间", "房间号", "房屋", "房屋号", "房屋编号", "房源", "房源编号",
        "户号", "户室", "门牌", "门牌号", "房", "room", "roomno", "roomnumber", "flat", "flatno",
        "apartment", "apartmentno", "apt", "unitno", "unitnumber",
    ),
    "address": (
        "标准地址", "標準地址", "地址", "房屋地址", "详细地址", "房屋坐落", "standardaddress",
    ),
    "area": ("区域", "區域"),
    "rooms": ("房间数", "房間數", "房间数量", "间数", "室数"),
    "letting": ("出租方式", "出租方式", "租赁方式", "出租类型", "租赁类型"),
    "kind": (
        "地点类别", "地點類別", "场所类别", "地点类型", "场所类型", "房屋类别", "placekind", "placetype",
    ),
    "place": ("地点名称", "地點名稱", "场所名称", "地点", "场所", "placename"),
    "storey": ("楼层", "樓層", "所在楼层", "层", "层数", "floor", "level"),
    "latitude": ("纬度", "緯度", "lat"),
    "longitude": ("经度", "經度", "lng", "lon"),
    "role": ("角色", "角色", "身份", "人员类型", "人员类别", "住户类型"),
    "name": (
        "姓名", "姓名", "名字", "人员姓名", "住户姓名", "住户", "联系人", "fullname",
    ),
    "party": ("主体类型", "主體類型", "个人或单位", "partytype"),
    PHONE.key: PHONE.headings,
    "channels": ("方式", "方式", "通知方式"),
    **{kind.key: kind.headings for kind in KINDS if kind.headings and kind is not PHONE},
    "language": ("语言", "語言", "语种"),
    "quiet_from": ("免打扰开始", "勿擾開始", "勿扰开始"),
    "quiet_until": ("免打扰结束", "勿擾結束", "勿扰结束"),
    "start": (
        "起始日期", "起始日期", "开始日期", "起租日", "起租日期", "租期开始", "入住日期", "入住时间",
        "合同开始日期", "合同起始日期", "租赁开始日期", "租赁起始日期", "startdate", "leasestart",
        "movein", "moveindate",
    ),
    "end": (
        "结束日期", "結束日期", "终止日期", "截止日期", "到期日", "到期日期", "租期结束", "合同到期",
        "合同到期日", "合约到期日", "合同到期日期", "合同结束日期", "合同终止日期", "租赁结束日期", "租赁到期日",
        "enddate", "leaseend", "expiry", "expirydate",
    ),
    "schedule": ("值班表", "值班表"),
    "card": (
        "卡号", "卡號", "门卡", "门卡号", "门禁卡", "门禁卡号", "门禁卡编号", "IC卡号", "cardno", "cardnumber",
        "accesscard",
    ),
}  # fmt: skip
#: Each word of a cell in the same way; the key is the word in English.
_WORDS: dict[StrEnum | str, tuple[str, ...]] = {
    Role.LANDLORD: (
        "房东", "房東", "业主", "出租人", "出租方", "产权人", "owner", "lessor",
    ),
    Role.TENANT: (
        "租客", "租客", "租户", "承租人", "承租方", "租赁人", "租房人", "同住人", "合租人", "lessee",
        "renter", "occupant",
    ),
    Duty.FIRE_POST: ("微型消防站", "微型消防站", "消防站"),
    Duty.PROPERTY_OFFICE: ("物业", "物業", "物业公司", "物业服务中心", "物业办公室"),
    Duty.POLICE: ("民警", "員警", "警察", "社区民警", "派出所", "员警"),
    Duty.VOLUNTEER: ("志愿者", "志願者", "义工", "志工"),
    Letting.WHOLE: ("整租", "整租", "整套"),
    Letting.SHARED: ("合租", "合租", "分租"),
    Letting.DORMITORY: ("宿舍", "宿舍", "集体宿舍"),
    Letting.SHORT_TERM: ("短租", "短租", "民宿", "日租"),
    Letting.OWNER: ("自住", "自住", "业主自住"),
    PlaceKind.BUILDING: ("楼栋", "樓棟", "楼宇"),
    PlaceKind.STAIRWELL: ("单元", "單元", "门栋"),
    PlaceKind.UNIT: ("住宅", "住宅", "flat", "apartment"),
    PlaceKind.SHOP: ("商铺", "店鋪", "店铺", "门面", "沿街商铺"),
    PlaceKind.BIKE_PARKING: (
        "电动自行车停放点", "電動自行車停放點", "停放点", "车棚", "ebikeparking",
    ),
    PlaceKind.CHARGING: ("充电点", "充電點", "充电桩", "充电棚", "chargingplace"),
    PlaceKind.SHARED: ("公共部位", "公共空間", "公共空间", "公共区域"),
    PartyKind.PERSON: ("个人", "個人", "自然人", "individual"),
    PartyKind.ORGANISATION: (
        "单位", "組織", "组织", "企业", "公司", "organization", "company",
    ),
    Channel.SMS: ("短信", "簡訊", "简讯", "手机短信", "text"),
    Channel.CALL: ("电话", "電話", "语音", "语音电话", "phone", "voice"),
    "en": ("英语", "英語", "英文", "english"),
    "zh-Hans": ("简体中文", "簡體中文", "简体", "中文", "zhcn", "chinese"),
    "zh-Hant": ("繁体中文", "繁體中文", "繁体", "正体中文", "zhtw", "zhhk"),
}  # fmt: skip
_LANGUAGES = {"zh-Hans": 0, "zh-Hant": 1}
#: Columns that may be there once for each role, as in 承租人电话.
_OF_A_PERSON = ("name", "phone", "email", "language", "start", "end", "card")


def fold(text: str) -> str:
    """Return what two spellings of a heading or word have in common."""
    plain = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\W_]+", "", plain).casefold().translate(_FOLD)


def _index[T](table: Mapping[T, Iterable[str]]) -> dict[str, T]:
    return {
        fold(text): key for key, texts in table.items() for text in (str(key), *texts)
    }


_HEADINGS = _index(COLUMNS)
_ROLES = _index({role: _WORDS[role] for role in Role})


def column_of(heading: str) -> str | None:
    """Return the column of a heading: its key, or role.key where it is for one role."""
    word = fold(heading)
    if key := _HEADINGS.get(word):
        return key
    for begin, role in _ROLES.items():
        rest = word.removeprefix(begin)
        key = _HEADINGS.get(rest) if rest else "name"
        if rest != word and key in _OF_A_PERSON:
            return f"{role}.{key}"
    return None


def columns_of(headings: Iterable[str]) -> list[str | None]:
    """Return the columns of a line of headings.

    *Unit* is the flat in English, and 单元 where there is a column of rooms too.
    """
    texts = list(headings)
    found = [column_of(text) for text in texts]
    unit = "stairwell" if "number" in found else "number"
    return [
        unit if fold(text) == "unit" else column
        for text, column in zip(texts, found, strict=True)
    ]


def heading_of(column: str, language: str) -> str:
    """Return what an exported column is called."""
    return _in_language(column, COLUMNS[column], language)


def word_of(value: str, language: str) -> str:
    """Return what an exported value is called."""
    return _in_language(value, _WORDS[value], language)


def words_of(values: Iterable[str], language: str) -> str:
    """Return the values that a cell may have."""
    return ", ".join(word_of(value, language) for value in values)


def parse_word(text: str, values: Iterable[str]) -> str:
    """Return the value that a word means. Raises ValueError."""
    try:
        return _words(tuple(values))[fold(text)]
    except KeyError:
        raise ValueError from None


@cache
def _words(values: tuple[str, ...]) -> dict[str, str]:
    found = _index({value: _WORDS[value] for value in values})
    return {word: str(value) for word, value in found.items()}


def _in_language(key: str, texts: tuple[str, ...], language: str) -> str:
    return texts[_LANGUAGES[language]] if language in _LANGUAGES else str(key)
