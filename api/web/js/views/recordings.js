/** A list of recordings: when, how long, how large; download, delete, try again. */

import { h, keyed, setAttribute, setText } from "../dom.js";
import { date, duration, size, timeMs } from "../format.js";
import { icon } from "../icons.js";
import { ofError, ofRecording } from "../words.js";
import { toast } from "./toasts.js";

/**
 * @param {import("../recordings.js").Recordings} recordings
 * @param {import("../api.js").Api} api
 * @param {{withRoom: boolean}} options whether the list is of all rooms and says which
 * @returns {{element: HTMLElement, update: (state: object) => void}}
 */
export function recordingList(recordings, api, { withRoom }) {
  const list = h("ul", { class: "recordings" });
  const empty = h(
    "p",
    { class: "empty", hidden: true },
    icon("film"),
    h("span", {}, "No recordings yet. What is recorded in a room appears here, ready to download."),
  );
  const element = h("div", {}, list, empty);
  return {
    element,
    update({ recordings: { known, items } }) {
      keyed(list, items, (each) => each.id, () => row(recordings, api, withRoom));
      empty.hidden = !known || items.length > 0;
    },
  };
}

function row(recordings, api, withRoom) {
  let id = null;
  const attempt = (work) => work(id).catch((error) => toast(ofError(error), "error"));
  const title = h("span", { class: "recording-title" });
  const chip = h("span", { class: "chip" });
  const facts = h("span", { class: "recording-facts" });
  const problem = h("p", { class: "recording-problem" });
  const download = h("a", { class: "icon-button", title: "Download", download: true }, icon("download"));
  const retry = button("retry", "Try again", () => attempt((it) => recordings.retry(it)));
  const remove = deleteButton(() => attempt((it) => recordings.remove(it)));
  const element = h(
    "li",
    { class: "recording" },
    h("div", { class: "recording-main" }, h("div", { class: "recording-head" }, title, chip), facts, problem),
    h("div", { class: "recording-actions" }, retry, download, remove),
  );
  element.update = (recording) => {
    id = recording.id;
    const begun = timeMs(recording.started_at ?? recording.created_at);
    const when = begun === null ? "Not started" : date(begun);
    setText(title, withRoom ? recording.room : when);
    setText(chip, ofRecording(recording.status));
    setAttribute(chip, "data-status", recording.status);
    const known = [
      withRoom ? when : null,
      recording.duration ? duration(recording.duration) : null,
      recording.size ? size(recording.size) : null,
    ];
    setText(facts, known.filter(Boolean).join(" · "));
    const why = typeof recording.error === "object" ? recording.error?.message : recording.error;
    setText(problem, why ?? "");
    problem.hidden = !why;
    const ready = recording.status === "complete";
    const name = `${withRoom ? `${recording.room}, ` : ""}${when}`;
    download.hidden = !ready;
    setAttribute(download, "href", ready ? api.downloadUrl(recording.id) : null);
    setAttribute(download, "aria-label", `Download ${name}`);
    retry.hidden = recording.status !== "failed";
    remove.hidden = !["complete", "failed", "aborted"].includes(recording.status);
    setAttribute(remove, "aria-label", `Delete ${name}`);
    setAttribute(element, "data-status", recording.status);
  };
  return element;
}

function button(name, label, onclick) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick }, icon(name));
}

/** Asks once more before it deletes: the first press arms it, for a few seconds. */
function deleteButton(remove) {
  const ARMED_MS = 4_000;
  const element = button("trash", "Delete", () => {
    if (element.classList.contains("armed")) {
      remove();
      return;
    }
    element.classList.add("armed");
    element.replaceChildren(h("span", {}, "Delete?"));
    setTimeout(() => {
      element.classList.remove("armed");
      element.replaceChildren(icon("trash"));
    }, ARMED_MS);
  });
  return element;
}
