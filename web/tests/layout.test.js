import assert from "node:assert/strict";
import test from "node:test";

import { arrange, grid } from "../../src/visavis/web/static/layout.js";

const STAGES = [
  [1280, 660],
  [390, 690],
  [820, 1000],
  [300, 200],
];

/** @param {import("../../src/visavis/web/static/layout.js").Rect[]} rects */
function overlaps(rects) {
  return rects.some((a, i) =>
    rects.some(
      (b, j) => i < j && a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height,
    ),
  );
}

test("one to 25 tiles lie inside the stage, apart from each other and all of one size", () => {
  for (const [width, height] of STAGES) {
    for (let count = 1; count <= 25; count += 1) {
      const rects = grid({ x: 0, y: 0, width, height }, count);
      assert.equal(rects.length, count);
      assert.ok(!overlaps(rects), `${count} tiles on ${width}x${height} overlap`);
      for (const rect of rects) {
        assert.ok(rect.x >= -0.01 && rect.x + rect.width <= width + 0.01);
        assert.ok(rect.y >= -0.01 && rect.y + rect.height <= height + 0.01);
        assert.deepEqual([rect.width, rect.height], [rects[0].width, rects[0].height]);
        assert.ok(rect.width / rect.height > 0.84 && rect.width / rect.height < 1.78);
      }
    }
  }
});

test("two people on a phone are one above the other, on a desktop side by side", () => {
  const phone = grid({ x: 0, y: 0, width: 390, height: 690 }, 2);
  const desktop = grid({ x: 0, y: 0, width: 1280, height: 660 }, 2);
  assert.equal(phone[0].x, phone[1].x);
  assert.equal(desktop[0].y, desktop[1].y);
});

test("a shared screen takes most of the stage", () => {
  for (const [width, height] of STAGES) {
    const { screens, people } = arrange(width, height, 1, 5);
    assert.ok(!overlaps([...screens, ...people]));
    assert.ok(screens[0].width * screens[0].height > people[0].width * people[0].height * 2);
  }
});

test("a stage without room has no tiles of negative size", () => {
  for (const rect of grid({ x: 0, y: 0, width: 0, height: 0 }, 9)) {
    assert.ok(rect.width >= 0 && rect.height >= 0);
  }
});
