import { beforeAll, expect, test } from "vitest";
import { placeName } from "../src/register/places";
import { fetchTexts, translator } from "../src/register/texts";

const place = { building: "", stairwell: "", number: "", name: "" };

beforeAll(() => fetchTexts("zh-Hans"));

test.each([
  [{ building: "1" }, "1栋"],
  [{ building: "1", stairwell: "2" }, "1栋2单元"],
  [{ building: "1", stairwell: "2", number: "301" }, "1-2-301"],
  [{ number: "301" }, "301"],
  [{ building: "1", name: "车棚" }, "1栋 车棚"],
  [{ name: "水泵房" }, "水泵房"],
])("a place is called as on its plate: %o", (some, name) => {
  expect(placeName({ t: translator("zh-Hans") }, { ...place, ...some })).toBe(name);
});
