"""Write what follows from the code: docs/catalogue.md and docs/reference.md, in each language.

A test compares the pages with what is written here.
"""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

from custom_components.community_safety.catalogue import (
    DEVICE_KINDS,
    GATEWAY,
    DeviceKind,
    Hazard,
    Level,
    Scope,
)
from custom_components.community_safety.catalogue.measurements import MEASUREMENTS
from custom_components.community_safety.core.device import DERIVED
from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parent.parent
INTEGRATIONS = ("community_safety", "rental_units")

#: What the pages say besides what the code and its translations say.
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "catalogue": "# Catalogue\n\n"
        "What each kind of device measures, and what counts as dangerous. Written by `scripts/catalogue` from the code; thresholds\n"
        "are defaults: they can be set for a kind in the gateway's options, and for one device by its number entities.\n",
        "reference": "# Reference\n\n"
        "All actions, triggers, conditions and forms with their fields, and all repairs. Written by `scripts/catalogue` from the code. What they are\n"
        "for is told in [Triggers, conditions and actions](automations.md) and [Rental Units](rental-units.md).\n",
        "readings": "| reading | unit | plausible | |",
        "hazards": "| hazard | severity | when | reset by a person | cuts off |",
        "settings": "| setting | default | range | source |",
        "fields": "| field | | what it is |",
        "entered": "| field | what is entered |",
        "issues": "| repair | what it says |",
        "range": "{low} to {high}",
        "binary": "yes, no",
        "writable": "can be set",
        "of_rated": " % of `rated_current`",
        "delay": " for {seconds:g} s",
        "hysteresis": ", until it is back by {value:g}",
        "yes": "yes",
        "required": "required",
        "default": "default: {value}",
        "values": "One of {values}.",
        "several": "Any of {values}.",
        "target": "It takes a target: areas, floors, devices, labels or entities.",
        "variant": "Used as `{name}`: {values}.\n",
        "single_phase": "A new device that measures one phase begins as `{single}`, every other as `{first}`. It is written down when"
        " the device is first seen: an update changes it for none that is there.\n",
        "services": "Actions of {title}",
        "triggers": "Triggers of {title}",
        "conditions": "Conditions of {title}",
        "forms": "Forms of {title}",
        "thresholds": "The thresholds of each kind of device are in the [catalogue](catalogue.md).",
        "repairs": "Repairs",
        "device_cut": "its own supplies, by itself",
        "area_cut": "the area, by an automation",
        "gateway": "Gateway",
        "comma": ", ",
        "is": "{name}: {text}",
        "of": "{name} ({of})",
    },
    "zh-Hans": {
        "catalogue": "# 设备目录\n\n"
        "各类设备测量什么、什么情况视为危险。本页由 `scripts/catalogue` 根据代码生成；阈值均为默认值：可在网关选项中按设备类型设置，\n"
        "也可通过设备的数值实体单独设置。\n",
        "reference": "# 参考手册\n\n"
        "全部动作、触发器、条件和表单及其字段，以及全部修复提示。本页由 `scripts/catalogue` 根据代码生成。用法见[触发器、条件与动作](automations.md)\n"
        "和[出租房管理](rental-units.md)。\n",
        "readings": "| 读数 | 单位 | 合理范围 | |",
        "hazards": "| 险情或故障 | 级别 | 条件 | 须由人员复位 | 切断 |",
        "settings": "| 设置 | 默认值 | 范围 | 依据 |",
        "fields": "| 字段 | | 说明 |",
        "entered": "| 字段 | 填写内容 |",
        "issues": "| 修复提示 | 内容 |",
        "range": "{low} 至 {high}",
        "binary": "是、否",
        "writable": "可控制",
        "of_rated": " %（占 `rated_current` 的百分比）",
        "delay": "，持续 {seconds:g} 秒",
        "hysteresis": "，回差 {value:g}",
        "yes": "是",
        "required": "必填",
        "default": "默认：{value}",
        "values": "取值：{values}。",
        "several": "可多选：{values}。",
        "target": "可选目标：区域、楼层、设备、标签或实体。",
        "variant": "使用位置为 `{name}` 时：{values}。\n",
        "single_phase": "只测量单相的新设备初始为 `{single}`，其余为 `{first}`。首次发现设备时即记录在案，更新版本不会改变已有设备的使用位置。\n",
        "services": "{title}：动作",
        "triggers": "{title}：触发器",
        "conditions": "{title}：条件",
        "forms": "{title}：表单",
        "thresholds": "各类设备的阈值见[设备目录](catalogue.md)。",
        "repairs": "修复提示",
        "device_cut": "由系统直接切断该设备的供电",
        "area_cut": "由自动化切断整个区域的供电",
        "gateway": "网关",
        "comma": "、",
        "is": "{name}：{text}",
        "of": "{name}（{of}）",
    },
}

