/** What the register answers. Days are `2026-11-29`, times ISO or Unix seconds. */

export interface Unit {
  unit_id: string;
  title: string;
  building: string;
  stairwell: string;
  number: string;
  area_id: string | null;
  rooms: number | null;
  letting: string | null;
  tenants: number;
  landlords: number;
  unreachable: number;
  without_channel: number;
  overdue: number;
  lease_end: string | null;
  complete: boolean;
}

export interface Units {
  units: Unit[];
  matching: number;
  total: number;
  counts: Record<string, number>;
}

export interface Address {
  address_id: string;
  channel: string;
  target: string;
  language: string;
  quiet_from: string | null;
  quiet_until: string | null;
  verified_at: string | null;
  /** `waiting`, `sent`, or why a test message did not come. */
  check: string | null;
}

export interface Change {
  what: string;
  at: string;
  who: string | null;
  start: string | null;
  end: string | null;
  left_on: string | null;
  undone: boolean;
  command_id: string | null;
}

export interface Lease {
  lease_id: string;
  version: number;
  role: string;
  start: string | null;
  end: string | null;
  left_on: string | null;
  is_inside: boolean;
  history: Change[];
}

interface Human {
  person_id: string;
  person_version: number;
  name: string;
  language: string;
  addresses: Address[];
}

/** Somebody in a unit, with their lease. */
export interface Occupant extends Lease, Human {
  slot: number;
}

export interface UnitFile extends Unit {
  address: string;
  version: number;
  people: Occupant[];
  accounts: Record<string, string>;
}

export interface Person extends Human {
  leases: (Lease & { unit_id: string; unit: string | null })[];
  duties: string[];
  accounts: Record<string, string>;
}

export interface Hit {
  person_id: string;
  name: string;
  addresses: Address[];
  units: { unit_id: string; role: string; unit: string | null }[];
}

export interface Written {
  people: string[];
  leases: string[];
  command_id: string;
}

/** Either is done, or is not because somebody was faster: with what is there now. */
export interface Outcome<Now, Done = Written> {
  written: Done | null;
  conflict?: Now;
}

export interface Doubts {
  same: Hit[];
  overlaps: (Lease & { unit_id: string; unit: string | null; name: string })[];
}

export interface Consent {
  scope: string;
  until: string | null;
  given_at: string;
  given_by: string | null;
  contacts: { person_id: string; name: string }[];
}

export interface Card {
  card_id: string;
  /** `card`, or the `plate` of a vehicle. */
  medium: string;
  /** Its last four digits; empty before it is issued. */
  card_number: string;
  holder: string;
  unit: string | null;
  state: string;
  decision: string;
  pending: number;
  unproven: number;
  start: string | null;
  end: string | null;
  closed_at: string | null;
}

/** Who visits a flat, or is to. */
export interface Visitor extends Card {
  name: string;
}

/** A place of the property, and the plate on it. */
export interface PlaceRow {
  place_id: string;
  version: number;
  kind: string;
  unit_id: string | null;
  building: string;
  stairwell: string;
  number: string;
  name: string;
  area_id: string | null;
  storey: number | null;
  latitude: number | null;
  longitude: number | null;
  grade: string | null;
  tag_id: string;
  /** The valid code; null: there is none. */
  code: { version: number; issued_at: string; scans: number; scanned_at: string | null } | null;
}

export interface PlaceFile extends PlaceRow {
  address: string;
  parties: { party_id: string; person_id: string; kind: string; role: string; name: string; reached: string[] }[];
  visits: { at: string; who: string | null; finding: string; note: string; was_there: boolean }[];
  sockets: { free: number; total: number; unknown: number } | null;
  accounts: Record<string, string>;
}

/** A hazard that somebody has reported: nobody is in it. */
export interface HazardRow {
  report_id: string;
  version: number;
  place_id: string;
  unit_id: string | null;
  place: Pick<PlaceRow, "kind" | "building" | "stairwell" | "number" | "name">;
  category: string;
  danger: boolean;
  state: string;
  party: string | null;
  created_at: string;
  due_at: string;
  mended_at: string | null;
  closed_at: string | null;
  overdue: boolean;
  late: boolean;
  merged_into: string | null;
}

