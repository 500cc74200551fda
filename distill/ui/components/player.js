// The player: tracks of one clip that start together and are switched while they play.
//
// props.value = {work: secret of the clip, seconds, sample_rate, tracks: [{name, note, file}]}
// server.sound({work, track, piece}) -> {flac: base64, pieces, gain_db: number or null} or {error: sentence}
// Events: 'zoom' {start, stop} in seconds.
// element.player = {loaded(track) -> Float32Array or null, gain_db(track), track, playing, position} for scripts and tests.

const rows = element.querySelector(".tracks");
const playButton = element.querySelector(".play");
const loopButton = element.querySelector(".loop");
const matchBox = element.querySelector(".match input");
const zoomButton = element.querySelector(".zoom");
const wholeButton = element.querySelector(".whole");
const clockText = element.querySelector(".clock");
const message = element.querySelector(".message");
const GONE = { error: "The server does not answer; please try again in a moment." };
const FADE = 0.008; // seconds over which one track gives way to another
const DRAG = 4; // pixels that a pointer moves before a click becomes a selection

let context = null; // made at the first press: browsers allow no sound before one
let tracks = []; // {name, note, file, samples, gain_db, row, canvas, status, buffer, source, gain, loading}
let current = 0;
let playing = false;
let origin = 0; // context time at which the clip's first sample would have sounded
let position = 0; // seconds, while nothing plays
let region = null; // [start, stop] in seconds
let generation = 0; // of the clip: answers for an earlier one are dropped
let drag = null;
let ticking = 0;
let waiting = false; // for the chosen track's sound, while the clock stands

const pictures = () => document.querySelectorAll(".picture [data-stop]");
const seconds = () => props.value.seconds;
const span = () => region || [0, seconds()];

function now() {
  if (!playing || waiting) return position;
  const at = context.currentTime - origin;
  const [start, stop] = span();
  return loopButton.getAttribute("aria-pressed") === "true" && at >= stop ? start + ((at - start) % (stop - start)) : at;
}

function show(time) {
  return `${time.toFixed(2)} s`;
}

function build() {
  generation += 1;
  stopSources();
  playing = waiting = false;
  position = 0;
  region = null;
  message.textContent = "";
  tracks = props.value.tracks.map((track) => ({ ...track, samples: null, gain_db: 0 }));
  current = Math.min(tracks.length - 1, current === 0 ? 0 : tracks.length - 1);
  rows.replaceChildren(
    ...tracks.map((track, number) => {
      const row = document.createElement("div");
      row.className = "track";
      const choose = document.createElement("button");
      choose.type = "button";
      choose.className = "choose";
      const name = Object.assign(document.createElement("b"), { textContent: track.name });
      const note = Object.assign(document.createElement("span"), { textContent: track.note });
      choose.append(name, note);
      choose.onclick = () => select(number);
      const wave = document.createElement("canvas");
      wave.className = "wave";
      wave.tabIndex = number === 0 ? 0 : -1;
      wave.setAttribute("role", "slider");
      wave.setAttribute("aria-label", `Position in ${track.name}: arrow keys move, space plays, X compares`);
      wave.setAttribute("aria-valuemin", 0);
      wave.setAttribute("aria-valuemax", seconds().toFixed(2));
      hands(wave, number);
      const save = document.createElement("button");
      save.type = "button";
      save.className = "save";
      save.textContent = "WAV";
      save.setAttribute("aria-label", `Download ${track.name} as a WAV file`);
      save.onclick = () => download(number);
      row.append(choose, wave, save);
      Object.assign(track, { row, canvas: wave, choose, status: 0 });
      return row;
    }),
  );
  mark();
  loadSome();
}

async function loadSome() {
  const mine = generation;
  // The ends first; in a long clip the others wait until they are asked for.
  const order = [0, tracks.length - 1, ...(seconds() <= 30 ? tracks.keys() : [])];
  for (const number of order) {
    if (mine === generation) await load(number);
  }
}

async function load(number) {
  const track = tracks[number];
  if (track.samples || track.loading) return;
  track.loading = true;
  const mine = generation;
  try {
    const decoder = new OfflineAudioContext(1, 1, props.value.sample_rate);
    const parts = [];
    for (let piece = 0, pieces = 1; piece < pieces; piece++) {
      const answer = (await server.sound({ work: props.value.work, track: number, piece })) ?? GONE;
      if (mine !== generation) return;
      if (answer.error) throw new Error(answer.error);
      pieces = answer.pieces;
      const bytes = Uint8Array.from(atob(answer.flac), (letter) => letter.charCodeAt(0));
      parts.push((await decoder.decodeAudioData(bytes.buffer)).getChannelData(0));
      track.gain_db = answer.gain_db ?? track.gain_db;
      track.status = (piece + 1) / pieces;
      draw();
    }
    if (mine !== generation) return;
    const samples = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
    parts.reduce((offset, part) => (samples.set(part, offset), offset + part.length), 0);
    track.samples = samples;
    if (playing && !waiting) start(track);
    draw();
  } catch (error) {
    if (mine !== generation) return;
    track.loading = false;
    message.textContent = error.message || "The sound did not arrive; please choose it again.";
    if (playing && number === current) pause();
  }
}

