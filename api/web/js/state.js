/** What the page knows, as one frozen value, and how it changes. Pure: no time, no network, no document. */

import { ownerOf } from "./placing.js";

export const INITIAL = Object.freeze({
  phase: "lobby", // lobby | joining | joined | reconnecting | ended
  status: null, // what there is to say about the connection, in words
  ending: null, // why it is over: {reason, message}
  problem: null, // why joining failed, in words
  room: "",
  name: "",
  id: null, // our participant id, while we have one
  participants: [], // in order of joining
  activeSpeaker: null, // participant id
  layout: null,
  canvas: null, // the room's picture: {width, height}
  tiles: null, // who is where in the picture: the room's last `tiles`
  overload: null, // how the room copes with too much to do: its last `overload`; null while it keeps up
  recordings: { known: false, items: [] }, // newest first
  devices: {
    camera: { on: false, busy: false, problem: null },
    microphone: { on: false, busy: false, problem: null },
    screen: { on: false, busy: false, problem: null },
  },
  soundBlocked: false, // the browser wants a tap before it plays sound
  panel: null, // people | layout | recordings | stats | settings
});

export const CONNECTING = "Connecting…";

const UNFINISHED = new Set(["starting", "active", "paused", "ending"]);
const RUNNING = new Set(["starting", "active", "paused"]);

export const isUnfinished = (recording) => UNFINISHED.has(recording.status);

/** The recording that this room is making, or null. */
export function runningRecording(state) {
  return state.recordings.items.find((each) => each.room === state.room && RUNNING.has(each.status)) ?? null;
}

/** The recording of this room that was running in `before` and has come to nothing in `now`, or null. */
export function brokenRecording(now, before) {
  const was = runningRecording(before);
  const is = was && now.recordings.items.find((each) => each.id === was.id);
  return is && (is.status === "failed" || is.status === "aborted") ? is : null;
}

export function participant(state, id) {
  return state.participants.find((each) => each.id === id) ?? null;
}

/** Ids of those whose screens are in the picture. */
export function sharers(state) {
  const owners = (state.tiles?.tiles ?? []).map(({ id }) => ownerOf(id));
  return owners.filter(({ screen }) => screen).map(({ id }) => id);
}

/** The state after `action`: one of the room's events as it came, or `local.…` for what happened in this page. */
export function reduce(state, action) {
  const change = REDUCERS[action.type];
  return change ? { ...state, ...change(state, action) } : state;
}

const REDUCERS = {
  // --- what the room tells -------------------------------------------------------------------------------------------
  state: (state, told) => ({
    participants: told.participants,
    layout: told.room.layout,
    canvas: told.room.video ?? state.canvas,
    tiles: told.tiles === undefined ? state.tiles : told.tiles,
    overload: told.overload ?? null,
    activeSpeaker: told.room.active_speaker,
    recordings: told.recordings ? withUnfinished(state, told.recordings) : state.recordings,
  }),
  participant_joined: (state, told) => ({ participants: upserted(state.participants, told.participant) }),
  participant_updated: (state, told) => ({ participants: upserted(state.participants, told.participant) }),
  participant_left: (state, told) => ({
    participants: state.participants.filter((each) => each.id !== told.participant_id),
    activeSpeaker: state.activeSpeaker === told.participant_id ? null : state.activeSpeaker,
  }),
  active_speaker: (_state, told) => ({ activeSpeaker: told.participant_id }),
  layout: (_state, told) => ({ layout: told.layout }),
  tiles: (_state, told) => ({ tiles: told }),
  overload: (_state, told) => ({ overload: told.level ? told : null }),
  recording: (state, told) => ({ recordings: withRecording(state.recordings, told.recording) }),
  room_lost: () => ({ participants: [], activeSpeaker: null, tiles: null, overload: null }),

  // --- what happens here ---------------------------------------------------------------------------------------------
  "local.room": (_state, { room, name }) => ({ room, name }),
  "local.name": (_state, { name }) => ({ name }),
  "local.joining": () => ({ phase: "joining", problem: null, ending: null, status: null }),
  "local.refused": (_state, { problem }) => ({ phase: "lobby", problem, id: null, status: null }),
  "local.placed": (state, { id }) => ({
    id,
    phase: state.phase === "joining" ? "joined" : state.phase,
    status: state.phase === "joining" ? CONNECTING : state.status,
  }),
  "local.connected": () => ({ phase: "joined", status: null }),
  "local.reconnecting": (_state, { status }) => ({ phase: "reconnecting", status }),
  "local.status": (_state, { status }) => ({ status }),
  "local.ended": (_state, { reason, message }) => ({
    phase: "ended",
    ending: { reason, message },
    id: null,
    status: null,
    participants: [],
    activeSpeaker: null,
    tiles: null,
    overload: null,
    panel: null,
    soundBlocked: false,
  }),
  "local.device": (state, { kind, device }) => ({ devices: { ...state.devices, [kind]: device } }),
  "local.recordings": (_state, { recordings }) => ({ recordings: { known: true, items: recordings } }),
  "local.recording_deleted": (state, { id }) => ({
    recordings: { ...state.recordings, items: state.recordings.items.filter((each) => each.id !== id) },
  }),
  "local.sound": (_state, { blocked }) => ({ soundBlocked: blocked }),
  "local.panel": (state, { panel }) => ({ panel: panel === state.panel ? null : panel }),
};

function upserted(list, item) {
  const known = list.some((each) => each.id === item.id);
  return known ? list.map((each) => (each.id === item.id ? item : each)) : [...list, item];
}

function withRecording(recordings, recording) {
  const known = recordings.items.some((each) => each.id === recording.id);
  const items = known
    ? recordings.items.map((each) => (each.id === recording.id ? recording : each))
    : [recording, ...recordings.items];
  return { ...recordings, items };
}

/** `unfinished` is all of this room that is not finished: whatever else we believed unfinished has ended meanwhile. */
function withUnfinished(state, unfinished) {
  const ids = new Set(unfinished.map((each) => each.id));
  const isStale = (each) => each.room === state.room && isUnfinished(each) && !ids.has(each.id);
  const kept = { ...state.recordings, items: state.recordings.items.filter((each) => !isStale(each)) };
  return unfinished.reduceRight(withRecording, kept);
}
