/** What the cards are called where one is chosen. */

import type { Kind } from "./kinds";

type Titles = Record<Kind | "dashboard" | "overview", string>;

const TITLES: Record<string, Titles> = {
  en: {
    alarms: "Safety: incidents",
    incident: "Safety: the most urgent incident",
    building: "Safety: building",
    unit: "Safety: flat or place",
    dashboard: "Community Safety",
    overview: "Incidents",
  },
  "zh-Hans": {
    alarms: "社区安全：警情",
    incident: "社区安全：最紧急的警情",
    building: "社区安全：楼栋",
    unit: "社区安全：房屋或位置",
    dashboard: "社区安全",
    overview: "警情",
  },
  "zh-Hant": {
    alarms: "社區安全：警情",
    incident: "社區安全：最緊急的警情",
    building: "社區安全：樓棟",
    unit: "社區安全：房屋或位置",
    dashboard: "社區安全",
    overview: "警情",
  },
};

export const titlesIn = (language: string): Titles => TITLES[language] ?? (TITLES["en"] as Titles);
