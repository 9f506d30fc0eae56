/**
 * Why nothing more happens, in words: what it is, and what to do.
 * @module endings
 */

/** @type {Record<string, {title: string, hint: string, good?: boolean}>} */
export const ENDINGS = {
  "no-secret": {
    title: "This link is incomplete",
    hint: "Open it as a whole: what stands behind # is the secret, without which nobody gets anything.",
  },
  "wrong-code": { title: "This link is not the right one", hint: "Its secret is wrong, or of an earlier transfer. Ask for the link again." },
  "too-many-wrong-codes": {
    title: "The other side takes no more links from here",
    hint: "There were several wrong ones. Have the other side start again, and open the new link.",
  },
  impostor: {
    title: "Somebody else answered",
    hint: "Whoever it was does not know this link's secret, and may be between the two machines. Nothing was transferred.",
  },
  busy: { title: "Too many are connected", hint: "Try again when somebody has left." },
  received: { title: "All files are here", hint: "Their checksums are right. You can close this page.", good: true },
  sent: { title: "All files have arrived", hint: "Their checksums are right. You can close this page.", good: true },
  left: { title: "The other side has left", hint: "Have it started again for more; it will show a new link." },
};
