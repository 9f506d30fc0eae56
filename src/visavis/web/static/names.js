/**
 * Readable names for new rooms, and the initials of people.
 * @module names
 */

const FIRST =
  "amber azure bold brave bright calm clear clever coral crisp eager early fair gentle golden grand happy ivory jade keen kind lively lucky mellow merry misty noble opal pearl proud quick quiet rapid ruby silver sunny swift tidy violet warm".split(
    " ",
  );
const SECOND =
  "badger beaver bison crane deer dolphin dove eagle falcon ferret finch fox gecko hare heron ibis jay koala lark lion lynx marten mole moose newt orca otter owl panda puffin raven robin salmon seal sparrow stork swan tiger toad wren".split(
    " ",
  );

/** @returns {string} such as "amber-falcon-27" */
export function suggestRoom() {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint32Array(3));
  return `${FIRST[a % FIRST.length]}-${SECOND[b % SECOND.length]}-${10 + (c % 90)}`;
}

/** @param {string} text what somebody typed @returns {string} as much of it as a room may be called */
export function roomFrom(text) {
  return text.trim().replace(/\s+/g, "-").replace(/[^A-Za-z0-9_-]/g, "").slice(0, 64);
}

/** @param {string} name @returns {string} one or two letters */
export function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : undefined]
    .map((word) => (word === undefined ? "" : ([...word][0] ?? "")))
    .join("");
  return letters.toUpperCase() || "?";
}

/** @param {string} name @returns {number} a hue of 0 to 359 that stays the same for a name */
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return hash;
}