export interface HazardPicture {
  photo_id: string;
  kind: string;
  width: number;
  height: number;
}

export interface HazardFile extends HazardRow {
  text: string;
  pictures: HazardPicture[];
  steps: { at: string; what: string; who: string | null; note: string }[];
  merged: { report_id: string; created_at: string; text: string }[];
  accounts: Record<string, string>;
}

/** Somebody who is visited at home, in a list. */
export interface RoundRow {
  person_id: string;
  name: string;
  unit_id: string | null;
  unit: string | null;
  risk: string;
  /** The account that sees to it. */
  in_charge: string | null;
  version: number;
  when: "overdue" | "today" | "week" | "later" | "away";
  due_at: string;
  /** The day on which somebody goes. */
  next_on: string;
  cause: string | null;
  /** Days in a row on which nobody has opened. */
  missed: number;
  done_at: string | null;
  last: { at: string; outcome: string } | null;
  /** What whoever comes has to know, where that is one. */
  note?: string;
}

export interface RoundFile extends RoundRow {
  since: string;
  events: { cause: string; at: string }[];
  visits: { at: string; who: string | null; outcome: string; note: string; no_scan: string | null }[];
  accounts: Record<string, string>;
}

/** What a form about somebody's round begins with. */
export interface RoundForm {
  agreed: boolean;
  homes: { unit_id: string; unit: string | null }[];
  /** 0: they have none. */
  version: number;
  risk: string | null;
  in_charge: string | null;
  unit_id: string | null;
  note: string;
  accounts: Record<string, string>;
}

/** Somebody in full, as who stands at their door is shown them. */
export interface Registered extends Human {
  role: string;
}

/** A card at one controller. */
export interface CardPlace {
  device_id: string;
  name: string | null;
  doors: string[];
  opens: boolean;
  proof: string;
  why_unproven: string | null;
  proven_at: string | null;
}

/** A card at the controller whose list is shown. */
export interface DoorCard {
  card_id: string;
  card_number: string;
  holder: string;
  person_id: string | null;
  unit: string | null;
  doors: string[];
  /** It is to be there; else it is to be gone. */
  wanted: boolean;
  end: string;
  proof: string;
  why_unproven: string | null;
}

/** What a controller is to hold, and how its own list was found; null if it was not read in this run. */
export interface DoorCards {
  cards: DoorCard[];
  total: number;
  pending: number;
  missing: number;
  left: number;
  /** To what has a list that nobody can read. */
  sent: number;
  /** `card` or `plate`. */
  medium: string;
  list: { at: string; count: number; unknown: string[] } | null;
}

/** Who went through a door, or was not let in. */
export interface Passage {
  at: string;
  door: string;
  decision: string;
  granted: boolean;
  /** Null where the controller does not know. */
  inwards: boolean | null;
  card_number: string;
  person_id: string | null;
  name: string | null;
}

/** What was read at a reader; whose card it is, for who may know. */
export interface Reading {
  reading_id: string;
  card_number: string;
  is_known: boolean;
  name: string | null;
}

/** For whom a door opens: a building, a stairwell or unit of it, or everybody. */
export interface Doorway {
  door_id: string;
  device_id: string;
  /** Of its controller; null if that is gone. */
  name: string | null;
  door: string;
  /** `card` or `plate`. */
  medium: string;
  building: string;
  stairwell: string;
  number: string;
}

export interface AuditRow {
  at: string;
  who: string | null;
  what: string;
  why: string;
  unit_id: string | null;
  unit: string | null;
  person_id: string | null;
}

export interface Audit {
  rows: AuditRow[];
  more: boolean;
  since: number;
  until: number;
  accounts: Record<string, string>;
}

export interface Week {
  from: number;
  until: number;
  duties: {
    duty: string;
    gaps: [number, number][];
    posts: { post: string; title: string; reachable: boolean; on: [number, number][] | null }[];
  }[];
}

export interface Duty {
  duty: string;
  gap: "unreachable" | "off" | null;
  posts: { post: string; title: string; on: boolean; reachable: boolean }[];
}

