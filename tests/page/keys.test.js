// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../distill/ui/components/js/keys.js";

/**
 * @param {string} key what the key prints
 * @param {string} code where it sits
 * @param {Partial<import("../../distill/ui/components/js/keys.js").Press>} changes
 */
const press = (key, code, changes = {}) =>
  keyOf({
    ...{ key, code, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, keyCode: 0 },
    ...changes,
  });

test("a key is what it prints, wherever it sits", () => {
  assert.equal(press("z", "KeyZ"), "z");
  assert.equal(press("z", "KeyW", { ctrlKey: true }), "z"); // AZERTY
  assert.equal(press("z", "KeyY", { ctrlKey: true }), "z"); // QWERTZ
  assert.equal(press("v", "Period"), "v"); // Dvorak
  assert.equal(press("Z", "KeyZ", { ctrlKey: true, shiftKey: true }), "z");
  assert.equal(press("2", "Numpad2"), "2");
  assert.equal(press("ArrowUp", "ArrowUp"), "arrowup");
  assert.equal(press(" ", "Space"), " ");
});

test("a key that prints another script is the letter of its place", () => {
  const layouts = {
    Cyrillic: { z: "я", y: "н", b: "и", s: "ы", p: "з", c: "с", x: "ч", v: "м", r: "к", a: "ф" },
    Greek: { z: "ζ", y: "υ", b: "β", s: "σ", p: "π", c: "ψ", x: "χ", v: "ω", r: "ρ", a: "α" },
    Hebrew: { z: "ז", y: "ט", b: "נ", s: "ד", p: "פ", c: "ב", x: "ס", v: "ה", r: "ר", a: "ש" },
    Arabic: { z: "ئ", y: "غ", b: "لا", s: "س", p: "ح", c: "ؤ", x: "ء", v: "ر", r: "ق", a: "ش" },
    Japanese: { z: "つ", y: "ん", b: "こ", s: "と", p: "せ", c: "そ", x: "さ", v: "ひ", r: "す", a: "ち" },
    Thai: { z: "ผ", y: "ั", b: "ิ", s: "ห", p: "ย", c: "แ", x: "ป", v: "อ", r: "พ", a: "ฟ" },
  };
  for (const printed of Object.values(layouts)) {
    for (const [letter, key] of Object.entries(printed)) {
      assert.equal(press(key, `Key${letter.toUpperCase()}`), letter);
      assert.equal(press(key, `Key${letter.toUpperCase()}`, { ctrlKey: true }), letter);
    }
  }
  assert.equal(press("Я", "KeyZ", { metaKey: true, shiftKey: true }), "z");
  assert.equal(press("~", "KeyZ", { ctrlKey: true, shiftKey: true }), "z"); // Arabic, with Shift
});

test("letters and signs of Latin layouts are no other key because of their place", () => {
  assert.equal(press("ö", "KeyX"), "ö"); // Turkish F
  assert.equal(press(".", "KeyV"), "."); // Bépo: not Paste
  assert.equal(press("ż", "KeyZ", { ctrlKey: true, altKey: true }), ""); // AltGr and Z on a Polish layout: not Undo
});

test("digits are chosen without Shift also where a layout prints them with it", () => {
  const azerty = ["&", "é", '"', "'"];
  const czech = ["+", "ě", "š", "č"];
  assert.deepEqual(
    azerty.map((key, index) => press(key, `Digit${index + 1}`)),
    ["1", "2", "3", "4"],
  );
  assert.deepEqual(
    czech.map((key, index) => press(key, `Digit${index + 1}`)),
    ["+", "2", "3", "4"],
  ); // the sign of the zoom
  assert.equal(press("1", "Digit1", { shiftKey: true }), "1");
  assert.equal(press("٢", "Digit2"), "2");
  assert.equal(press("ふ", "Digit2"), "2");
  assert.equal(press("-", "Digit6"), "-"); // AZERTY: zooms out
  assert.equal(press("@", "Digit2", { shiftKey: true }), "@");
});

test("keys of a text input method are left alone", () => {
  assert.equal(press("z", "KeyZ", { isComposing: true }), "");
  assert.equal(press("Process", "KeyZ", { keyCode: 229 }), "");
});
