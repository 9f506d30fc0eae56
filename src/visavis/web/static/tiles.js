/**
 * The tiles on the stage: one per person and one per shared screen.
 * @module tiles
 */
/** @import {TileModel} from "./tilestate.js" */
/** @import {ViewTile} from "./protocol.js" */
/** @import {Rect} from "./layout.js" */
import { attribute, h, icon, setIcon, setText } from "./dom.js";
import { arrange } from "./layout.js";
import { hue, initials } from "./names.js";
import { STATE_ICONS } from "./tilestate.js";

/** Below this width the words of a tile give way; they stay in its label. */
const SMALL_TILE = 210;

/** @typedef {ReturnType<typeof makeTile>} Tile */

export class Tiles {
  /** @type {HTMLElement} */
  element;
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  /** @type {TileModel[]} */
  #models = [];
  /** Shown as one more tile while nobody else is here. @type {HTMLElement} */
  #invitation;
  #observer = new ResizeObserver(() => this.#place());
  /** @type {(tiles: ViewTile[]) => void} */
  #viewed;

  /**
   * @param {HTMLElement} invitation
   * @param {(tiles: ViewTile[]) => void} viewed told what of the others is on the page, most important first
   */
  constructor(invitation, viewed) {
    this.#invitation = invitation;
    this.#viewed = viewed;
    this.element = h("ul", { class: "stage", "aria-label": "Participants" });
    this.#observer.observe(this.element);
  }

  /** @param {TileModel[]} models */
  render(models) {
    this.#models = models;
    for (const [key, tile] of this.#tiles) {
      if (models.some((model) => model.key === key)) continue;
      tile.video.srcObject = null;
      tile.element.remove();
      this.#tiles.delete(key);
    }
    for (const model of models) {
      let tile = this.#tiles.get(model.key);
      if (tile === undefined) {
        tile = makeTile(model);
        this.#tiles.set(model.key, tile);
        this.element.append(tile.element);
      }
      fill(tile, model);
    }
    const alone = models.every((model) => model.you);
    if (alone) this.element.append(this.#invitation);
    else this.#invitation.remove();
    this.#place();
  }

  close() {
    this.#observer.disconnect();
    this.render([]);
  }

  #place() {
    const screens = this.#models.filter(({ source }) => source === "screen");
    const people = this.#models.filter(({ source }) => source === "camera");
    const invited = this.#invitation.isConnected ? 1 : 0;
    const { clientWidth, clientHeight } = this.element;
    const places = arrange(clientWidth, clientHeight, screens.length, people.length + invited);
    screens.forEach((model, index) => this.#move(this.#tiles.get(model.key)?.element, places.screens[index]));
    people.forEach((model, index) => this.#move(this.#tiles.get(model.key)?.element, places.people[index + invited]));
    if (invited) this.#move(this.#invitation, places.people[0]);
    /** @type {ViewTile[]} */
    const viewed = [];
    for (const [models, rects] of /** @type {const} */ ([[screens, places.screens], [people, places.people]])) {
      models.forEach((model, index) => {
        const rect = rects[index];
        if (model.you || rect === undefined) return;
        const scale = devicePixelRatio;
        const [width, height] = [Math.round(rect.width * scale), Math.round(rect.height * scale)];
        viewed.push({ participant: model.participant, source: model.source, width, height });
      });
    }
    this.#viewed(viewed);
  }

  /** @param {HTMLElement | undefined} element @param {Rect | undefined} rect */
  #move(element, rect) {
    if (element === undefined || rect === undefined) return;
    const { style } = element;
    style.left = `${rect.x}px`;
    style.top = `${rect.y}px`;
    style.width = `${rect.width}px`;
    style.height = `${rect.height}px`;
    element.classList.toggle("small", rect.width < SMALL_TILE);
  }
}

/** @param {TileModel} model */
function makeTile({ participant, source, name, you }) {
  const video = h("video", { autoplay: true, playsinline: true, "aria-hidden": "true", tabindex: -1 });
  video.muted = true; // sound has elements of its own
  // A track that is taken over by another m-line shows its first picture when it comes, not the last of the former.
  for (const event of ["emptied", "loadeddata", "resize"]) {
    video.addEventListener(event, () => video.classList.toggle("shown", video.videoWidth > 0));
  }
  const avatar = h("div", { class: "avatar", "aria-hidden": "true" }, initials(name));
  avatar.style.setProperty("--hue", String(hue(name)));
  const stateIcon = icon("wait");
  const words = h("span", { class: "state-words" });
  const label = h("span", { class: "tile-name" });
  const mutedBadge = h("span", { class: "muted-badge", hidden: true, title: "Microphone off" }, icon("mic-off"));
  const element = h(
    "li",
    { class: "tile", "data-participant": participant, "data-source": source, "data-you": String(you) },
    h("div", { class: "tile-back", "aria-hidden": "true" }, avatar),
    video,
    h("div", { class: "tile-state", "aria-hidden": "true" }, stateIcon, words),
    h("div", { class: "tile-plate", "aria-hidden": "true" }, mutedBadge, label),
  );
  return { element, video, avatar, stateIcon, words, label, mutedBadge };
}

/** @param {Tile} tile @param {TileModel} model */
function fill(tile, model) {
  const { element, video } = tile;
  attribute(element, "data-participant", model.participant);
  attribute(element, "data-state", model.state);
  attribute(element, "data-muted", String(model.muted));
  attribute(element, "data-speaking", String(model.speaking));
  attribute(element, "aria-label", label(model));
  const shown = model.you ? `${model.name} (you)` : model.name;
  setText(tile.label, model.source === "screen" ? `${model.you ? "Your" : `${model.name}'s`} screen` : shown);
  setText(tile.words, model.words);
  setIcon(tile.stateIcon, STATE_ICONS[model.state]);
  tile.mutedBadge.hidden = !model.muted;
  const current = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] ?? null;
  if (current === model.media) return;
  video.classList.remove("shown");
  video.srcObject = model.media === null ? null : new MediaStream([model.media]);
  if (model.media !== null) video.play().catch(() => {}); // muted video may always play; it rejects when it is replaced
}

/** @param {TileModel} model @returns {string} the tile in a sentence */
function label(model) {
  const who = model.you ? `${model.name} (you)` : model.name;
  if (model.source === "screen") return `${who}, shared screen, ${model.words}`;
  const parts = [who, model.media === null ? "camera off" : "camera on"];
  parts.push(model.muted ? "microphone off" : "microphone on");
  if (model.speaking) parts.push("speaking");
  parts.push(model.words);
  return parts.join(", ");
}