#: Where a default comes from, as the catalogue says it in English; a standard's number stays.
SOURCES: Mapping[str, Mapping[str, str]] = {
    "zh-Hans": {
        "GB 14287.3: 45 to 140 °C; 70 °C is the limit of PVC insulation": "GB 14287.3：45 至 140 °C；PVC 绝缘的上限为 70 °C",
        "GB 4716 class A2, UL 521": "GB 4716 A2 类、UL 521",
        "GB 50116 9.2.3: 300 to 500 mA in a distribution box": "GB 50116 第 9.2.3 条：配电箱处 300 至 500 mA",
        "GB 50974 4.3.9: the tank's level is shown and its limits raise an alarm": "GB 50974 第 4.3.9 条：水箱应显示液位，越限时报警",
        "GB 50974 5.2.2: least static pressure, high-rise housing": "GB 50974 第 5.2.2 条：高层住宅的最低静水压力",
        "GB 50974 5.2.5: kept above 5 °C": "GB 50974 第 5.2.5 条：不低于 5 °C",
        "GB 50974 6.2.1: hydrants above 1.0 MPa need zones": "GB 50974 第 6.2.1 条：消火栓栓口静压大于 1.0 MPa 时应分区",
        "GB/T 12325 and IEC 60038: 220 or 230 V with its tolerances": "GB/T 12325、IEC 60038：220 V 或 230 V 及其允许偏差",
        "IEC 60898-1 table 7: conventional non-tripping and tripping current": "IEC 60898-1 表 7：约定不脱扣电流与约定脱扣电流",
        "IEC 60898-1 table 7: conventional non-tripping current": "IEC 60898-1 表 7：约定不脱扣电流",
        "UL 217: a month of warning is left": "UL 217：低电量报警后尚能工作一个月",
        "a full tank takes over half an hour to drain through its outlet": "满水的水箱经出水管放空需半小时以上",
        "a lead or lithium e-bike battery is full within 10 h": "电动自行车的铅酸或锂电池 10 小时内可充满",
        "a lift out of service for longer needs a person": "电梯停用超过该时间须有人处理",
        "below it an e-bike counts as unknown, and unknown is never held": "低于该值时电动自行车按未知物体处理，未知物体从不阻车",
        "somebody with a pram or a delivery is through by then": "推婴儿车或送货的人此时也已通过",
        "the breaker's or the socket's type plate": "断路器或插座的铭牌",
        "保安服务管理条例 article 25: kept for 30 days at least": "《保安服务管理条例》第二十五条：保存不少于 30 日",
    },
}


def texts_of(integration: str, language: str) -> dict[str, Any]:
    """Return the translations of an integration."""
    path = ROOT / f"custom_components/{integration}/translations/{language}.json"
    texts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return texts


