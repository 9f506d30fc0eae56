/**
 * Building elements: text is always text, never markup.
 * @module dom
 */

/** @typedef {string | boolean | number | null | undefined | ((event: any) => void)} Prop */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Prop>} [props] `onclick` and the like are listeners, all else attributes; null and false: none
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else attribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Sets, changes or removes an attribute, touching the document only when it differs.
 * @param {Element} element @param {string} name @param {string | boolean | number | null | undefined} value */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** @param {Node} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Drawn on a grid of 24, two wide, round. @type {Record<string, string>} */
const ICONS = {
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6",
  "mic-off": "M4 4l16 16M9 9v2a3 3 0 0 0 4.6 2.5M15 11.5V6a3 3 0 0 0-5.6-1.5M6 11a6 6 0 0 0 9.5 4.9M17.6 13.2A6 6 0 0 0 18 11M12 17v4M9 21h6",
  camera: "M5 7h8a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zM15 11l6-3v8l-6-3",
  "camera-off": "M4 4l16 16M10 7h3a2 2 0 0 1 2 2v3l6-4v8l-1.5-.8M15 15a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2h2",
  screen: "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM8 20h8M12 14V8M9.500 10.500L12 8l2.500 2.500",
  chat: "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM8 10h8M8 13h5",
  stats: "M4 20h16M6 16v-4M11 16V6M16 16v-7M20 16v-2",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.500 9.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.9-1.100 1.800M12 16.800v.2",
  leave: "M3 15.500c0-5 4-7.500 9-7.500s9 2.500 9 7.500l-4.500 1-1-3.500a9 9 0 0 0-7 0l-1 3.500z",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-6 16-3-7z",
  shuffle: "M4 7h3c4 0 6 10 10 10h3M4 17h3c1.600 0 2.900-1.600 4-3.500M13 9.500C14.100 8 15.300 7 17 7h3M18 4.500L20.500 7 18 9.500M18 14.500l2.500 2.500-2.500 2.500",
  check: "M5 12.500l4.500 4.500L19 7.500",
  wait: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  broken: "M12 4l9 16H3zM12 10v4M12 17v.2",
  pause: "M9 6v12M15 6v12",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 14.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-3.500 2.500-6 6-6s6 2.500 6 6M16 4.300a3.500 3.500 0 0 1 0 6.400M18 14.300c1.900.9 3 2.900 3 5.700",
  server: "M5 4h14v6H5zM5 14h14v6H5zM8 7h.1M8 17h.1M12 10v4",
  direct: "M6.500 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM17.500 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM9.500 12h5",
};

/** @param {string} name @returns {SVGSVGElement} hidden from screen readers: the words stand beside it */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("data-icon", name);
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/** @param {SVGSVGElement} svg @param {string} name */
export function setIcon(svg, name) {
  if (svg.getAttribute("data-icon") === name) return;
  svg.setAttribute("data-icon", name);
  svg.firstElementChild?.setAttribute("d", ICONS[name] ?? "");
}