function start(track) {
  if (!track.samples || track.source) return;
  if (!track.buffer) {
    track.buffer = context.createBuffer(1, track.samples.length, props.value.sample_rate);
    track.buffer.copyToChannel(track.samples, 0);
  }
  const source = context.createBufferSource();
  source.buffer = track.buffer;
  const [from, to] = span();
  if (loopButton.getAttribute("aria-pressed") === "true") {
    source.loop = true;
    source.loopStart = from;
    source.loopEnd = Math.min(to, track.buffer.duration);
  }
  track.gain = context.createGain();
  track.gain.gain.value = tracks[current] === track ? volume(track) : 0;
  source.connect(track.gain).connect(context.destination);
  source.start(0, Math.max(0, now()));
  track.source = source;
}

const volume = (track) => (matchBox.checked ? 10 ** (track.gain_db / 20) : 1);

function mix() {
  for (const track of tracks) {
    if (!track.gain) continue;
    const target = track === tracks[current] ? volume(track) : 0;
    track.gain.gain.cancelScheduledValues(context.currentTime);
    track.gain.gain.setValueAtTime(track.gain.gain.value, context.currentTime);
    track.gain.gain.linearRampToValueAtTime(target, context.currentTime + FADE);
  }
}

function stopSources() {
  for (const track of tracks) {
    track.source?.stop();
    track.source = track.gain = null;
  }
}

function play(from = position) {
  context ||= new AudioContext({ sampleRate: props.value.sample_rate });
  context.resume();
  stopSources();
  const [begin, end] = span();
  if (from >= end - 0.01 || (region && from < begin)) from = begin;
  position = from;
  origin = context.currentTime - from;
  playing = true;
  waiting = !tracks[current].samples;
  load(current);
  if (!waiting) tracks.forEach(start);
  mark();
  cancelAnimationFrame(ticking);
  ticking = requestAnimationFrame(tick);
}

function pause() {
  position = Math.min(now(), seconds());
  playing = waiting = false;
  stopSources();
  mark();
}

function tick() {
  if (!playing || !element.isConnected) {
    if (playing) pause();
    return;
  }
  if (waiting && tracks[current].samples) return play(position);
  if (!waiting && now() >= span()[1] && loopButton.getAttribute("aria-pressed") !== "true") {
    pause();
    position = span()[0];
  } else if (!waiting) position = now();
  draw();
  ticking = requestAnimationFrame(tick);
}

function select(number) {
  if (number < 0 || number >= tracks.length) return;
  current = number;
  message.textContent = "";
  load(number);
  if (playing && !tracks[number].samples) {
    position = now();
    waiting = true;
    stopSources(); // all of them, or they would run on while the clock stands
  } else if (playing && waiting) play(position);
  else if (playing) {
    start(tracks[number]);
    mix();
  }
  mark();
}

function seek(time) {
  position = Math.min(Math.max(time, 0), seconds());
  if (playing) play(position);
  draw();
}

function mark() {
  tracks.forEach((track, number) => {
    track.choose.setAttribute("aria-pressed", number === current);
    track.row.classList.toggle("current", number === current);
  });
  playButton.textContent = playing ? "Pause" : "Play";
  playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
  zoomButton.disabled = !region;
  draw();
}

function draw() {
  if (!tracks.length || !element.isConnected) return;
  const time = now();
  const style = getComputedStyle(element);
  const ink = style.getPropertyValue("--body-text-color");
  const accent = style.getPropertyValue("--color-accent");
  tracks.forEach((track, number) => {
    const { canvas } = track;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    const key = `${width} ${scale} ${ink} ${track.samples ? "all" : `${track.loading} ${track.status}`} ${number === current}`;
    if (track.key !== key) {
      track.key = key;
      track.picture = paintWave(track, width * scale, height * scale, number === current ? accent : ink);
      canvas.width = width * scale;
      canvas.height = height * scale;
    }
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (region) {
      pen.fillStyle = accent;
      pen.globalAlpha = 0.18;
      pen.fillRect((region[0] / seconds()) * canvas.width, 0, ((region[1] - region[0]) / seconds()) * canvas.width, canvas.height);
      pen.globalAlpha = 1;
    }
    pen.drawImage(track.picture, 0, 0);
    pen.fillStyle = ink;
    pen.fillRect(Math.min((time / seconds()) * canvas.width, canvas.width - 2), 0, 2 * scale, canvas.height);
    canvas.setAttribute("aria-valuenow", time.toFixed(2));
    canvas.setAttribute("aria-valuetext", show(time));
  });
  clockText.textContent = `${show(time)} of ${show(seconds())}${region ? `, selected ${show(region[0])} to ${show(region[1])}` : ""}`;
  for (const picture of pictures()) {
    const [start, stop, left, right] = ["start", "stop", "left", "right"].map((name) => Number(picture.dataset[name]));
    const place = (time - start) / (stop - start);
    const line = picture.querySelector(".playhead");
    line.hidden = place < 0 || place > 1;
    line.style.left = `${100 * (left + (right - left) * place)}%`;
  }
}