/** A row of a file, and what it does or would do. */
export interface ImportRow {
  row: number;
  /** The sheet of a workbook; empty for a text file. */
  sheet: string;
  status: ImportStatus;
  unit?: string | null;
  role?: string | null;
  name?: string | null;
  /** A day on which they have left: the row does not bring them back. */
  left_on?: string | null;
  fields?: { field: string; old: string | null; new: string | null }[];
}

export type ImportStatus = "refused" | "changed" | "added" | "unchanged";

/** What a file would change in the register, or has changed. */
export interface Import {
  imported: boolean;
  digest: string;
  rows: number;
  summary: Record<ImportStatus, number>;
  changes: ImportRow[];
  /** Lines that are no rows: titles, notes, totals. */
  skipped: { row: number; sheet: string; value: string }[];
  ignored_columns: string[];
  error_count: number;
  /** What is wrong, with its cell, what stands there, and what is allowed. */
  errors: { row: number; sheet: string; message: string }[];
}

export interface Roles {
  roles: Grant[];
  accounts: { user_id: string; name: string | null; is_admin: boolean }[];
  kinds: { role: string; of_a_person: boolean }[];
}

export interface Grant {
  grant_id: string;
  user_id: string;
  role: string;
  person_id: string | null;
  /** Where it holds; null: in the whole property. */
  units: string[] | null;
  given_at: string | null;
  until: string | null;
}

/** Who has left a unit and can be brought back. */
export interface Left {
  person_id: string;
  name: string;
  role: string;
  left_on: string | null;
  at: string;
  command_id: string;
}

export interface RemovedUnit {
  unit_id: string;
  title: string;
  people: number;
  at: number;
  /** How many more days it can be brought back. */
  days: number;
}

/** What was told about an own flat, and is over; people are a role and a number. */
export interface Past {
  alerts: {
    alert_id: string;
    hazards: string[];
    drill: boolean;
    created_at: number;
    answer: string | null;
    answered_at: number | null;
    helped: boolean;
    slots: { role: string; number: number; state: string }[];
  }[];
  /** There were others before. */
  more: boolean;
}

export interface Flat {
  unit_id: string;
  title: string;
  area_id: string | null;
  roles: string[];
  alerts: {
    alert_id: string;
    severity: string;
    hazards: string[];
    state: string;
    drill: boolean;
    created_at: number;
    answer: string | null;
    answered_at: number | null;
    help_open: boolean;
  }[];
  nearby: { alert_id: string; hazards: string[]; at: number }[];
  lease_end?: string | null;
  tenants?: number;
  unreachable?: number;
}

/** A search, without anybody in it. */
export interface SearchRow {
  case_id: string;
  kind: string;
  opened_at: string;
  opened_by: string | null;
  closes_at: string;
  closed_at: string | null;
  closed_by: string | null;
  outcome: string | null;
  open: boolean;
  watched_by: string | null;
  /** The newest sighting that is known. */
  seen_at: string | null;
  told_at: string | null;
  /** Those who respond may see a picture. */
  pictured: boolean;
  looks: number;
}

export interface SeenWhere {
  name: string;
  place: string;
  place_id: string | null;
  latitude: number | null;
  longitude: number | null;
}

export interface SearchFile extends SearchRow {
  person_id: string | null;
  /** These four only while it is open. */
  name: string | null;
  description: string | null;
  plate: string | null;
  authority: string | null;
  deeds: {
    at: string;
    who: string | null;
    what: string;
    shown: number | null;
    receipt: string | null;
    digest: string | null;
  }[];
  accounts: Record<string, string>;
  places: (SeenWhere & { device_id: string; door: string })[];
  /** In which words cameras say how somebody looks. */
  words: Record<Looks, string[]>;
}

/** What a camera may say of how somebody or something looks. */
export type Looks = "category" | "colour" | "age_group";

export interface SeenAt {
  at: string;
  event_id: string;
  device_id: string;
  door: string;
  medium: string | null;
  number: string;
  decision: string | null;
  granted: boolean | null;
  inwards: boolean | null;
  category: string | null;
  colour: string | null;
  age_group: string | null;
  name: string | null;
  /** Else the number may only be taken for the one that is looked for. */
  exact: boolean;
  /** Its camera may have a picture of it. */
  pictured: boolean;
  /** What was asked of how they look, and the camera does not tell. */
  untold: ("colour" | "age_group")[];
  /** So many seconds before, nothing was seen; null for less than is worth a word. */
  gap: number | null;
  where: SeenWhere;
}