class Catalogue:
    """The kinds of devices in one language."""

    def __init__(self, language: str) -> None:
        """Initialize."""
        self._words = WORDS[language]
        self._sources = SOURCES.get(language)
        texts = texts_of("community_safety", language)
        self._selector = texts["selector"]
        self._numbers = texts["entity"]["number"]
        joining = texts["entity"]["event"]["joining"]["state_attributes"]
        self._kinds = joining["kind"]["state"]

    def page(self) -> Iterator[str]:
        """Walk over the catalogue."""
        words = self._words
        yield words["catalogue"]
        for kind in (*DEVICE_KINDS.values(), GATEWAY):
            yield f"## {self._kinds.get(kind.key) or words['gateway']}\n"
            yield from self._readings(kind)
            yield words["hazards"]
            yield "|---|---|---|---|---|"
            for hazard in kind.hazards:
                for level in hazard.levels:
                    yield self._hazard(hazard, level)
            yield ""
            yield from self._settings(kind)
            for name, limits in kind.variants.items():
                if limits:
                    values = words["comma"].join(
                        f"`{key}` {value:g}" for key, value in limits.items()
                    )
                    yield words["variant"].format(name=name, values=values)
            if kind.single_phase:
                yield words["single_phase"].format(
                    single=kind.single_phase, first=next(iter(kind.variants))
                )

    def _readings(self, kind: DeviceKind) -> Iterator[str]:
        rows = [MEASUREMENTS[key] for key in kind.measurements if key not in DERIVED]
        if rows:
            yield self._words["readings"]
            yield "|---|---|---|---|"
        for row in rows:
            values = self._words["comma"].join(f"`{option}`" for option in row.options)
            plausible = (
                self._range(row.low, row.high)
                if row.is_number
                else values or self._words["binary"]
            )
            can = self._words["writable"] if row.writable else ""
            yield f"| `{row.key}` | {row.unit or ''} | {plausible} | {can} |"
        yield ""

    def _settings(self, kind: DeviceKind) -> Iterator[str]:
        if rows := [row for row in kind.all_settings.values() if row.source]:
            yield self._words["settings"]
            yield "|---|---|---|---|"
            for row in rows:
                unit = f" {row.unit}" if row.unit else ""
                reason = self._sources[row.source] if self._sources else row.source
                name = self._words["of"].format(
                    name=self._numbers[row.key]["name"], of=f"`{row.key}`"
                )
                yield (
                    f"| {name} | {row.default:g}{unit}"
                    f" | {self._range(row.low, row.high)} | {reason} |"
                )
            yield ""

    def _hazard(self, hazard: Hazard, level: Level) -> str:
        words = self._words
        name = self._selector["hazard"]["options"][hazard.key]
        severity = self._selector["severity"]["options"][level.severity.value]
        when = f"`{level.measurement}`"
        if level.threshold:
            unit = f" {level.threshold.unit or ''}".rstrip()
            when += f" {level.when.value} {level.threshold.default:g}"
            when += words["of_rated"] if level.of_rated else unit
        if level.delay:
            when += words["delay"].format(seconds=level.delay)
        if hazard.hysteresis and level.threshold:
            when += words["hysteresis"].format(value=hazard.hysteresis)
        is_alarm = level.severity == "alarm"
        cuts_off = {
            Scope.NONE: "",
            Scope.DEVICE: words["device_cut"],
            Scope.AREA: words["area_cut"],
        }[hazard.cuts_off]
        name = words["of"].format(name=name, of=f"`{hazard.key}`")
        return (
            f"| {name} | {severity} | {when}"
            f" | {words['yes'] if is_alarm and hazard.latching else ''}"
            f" | {cuts_off if is_alarm else ''} |"
        )

    def _range(self, low: float | None, high: float | None) -> str:
        return self._words["range"].format(low=_plain(low), high=_plain(high))


