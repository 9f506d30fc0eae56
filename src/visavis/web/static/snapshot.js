/**
 * A call as plain data: `window.visavis.call()`, for tests and for asking what is wrong.
 * @module snapshot
 */
/** @import {Call} from "./call.js" */
import { tileModels } from "./tilestate.js";

/** @param {Call} call */
export function snapshot(call) {
  const { room, media, signaling } = call;
  return {
    room: room.name,
    mode: room.mode,
    you: room.you,
    name: call.name,
    signaling: signaling.state,
    connections: Object.fromEntries(
      call.connections().map(([name, pc]) => [name, { connection: pc.connectionState, signaling: pc.signalingState }]),
    ),
    sending: call.sending,
    receiving: call.receiving,
    media: { microphone: media.microphoneOn, camera: media.cameraOn, screen: media.screenOn },
    participants: [...room.others.values()].map(({ id, name, tracks }) => ({ id, name, tracks })),
    streams: call.subscribe?.streams ?? [],
    speakers: room.speakers,
    tiles: tileModels(call).map(({ media: track, ...model }) => ({ ...model, media: track?.id ?? null })),
  };
}
