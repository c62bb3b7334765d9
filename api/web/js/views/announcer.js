/** What happens in the room, in words for whoever cannot see it. */

import { CONNECTING, participant, runningRecording, sharers } from "../state.js";
import { ofOverload } from "../words.js";

/** What there is to say about the step from `before` to `now`. Pure. */
export function announcements(now, before) {
  const said = [];
  if (now.phase === "joined" && !now.status && before.status === CONNECTING) said.push(`You are in ${now.room}.`);
  if (now.status && now.status !== before.status && now.status !== CONNECTING) said.push(now.status);
  if (now.phase === "joined" && before.phase === "reconnecting") said.push("Connected again.");
  if (now.phase === "joined" && before.phase === "joined" && before.participants.length) said.push(...comings(now, before));
  if (now.activeSpeaker !== before.activeSpeaker && now.activeSpeaker !== now.id) {
    const speaker = participant(now, now.activeSpeaker);
    if (speaker) said.push(`${speaker.name} is speaking.`);
  }
  said.push(...sharings(now, before));
  said.push(...mutings(now, before));
  if (now.overload && !before.overload && now.canvas) said.push(ofOverload(now.overload, now.canvas));
  const [is, was] = [runningRecording(now), runningRecording(before)];
  if (is && !was) said.push("This room is being recorded.");
  if (was && !is && now.phase !== "ended") said.push("The recording has stopped.");
  return said;
}

function comings(now, before) {
  const others = (state) => state.participants.filter((each) => each.id !== now.id);
  const missing = (list, from) => list.filter((each) => !from.some((other) => other.id === each.id));
  return [
    ...missing(others(now), others(before)).map((each) => `${each.name} has joined.`),
    ...missing(others(before), others(now)).map((each) => `${each.name} has left.`),
  ];
}

function sharings(now, before) {
  const told = (ids, others, words) =>
    ids.filter((id) => id !== now.id && !others.includes(id) && participant(now, id)).map((id) => `${participant(now, id).name} ${words}`);
  const [is, was] = [sharers(now), sharers(before)];
  return [...told(is, was, "shares a screen."), ...told(was, is, "no longer shares a screen.")];
}

function mutings(now, before) {
  const silenced = (state) => Boolean(participant(state, now.id)?.silenced);
  if (!participant(before, now.id) || silenced(now) === silenced(before)) return [];
  return [silenced(now) ? "You have been muted for everybody." : "You can be heard again."];
}

/** Say it in the page's live region. */
export function announce(store) {
  const region = document.getElementById("announcer");
  return store.subscribe((now, before) => {
    const said = announcements(now, before);
    if (said.length) region.textContent = said.join(" ");
  });
}