def forms(texts: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each form that is filled in to set an integration up, with the path of its texts.

    Thresholds are the catalogue's.
    """
    flows: dict[tuple[str, ...], Any] = {
        ("config",): texts["config"],
        ("options",): texts["options"],
    }
    for key, flow in texts.get("config_subentries", {}).items():
        flows["config_subentries", key] = flow
    for path, flow in flows.items():
        for key, step in flow["step"].items():
            if (
                is_filled_in(step)
                and not step.get("sections", {}).keys() & DEVICE_KINDS
            ):
                yield (*path, "step", key), step


def is_filled_in(step: Mapping[str, Any]) -> bool:
    """Return if a step of a flow has fields."""
    return bool(step.get("data") or step.get("sections"))


def fields_of(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what each field of a form is called, and what is to be entered."""
    for part in (step, *step.get("sections", {}).values()):
        for field, name in part.get("data", {}).items():
            yield name, part["data_description"][field]


class Reference:
    """What automations can use of an integration, what its forms ask, what it asks to be repaired."""

    def __init__(self, language: str) -> None:
        """Initialize."""
        self._words = WORDS[language]
        self._texts = {name: texts_of(name, language) for name in INTEGRATIONS}

    def page(self) -> Iterator[str]:
        """Walk over actions, triggers, conditions, forms and repairs."""
        yield self._words["reference"]
        for name in INTEGRATIONS:
            for part in ("services", "triggers", "conditions"):
                yield from self._part(name, part)
        for name in INTEGRATIONS:
            yield from self._forms(name)
        yield f"## {self._words['repairs']}\n"
        yield self._words["issues"]
        yield "|---|---|"
        for texts in self._texts.values():
            for issue in texts["issues"].values():
                steps = issue.get("fix_flow", {}).get("step", {})
                said = issue.get("description") or next(iter(steps.values()))
                text = said if isinstance(said, str) else said.get("description", "")
                yield f"| {_cell(issue['title'])} | {_cell(text)} |"
        yield ""

    def _forms(self, name: str) -> Iterator[str]:
        yield f"## {self._words['forms'].format(title=self._texts[name]['title'])}\n"
        if name == INTEGRATIONS[0]:
            yield f"{self._words['thresholds']}\n"
        # What two forms ask alike is told once, in each language of the same forms.
        told: list[list[tuple[str, str]]] = []
        for path, english in forms(texts_of(name, "en")):
            if (asked := list(fields_of(english))) in told:
                continue
            told.append(asked)
            step = self._texts[name]
            for key in path:
                step = step[key]
            yield f"### {_cell(step['title'])}\n"
            yield self._words["entered"]
            yield "|---|---|"
            yield from (
                f"| {_cell(n)} | {_cell(text)} |" for n, text in fields_of(step)
            )
            yield ""

    def _part(self, name: str, part: str) -> Iterator[str]:
        path = ROOT / f"custom_components/{name}/{part}.yaml"
        if not path.exists():
            return
        yield f"## {self._words[part].format(title=self._texts[name]['title'])}\n"
        for key, row in load_yaml_dict(str(path)).items():
            if key.startswith("."):
                continue
            texts = self._texts[name][part][key]
            row = row or {}
            of = self._words["of"].format(name=texts["name"], of=f"`{name}.{key}`")
            yield f"### {of}\n"
            yield texts["description"]
            if "target" in row:
                yield self._words["target"]
            yield ""
            if fields := row.get("fields"):
                yield self._words["fields"]
                yield "|---|---|---|"
                for field, about in fields.items():
                    yield self._field(name, texts["fields"][field], field, about or {})
                yield ""

    def _field(
        self, name: str, texts: Mapping[str, str], key: str, about: Mapping[str, Any]
    ) -> str:
        notes = [self._words["required"]] if about.get("required") else []
        if (value := about.get("default")) is not None:
            shown = str(value).lower() if isinstance(value, bool) else value
            notes.append(self._words["default"].format(value=f"`{shown}`"))
        text = self._words["is"].format(name=texts["name"], text=texts["description"])
        select = (about.get("selector") or {}).get("select") or {}
        if options := select.get("options"):
            translated = self._texts[name]["selector"][select["translation_key"]]
            values = self._words["comma"].join(
                self._words["of"].format(
                    name=f"`{option}`", of=translated["options"][option]
                )
                for option in options
            )
            kind = "several" if select.get("multiple") else "values"
            text += " " + self._words[kind].format(values=values)
        joined = self._words["comma"].join(notes)
        return f"| `{key}` | {joined} | {_cell(text)} |"


def _plain(number: float | None) -> str:
    return f"{number or 0:,.10g}".replace("-", "−")


def _cell(text: str) -> str:
    """Return a text of a translation for a table: one line, placeholders as code."""
    line = re.sub(r"\s+", " ", text).replace("|", r"\|").strip()
    return re.sub(r"\{(\w+)\}", r"`\1`", line)


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page that follows from the code: its file, and what is to be in it."""
    for language in WORDS:
        folder = ROOT / "docs" / ("" if language == "en" else language)
        for name, rows in (
            ("catalogue", Catalogue(language).page()),
            ("reference", Reference(language).page()),
        ):
            yield folder / f"{name}.md", "\n".join(rows).rstrip() + "\n"


if __name__ == "__main__":
    for path, text in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
