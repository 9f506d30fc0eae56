/**
 * Who is in the room, as the server tells it. No connections and no DOM.
 * @module room
 */
/** @import {Joined, Mode, Participant, ServerMessage, Source, Track} from "./protocol.js" */

export class Room {
  /** @type {Mode} */
  mode;
  /** @type {string} */
  name;
  /** The own id; empty until joined. */
  you = "";
  /** Everybody else, in the order they came. @type {Map<string, Participant>} */
  others = new Map();
  /** Ids, loudest first; in direct rooms measured here. @type {string[]} */
  speakers = [];
  participantLimit = 0;
  chatCharacters = 2000;

  /** @param {string} name @param {Mode} mode as asked for; the server's answer counts */
  constructor(name, mode) {
    this.name = name;
    this.mode = mode;
  }

  /** @param {Joined} message */
  joined(message) {
    this.you = message.you;
    this.mode = message.mode;
    this.participantLimit = message.limits.participants;
    this.chatCharacters = message.limits.chat_characters;
    this.speakers = [];
    this.others = new Map(
      message.participants.filter(({ id }) => id !== message.you).map((participant) => [participant.id, participant]),
    );
  }

  /**
   * @param {ServerMessage} message
   * @returns {boolean} whether it changed who is there or what they send
   */
  apply(message) {
    switch (message.type) {
      case "participant":
        if (message.participant.id === this.you) return false;
        this.others.set(message.participant.id, message.participant);
        return true;
      case "left":
        return this.others.delete(message.participant);
      case "tracks": {
        const participant = this.others.get(message.participant);
        if (participant === undefined) return false;
        participant.tracks = message.tracks;
        return true;
      }
      case "speakers":
        this.speakers = message.participants;
        return true;
      default:
        return false;
    }
  }

  /** @param {string} participant @param {Source} source @returns {Track | null} */
  track(participant, source) {
    return this.others.get(participant)?.tracks.find((track) => track.source === source) ?? null;
  }
}
