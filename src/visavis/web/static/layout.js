/**
 * Where tiles go: pure geometry.
 * @module layout
 */

/** @typedef {{x: number, y: number, width: number, height: number}} Rect */

const GAP = 10;
/** Tiles are as wide as a camera sees or narrower: much so on a portrait phone, little elsewhere. */
const NARROWEST = 4 / 3;
const NARROWEST_IN_PORTRAIT = 0.85;
const WIDEST = 16 / 9;
/** The part of the stage that shared screens get beside the people. */
const SCREEN_SHARE = 0.78;
const STRIP_LEAST = 96;

/**
 * Equal tiles, as large as they can be, the last row centred.
 * @param {Rect} area
 * @param {number} count
 * @returns {Rect[]}
 */
export function grid(area, count) {
  if (count === 0) return [];
  const narrowest = area.width < area.height ? NARROWEST_IN_PORTRAIT : NARROWEST;
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cellWidth = (area.width - GAP * (columns - 1)) / columns;
    const cellHeight = (area.height - GAP * (rows - 1)) / rows;
    if (cellWidth <= 0 || cellHeight <= 0) continue;
    const ratio = Math.min(WIDEST, Math.max(narrowest, cellWidth / cellHeight));
    const width = Math.min(cellWidth, cellHeight * ratio);
    const height = Math.min(cellHeight, cellWidth / ratio);
    if (width * height > best.width * best.height) best = { columns, width, height };
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(count / columns);
  const top = area.y + (area.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = area.x + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { x: left + (index % columns) * (width + GAP), y: top + row * (height + GAP), width, height };
  });
}

/**
 * Shared screens large, people in a strip beside them or, on a narrow stage, below.
 * @param {number} width
 * @param {number} height
 * @param {number} screens
 * @param {number} people
 * @returns {{screens: Rect[], people: Rect[]}}
 */
export function arrange(width, height, screens, people) {
  const all = { x: 0, y: 0, width, height };
  if (screens === 0) return { screens: [], people: grid(all, people) };
  if (people === 0) return { screens: grid(all, screens), people: [] };
  if (width > height) {
    const strip = Math.max(STRIP_LEAST, width * (1 - SCREEN_SHARE)) - GAP;
    const main = width - strip - GAP;
    return {
      screens: grid({ ...all, width: main }, screens),
      people: grid({ x: main + GAP, y: 0, width: strip, height }, people),
    };
  }
  const strip = Math.max(STRIP_LEAST, height * (1 - SCREEN_SHARE)) - GAP;
  const main = height - strip - GAP;
  return {
    screens: grid({ ...all, height: main }, screens),
    people: grid({ x: 0, y: main + GAP, width, height: strip }, people),
  };
}