function paintWave(track, width, height, colour) {
  const picture = document.createElement("canvas");
  picture.width = Math.max(1, width);
  picture.height = Math.max(1, height);
  const pen = picture.getContext("2d");
  pen.fillStyle = colour;
  if (!track.samples) {
    pen.globalAlpha = 0.25;
    pen.fillRect(0, height / 2 - 1, width * track.status, 2);
    pen.globalAlpha = 0.7;
    pen.font = `${12 * (window.devicePixelRatio || 1)}px sans-serif`;
    pen.textBaseline = "middle";
    pen.fillText(track.loading ? "decoding …" : "not decoded yet: press the track", 10, height / 2);
    return picture;
  }
  const step = track.samples.length / width;
  for (let x = 0; x < width; x++) {
    let low = 0;
    let high = 0;
    const stride = Math.max(1, Math.floor(step / 200));
    for (let i = Math.floor(x * step); i < (x + 1) * step; i += stride) {
      low = Math.min(low, track.samples[i]);
      high = Math.max(high, track.samples[i]);
    }
    pen.fillRect(x, (0.5 - high / 2) * height, 1, Math.max(1, ((high - low) / 2) * height));
  }
  return picture;
}

function hands(wave, number) {
  const timeAt = (event) => {
    const box = wave.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * seconds();
  };
  wave.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    wave.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, time: timeAt(event), moved: false };
  });
  wave.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientX - drag.x) > DRAG;
    if (!drag.moved) return;
    const [a, b] = [drag.time, timeAt(event)].sort((one, other) => one - other);
    if (b - a > 0.02) region = [a, b];
    mark();
  });
  wave.addEventListener("pointerup", () => {
    if (drag && !drag.moved) {
      region = null;
      select(number);
      seek(drag.time);
    } else if (drag && region) {
      if (playing) play(region[0]);
      else position = region[0];
    }
    drag = null;
    mark();
  });
  wave.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.2, ArrowRight: 0.2, PageDown: -2, PageUp: 2 }[event.key];
    if (step) seek(now() + step);
    else if (event.key === "Home") seek(0);
    else if (event.key === "ArrowUp") select(current - 1);
    else if (event.key === "ArrowDown") select(current + 1);
    else if (event.key === "Escape") region = null;
    else if (event.key === " ") toggle();
    else if (event.key.toLowerCase() === "x") compare();
    else return;
    event.preventDefault();
    mark();
  });
}

const toggle = () => (playing ? pause() : play());
let other = 0;
function compare() {
  const last = tracks.length - 1;
  if (current !== 0) other = current;
  select(current === 0 ? other || last : 0);
}

async function download(number) {
  await load(number);
  const { samples, file } = tracks[number];
  if (!samples) {
    message.textContent = message.textContent || "That sound is still on its way; please press again in a moment.";
    return;
  }
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  const rate = props.value.sample_rate;
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, rate * 2, 4], [32, 2, 2], [34, 16, 2]].forEach(
    ([at, value, size]) => (size === 4 ? view.setUint32(at, value, true) : view.setUint16(at, value, true)),
  );
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([view], { type: "audio/wav" }));
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

playButton.onclick = toggle;
loopButton.onclick = () => {
  loopButton.setAttribute("aria-pressed", loopButton.getAttribute("aria-pressed") !== "true");
  if (playing) play(now());
};
element.querySelector(".compare").onclick = compare;
matchBox.onchange = () => context && mix();
zoomButton.onclick = () => {
  trigger("zoom", { start: region[0], stop: region[1] });
  pictures()[0]?.scrollIntoView({ block: "center", behavior: "smooth" }); // that is where it shows
};
wholeButton.onclick = () => trigger("zoom", { start: 0, stop: seconds() });
document.addEventListener("click", (event) => {
  const picture = element.isConnected && event.target.closest?.(".picture [data-stop]");
  if (!picture) return;
  const box = picture.getBoundingClientRect();
  const [start, stop, left, right] = ["start", "stop", "left", "right"].map((name) => Number(picture.dataset[name]));
  const place = ((event.clientX - box.left) / box.width - left) / (right - left);
  if (place >= 0 && place <= 1) seek(start + (stop - start) * place);
});

element.player = {
  loaded: (number) => tracks[number]?.samples || null,
  gain_db: (number) => tracks[number].gain_db,
  get track() {
    return current;
  },
  get playing() {
    return playing;
  },
  get position() {
    return now();
  },
};
watch("value", build);
new ResizeObserver(draw).observe(element);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
build();
