/**
 * Before the call: name, devices with a preview, and the way in.
 * @module lobby
 */
/** @import {LocalMedia} from "./media.js" */
/** @import {Mode} from "./protocol.js" */
/** @import {Problem} from "./errors.js" */
import { devicesAvailable } from "./devices.js";
import { DevicePicker } from "./devicepicker.js";
import { attribute, h, icon, setIcon, setText } from "./dom.js";
import { NO_HTTPS } from "./errors.js";
import { logo } from "./home.js";
import { LevelMeter } from "./level.js";
import { hue, initials } from "./names.js";
import { notifyProblem } from "./notices.js";
import { NAME_LIMIT } from "./protocol.js";

const STORED_NAME = "visavis.name";

/** @returns {string} */
export function rememberedName() {
  return localStorage.getItem(STORED_NAME) ?? "";
}

/** @param {string} name */
export function rememberName(name) {
  localStorage.setItem(STORED_NAME, name);
}

/**
 * @param {HTMLElement} main
 * @param {{room: string, name: string, mode: Mode, media: LocalMedia, microphone: boolean, camera: boolean}} options
 * @param {(choice: {name: string, mode: Mode}) => void} join
 * @returns {() => void} takes the lobby down; the devices stay open
 */
export function showLobby(main, { room, name, mode, media, microphone, camera }, join) {
  document.title = `${room} · visavis`;
  const meter = new LevelMeter();
  const failed = (/** @type {Problem} */ problem) => notifyProblem(problem);
  const picker = new DevicePicker(media, failed);

  const video = h("video", { autoplay: true, playsinline: true, class: "mirrored", "aria-label": "Your camera" });
  video.muted = true;
  const avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  const hint = h("p", { class: "preview-hint" });
  const level = h("div", { class: "level", role: "meter", "aria-label": "Microphone level", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 });
  const bars = Array.from({ length: 12 }, () => h("span", {}));
  level.append(...bars);

  const micButton = toggle("mic", () => void media.setMicrophone(!media.microphoneOn).catch(failed));
  const camButton = toggle("camera", () => void media.setCamera(!media.cameraOn).catch(failed));
  const nameInput = h("input", { id: "name", name: "name", value: name, maxlength: NAME_LIMIT, required: true, autocomplete: "name", placeholder: "So that the others know you" });
  nameInput.addEventListener("input", () => render());

  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const chosen = nameInput.value.trim();
    if (chosen === "") {
      nameInput.focus();
      return;
    }
    rememberName(chosen);
    const way = form.querySelector("input[name=mode]:checked");
    join({ name: chosen, mode: way instanceof HTMLInputElement && way.value === "direct" ? "direct" : "sfu" });
  };
  const joinButton = h("button", { type: "submit", class: "button accent wide" }, "Join");
  const form = h(
    "form",
    { class: "lobby-form", onsubmit: submit },
    h("p", { class: "over" }, "You are about to join"),
    h("h1", {}, room),
    h("label", { class: "field" }, h("span", {}, "Your name"), nameInput),
    picker.element,
    h(
      "fieldset",
      { class: "ways" },
      h("legend", {}, "A new room connects you"),
      way("sfu", "server", "Through the server", "for any number of people", mode === "sfu"),
      way("direct", "direct", "Between the two of you", "browser to browser, nothing in between", mode === "direct"),
    ),
    joinButton,
  );
  main.replaceChildren(
    h("header", { class: "lobby-head" }, h("a", { class: "wordmark small", href: "/" }, logo(), "visavis")),
    h(
      "div",
      { class: "lobby" },
      h(
        "section",
        { class: "preview", "aria-label": "Preview" },
        h("div", { class: "tile-back" }, avatar),
        video,
        hint,
        h("div", { class: "preview-bar" }, micButton, level, camButton),
      ),
      form,
    ),
  );
  (name === "" ? nameInput : joinButton).focus({ preventScroll: true });

  function render() {
    const cameraTrack = media.tracks.get("camera") ?? null;
    const shown = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] ?? null;
    if (shown !== cameraTrack) video.srcObject = cameraTrack === null ? null : new MediaStream([cameraTrack]);
    video.classList.toggle("shown", cameraTrack !== null);
    setText(avatar, initials(nameInput.value));
    avatar.style.setProperty("--hue", String(hue(nameInput.value)));
    setText(hint, cameraTrack === null ? "Your camera is off" : "");
    show(micButton, media.microphoneOn, "mic", "Microphone");
    show(camButton, media.cameraOn, "camera", "Camera");
    meter.listen(media.microphoneOn ? (media.tracks.get("microphone") ?? null) : null);
    setText(joinButton, media.tracks.size === 0 ? "Join to watch" : "Join");
  }

  const unsubscribe = media.subscribe(render);
  render();
  let frame = 0;
  const draw = () => {
    const value = meter.read();
    bars.forEach((bar, index) => bar.classList.toggle("lit", value * bars.length > index));
    attribute(level, "aria-valuenow", Math.round(value * 10) * 10);
    frame = requestAnimationFrame(draw);
  };
  draw();
  if (!devicesAvailable()) notifyProblem(NO_HTTPS);
  else {
    setText(hint, "Your browser asks for camera and microphone");
    void media.start({ microphone, camera }).then((problems) => problems.forEach(failed));
  }

  return () => {
    cancelAnimationFrame(frame);
    unsubscribe();
    picker.close();
    meter.close();
    video.srcObject = null;
  };
}

/** @param {string} name @param {() => void} flip */
function toggle(name, flip) {
  return h("button", { type: "button", class: "round", onclick: flip }, icon(name));
}

/** @param {HTMLButtonElement} button @param {boolean} on @param {string} iconName @param {string} words */
function show(button, on, iconName, words) {
  attribute(button, "aria-pressed", String(on));
  attribute(button, "aria-label", words);
  attribute(button, "title", on ? `${words} is on` : `${words} is off`);
  button.classList.toggle("off", !on);
  setIcon(/** @type {SVGSVGElement} */ (button.firstElementChild), on ? iconName : `${iconName}-off`);
}

/** @param {Mode} value @param {string} iconName @param {string} words @param {string} more @param {boolean} checked */
function way(value, iconName, words, more, checked) {
  return h(
    "label",
    { class: "way" },
    h("input", { type: "radio", name: "mode", value, checked }),
    icon(iconName),
    h("span", {}, h("b", {}, words), h("small", {}, more)),
  );
}
