/** The HTTP API. Every failure is an ApiError whose `code` is the server's, or `unreachable` or `timeout`. */

const TIMEOUT_MS = 10_000;
const JOIN_TIMEOUT_MS = 25_000; // the answer waits for the server's own candidates

export class ApiError extends Error {
  constructor(code, message = code, status = 0) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

const part = encodeURIComponent;
const roomPath = (room) => `/v1/rooms/${part(room)}`;
const participantPath = (room, id) => `${roomPath(room)}/participants/${part(id)}`;

export class Api {
  /** How far the server's clock is ahead of ours, ms; 0 unless they clearly differ. */
  clockOffsetMs = 0;

  config() {
    return this.#json("GET", "/v1/config");
  }

  /** Who is in a room; nobody in a room that does not exist yet. */
  async participants(room) {
    try {
      return (await this.#json("GET", `${roomPath(room)}/participants`)).participants;
    } catch (error) {
      if (error.code === "room_not_found") return [];
      throw error;
    }
  }

  /** One of them, with the delays of the last seconds. */
  participant(room, id) {
    return this.#json("GET", participantPath(room, id));
  }

  /** Whether a room is for music; one that does not exist, or is no more, is not. */
  async isForMusic(room) {
    try {
      return (await this.#json("GET", roomPath(room))).audio.music;
    } catch (error) {
      if (error.status) return false; // joining will say what is wrong
      throw error;
    }
  }

  /** POST an offer; the answer and where this participant now is. */
  async join(room, name, sdp) {
    const path = `${roomPath(room)}/participants?name=${part(name)}&camera=follows`;
    const response = await this.#request("POST", path, sdp, "application/sdp", JOIN_TIMEOUT_MS);
    return { sdp: await response.text(), location: response.headers.get("Location") };
  }

  trickle(location, fragment) {
    return this.#request("PATCH", location, fragment, "application/trickle-ice-sdpfrag");
  }

  leave(location) {
    return this.#request("DELETE", location);
  }

  /** As `leave`, when the page goes away and nobody will hear the answer. */
  leaveUnheard(location) {
    fetch(location, { method: "DELETE", keepalive: true }).catch(() => {}); // nobody is left to tell
  }

  /** Pin, spotlight, hide, order or mute somebody: `{pinned: true}`, say. */
  wish(room, id, wish) {
    return this.#request("PATCH", participantPath(room, id), JSON.stringify(wish), "application/json");
  }

  /** Make somebody leave. */
  remove(room, id) {
    return this.leave(participantPath(room, id));
  }

  /** Built-in and stored layouts: `{name, form}` each. */
  async layouts() {
    return (await this.#json("GET", "/v1/layouts")).layouts;
  }

  /** A drawing of a layout with so many people, with a shared screen among them if need be. */
  layoutPreviewUrl(name, { participants, screen, width, height }) {
    const query = `participants=${participants}&canvas=${width}x${height}${screen ? "&screen=true" : ""}`;
    return `/v1/layouts/${part(name)}/preview.png?${query}`;
  }

  setLayout(room, layout) {
    return this.#json("PUT", `${roomPath(room)}/layout`, { layout });
  }

  /** Recordings, newest first; of all rooms without `room`. */
  async recordings(room) {
    const told = await this.#json("GET", `/v1/recordings${room ? `?room=${part(room)}` : ""}`);
    return told.recordings;
  }

  startRecording(room) {
    return this.#json("POST", `${roomPath(room)}/recordings`);
  }

  stopRecording(id) {
    return this.#json("POST", `/v1/recordings/${part(id)}/stop`);
  }

  retryRecording(id) {
    return this.#json("POST", `/v1/recordings/${part(id)}/retry`);
  }

  deleteRecording(id) {
    return this.#request("DELETE", `/v1/recordings/${part(id)}`);
  }

  downloadUrl(id) {
    return `/v1/recordings/${part(id)}/download`;
  }

  async #json(method, path, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return (await this.#request(method, path, text, "application/json")).json();
  }

  async #request(method, path, body, type, timeoutMs = TIMEOUT_MS) {
    const headers = body === undefined ? {} : { "Content-Type": type };
    const sentMs = Date.now();
    let response;
    try {
      response = await fetch(path, { method, headers, body, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw new ApiError(error.name === "TimeoutError" ? "timeout" : "unreachable");
    }
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (Number.isFinite(date)) this.clockOffsetMs = clockOffsetMs(date, sentMs, Date.now());
    if (!response.ok) throw await failure(response);
    return response;
  }
}

/** The least difference of the clocks that explains a Date header, which may be up to two seconds old when it is sent. Pure. */
export function clockOffsetMs(dateMs, sentMs, receivedMs) {
  const least = dateMs - receivedMs;
  const most = dateMs + 2000 - sentMs;
  if (least > 0) return least;
  return most < 0 ? most : 0;
}

async function failure(response) {
  const told = await response.json().catch(() => null); // a proxy's page, say
  const { code, message } = told?.error ?? { code: "unreachable", message: `the server answered ${response.status}` };
  return new ApiError(code, message, response.status);
}