/** What a look has come to, the newest first. */
export interface Look {
  deed_id: string;
  /** Cards and plates that were looked for. */
  numbers: number;
  more: boolean;
  last: string | null;
  since_last: number | null;
  /** How many more were seen of which the camera does not tell what was asked. */
  untold: number;
  sightings: SeenAt[];
}

/** What somebody is heard by; null: somebody has said so. */
export interface HeardBy {
  key: string;
  entity_id: string | null;
  name: string | null;
  area: string | null;
}

export interface WatchRow {
  watch_id: string;
  person_id: string;
  name: string;
  unit_id: string;
  unit: string | null;
  in_charge: string | null;
  started_at: string;
  until: string | null;
  state: "alarm" | "asking" | "suspended" | "away" | "paused" | "watching";
  why: string[];
  /** Its key is lost: all below is null. */
  unreadable: boolean;
  because: string;
  sensitivity: "early" | "normal" | "late" | null;
  last: string | null;
  by: HeardBy | null;
  silent_since: string | null;
  usual_by: string | null;
  usual_on_days: number | null;
  usual_of_days: number | null;
  ask_at: string | null;
  tell_at: string | null;
  asked_at: string | null;
  told_at: string | null;
  away_since: string | null;
  away_until: string | null;
  paused_until: string | null;
  guests_until: string | null;
  moved: number | null;
  dead: (HeardBy & { since: string })[];
  asks: boolean;
}

export interface WatchSource extends HeardBy {
  kind: string;
  how: string | null;
  least: number | null;
  dead_since: string | null;
}

/** A day by its quarters of an hour. */
export interface WatchChart {
  day: string;
  usual: (number | null)[];
  today: (boolean | null)[];
}

export interface WatchMonth {
  month: string;
  asked: number;
  told: number;
  needless: number;
  real: number;
}

export interface WatchFile extends WatchRow {
  accounts: Record<string, string>;
  contacts: { person_id: string; name: string; turn: number }[];
  /** What speaks or lights up in the flat when they are asked. */
  places: string[];
  sources: WatchSource[];
  chart: WatchChart;
  now_quarter: number;
  deeds: { at: string; what: string; user_id: string | null; person_id: string | null }[];
  months: WatchMonth[];
}

export interface Proposal {
  entity_id: string;
  name: string;
  area: string | null;
  kind: string;
  how: string;
  least: number | null;
  unit: string | null;
  good: boolean;
}

/** A desk as it is now. */
export interface DeskRow {
  desk_id: string;
  title: string;
  level: string;
  /** What people call it; may be "". */
  level_name: string;
  open: boolean;
  staffed: boolean;
  /** Whom it serves; none: everybody. */
  buildings: string[];
  /** Numbers, the first one first. */
  waiting: number[];
  called: number[];
  last: number | null;
}

/** Something that is to be told to an authority, or was. */
export interface NoticeRow {
  notice_id: string;
  version: number;
  kind: string;
  state: "open" | "given" | "excused" | "withdrawn";
  unit_id: string;
  unit: string | null;
  person_id: string;
  name: string;
  begins_on: string;
  due_on: string;
  /** That year's days off are not known yet. */
  assumed: boolean;
  overdue: boolean;
  late: boolean;
  settled_at: string | null;
  settled_by: string | null;
  settled_how: string | null;
  receipt: string;
}

export interface Notices {
  notices: NoticeRow[];
  accounts: Record<string, string>;
}

/** A file of notices that somebody has taken along. */
export interface NoticeExport {
  export_id: string;
  at: string;
  who: string | null;
  notices: number;
}

/** Somebody who came in at a desk. */
export interface ArrivalRow {
  person_id: string;
  name: string;
  unit_id: string;
  unit: string | null;
  role: string;
  at: string;
  who: string | null;
  desk_id: string | null;
  identified: boolean;
  briefed: boolean;
}
