import { crc32 as theirs } from "node:zlib";
import { expect, test } from "vitest";
import { crc32, xlsx } from "../../src/site/xlsx";

const said = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("the sum of each file is that of the standard", () => {
  for (const text of ["", "123456789", "卧室烟感"]) {
    const bytes = new TextEncoder().encode(text);
    expect(crc32(bytes)).toBe(theirs(bytes));
  }
});

test("every cell is text: no formula, no markup, nothing that XML cannot say", () => {
  const text = said(xlsx([["A", "B"], ['=HYPERLINK("x")', "<b> & \u0001\ud800 卧室"]]));
  expect(text).toContain('<c t="inlineStr"><is><t xml:space="preserve">=HYPERLINK("x")</t></is></c>');
  expect(text).toContain("&lt;b&gt; &amp; \ufffd 卧室");
  expect(text).not.toContain("<f>");
});

test("the list at its end leads to each file", () => {
  const bytes = xlsx([["A"]]);
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  let at = view.getUint32(end + 16, true);
  const names: string[] = [];
  for (let left = view.getUint16(end + 10, true); left; left -= 1) {
    expect(view.getUint32(at, true)).toBe(0x02014b50);
    const length = view.getUint16(at + 28, true);
    names.push(said(bytes.subarray(at + 46, at + 46 + length)));
    expect(view.getUint32(view.getUint32(at + 42, true), true)).toBe(0x04034b50);
    at += 46 + length;
  }
  expect(at).toBe(end);
  expect(names).toEqual([
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/worksheets/sheet1.xml",
  ]);
});
