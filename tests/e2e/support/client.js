// A participant without a page: what the tests call inside a browser. It speaks the documented HTTP API only.
"use strict";

window.peer = (() => {
  let connection = null;
  let location = null;
  let context = null;
  const streams = []; // what this peer sends; kept so that nothing is collected
  const video = document.createElement("video");
  video.muted = true;
  video.autoplay = true;
  video.playsInline = true;

  const audioContext = () => (context ??= new AudioContext({ sampleRate: 48000 }));

  // The fake camera and microphone of the browser. `processing`: whether echo canceller and companions stay on.
  async function camera(processing) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing },
      video: { width: 640, height: 360, frameRate: 30 },
    });
    streams.push(stream);
    return stream;
  }

  // A picture of one colour with a travelling bar, and a sine.
  async function painted(colour, hz) {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const paint = canvas.getContext("2d");
    let n = 0;
    setInterval(() => {
      paint.fillStyle = `rgb(${colour.join(",")})`;
      paint.fillRect(0, 0, 640, 360);
      paint.fillStyle = "rgba(255,255,255,0.5)";
      paint.fillRect((n++ * 10) % 604, 0, 36, 36);
    }, 1000 / 30);
    const oscillator = audioContext().createOscillator();
    const gain = audioContext().createGain();
    const out = audioContext().createMediaStreamDestination();
    oscillator.frequency.value = hz;
    gain.gain.value = 0.25;
    oscillator.connect(gain).connect(out);
    oscillator.start();
    await audioContext().resume();
    const stream = new MediaStream([...canvas.captureStream(30).getTracks(), ...out.stream.getTracks()]);
    streams.push(stream);
    return stream;
  }

  async function gathered() {
    if (connection.iceGatheringState === "complete") return;
    await new Promise((resolve) =>
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState === "complete") resolve();
      }),
    );
  }

  // A slide of black text on white, 1280x720, shared on the content line.
  const slide = document.createElement("canvas");
  let content = null;

  let lines = [];

  function paintSlide() {
    const paint = slide.getContext("2d");
    paint.fillStyle = "white";
    paint.fillRect(0, 0, 1280, 720);
    paint.fillStyle = "black";
    paint.font = "16px sans-serif";
    lines.forEach((line, n) => paint.fillText(line, 60, 80 + n * 28));
  }

  async function share(text) {
    lines = text;
    if (content.track) return;
    slide.width = 1280;
    slide.height = 720;
    setInterval(paintSlide, 200); // a canvas that nobody paints gives no pictures; a screen does
    const [track] = slide.captureStream(10).getVideoTracks();
    track.contentHint = "text";
    const parameters = content.getParameters();
    parameters.encodings[0].maxBitrate = 2_500_000;
    await content.setParameters(parameters);
    await content.replaceTrack(track);
  }

  const unshare = () => content.replaceTrack(null);

  // options: name, processing, colour and hz (painted instead of the camera), ice (an RTCConfiguration), content
  // (whether to offer the content line), watches (whether to be sent the picture)
  async function join(room, options) {
    const stream = options.colour
      ? await painted(options.colour, options.hz)
      : await camera(options.processing ?? false);
    connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...options.ice });
    const received = new MediaStream();
    connection.ontrack = (event) => {
      received.addTrack(event.track);
      video.srcObject = received;
      video.play().catch(() => {}); // replaced by the next track's play()
    };
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
    if (options.content) content = connection.addTransceiver("video", { direction: "sendonly" }).sender;
    await connection.setLocalDescription();
    await gathered();
    const path = `/v1/rooms/${room}/participants?name=${encodeURIComponent(options.name)}${options.watches ? "" : "&video=none"}`;
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: connection.localDescription.sdp,
    });
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
    location = response.headers.get("Location");
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    return location;
  }

  async function leave() {
    if (!connection) return;
    connection.close();
    connection = null;
    video.srcObject = null;
    await fetch(location, { method: "DELETE" });
  }

  const state = () => connection?.connectionState ?? "none";

  // The picture as shown, as a PNG data URL; null before the first one.
  function frame() {
    if (!video.videoWidth) return null;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/png");
  }

  function base64(floats) {
    const bytes = new Uint8Array(floats.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(text);
  }

  const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
    process(inputs) {
      if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
      return true;
    }
  })`;

  // What is heard during the next `seconds`: 48 kHz mono float32, base64.
  async function listen(seconds) {
    const audio = audioContext();
    await audio.resume();
    await audio.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: "text/javascript" })));
    const source = audio.createMediaStreamSource(video.srcObject);
    const tap = new AudioWorkletNode(audio, "tap", { channelCount: 1, channelCountMode: "explicit" });
    const heard = new Float32Array(Math.round(seconds * 48000));
    let length = 0;
    await new Promise((resolve) => {
      tap.port.onmessage = ({ data }) => {
        if (length === heard.length) return;
        heard.set(data.subarray(0, heard.length - length), length);
        length = Math.min(heard.length, length + data.length);
        if (length === heard.length) resolve();
      };
      source.connect(tap).connect(audio.destination);
    });
    source.disconnect();
    tap.disconnect();
    return base64(heard);
  }

  // The statistics reports of the connection, as a list.
  const stats = async () => [...(await connection.getStats()).values()];

  // Opens a file as a visitor would, seeks to each of `times`, and says what the element then shows and where it is.
  async function play(url, times) {
    const element = document.createElement("video");
    element.muted = true;
    element.preload = "auto";
    const once = (event) =>
      new Promise((resolve, reject) => {
        element.addEventListener(event, resolve, { once: true });
        element.addEventListener("error", () => reject(new Error(element.error?.message ?? "cannot play")), { once: true });
      });
    const ready = once("loadeddata");
    element.src = url;
    await ready;
    const canvas = document.createElement("canvas");
    canvas.width = element.videoWidth;
    canvas.height = element.videoHeight;
    const seen = [];
    for (const time of times) {
      const arrived = once("seeked");
      element.currentTime = time;
      await arrived;
      canvas.getContext("2d").drawImage(element, 0, 0);
      seen.push({ time: element.currentTime, png: canvas.toDataURL("image/png") });
    }
    element.currentTime = 0;
    await element.play();
    while (element.currentTime < Math.min(0.5, element.duration)) await new Promise((r) => setTimeout(r, 20));
    const result = { duration: element.duration, width: element.videoWidth, height: element.videoHeight, seen };
    element.pause();
    element.removeAttribute("src");
    element.load();
    return result;
  }

  return { join, leave, state, frame, listen, stats, play, share, unshare };
})();
