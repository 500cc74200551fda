// The code grid's sound: what is fetched, played, looped, and mended where an edit was heard. Joined to code_grid.js.

const sound = { context: null, edited: null, coming: null, before: null, source: null, gain: null, origin: 0, position: 0, until: 0, from: 0, to: 0 };
let playing = null; // null, "all", or "region"
let comparing = false; // whether the sound from before the edits is heard
let fetching = {}; // of each track that is on its way: the promise
let stale = new Set(); // pieces of the edited sound that are to be fetched before they are played
let late = []; // patches that were answered while pieces of the edited sound were on their way
let ticking = 0;

function fetchTrack(name) {
  if (fetching[name]) return fetching[name];
  const mine = (name === "edited" ? freshen() : bring(name)).finally(() => {
    if (fetching[name] === mine) delete fetching[name];
  });
  fetching[name] = mine;
  return mine;
}

// The whole of a track that no edit changes.
async function bring(name) {
  const mine = generation;
  const whole = new Float32Array(grid.samples);
  for (let piece = 0; piece < grid.pieces; piece++) {
    const part = await fetchPiece(name, piece, mine);
    if (!part) return;
    whole.set(part.samples, piece * grid.piece_samples);
    progress(piece + 1, grid.pieces);
  }
  sound[name] = whole;
}

// What is missing of the edited sound, or was changed elsewhere than an edit was heard. Edits may go on meanwhile: what
// they changed is put over a piece from before them, and a piece that they outdate is fetched once more.
async function freshen() {
  const mine = generation;
  const whole = sound.edited || (sound.coming ||= new Float32Array(grid.samples));
  let done = 0;
  while (stale.size) {
    const piece = Math.min(...stale);
    stale.delete(piece);
    const part = await fetchPiece("edited", piece, mine);
    if (!part) {
      if (mine === generation) stale.add(piece);
      return;
    }
    putSamples(whole, piece * grid.piece_samples, part.samples);
    late.filter((patch) => patch.version > part.version).forEach((patch) => overlay(whole, piece, patch));
    progress(++done, done + stale.size);
  }
  sound.edited = whole;
  late = [];
}

async function fetchPiece(name, piece, mine) {
  const answer = (await server.sound({ work: grid.work, track: name, piece })) ?? GONE;
  if (mine !== generation) return null;
  if (answer.error) return tell(answer.error), null;
  const samples = await pcm(answer.flac);
  return mine === generation ? { samples, version: answer.version } : null;
}

const progress = (done, all) => all > 1 && tell(done < all ? `Fetching the sound: ${Math.round((100 * done) / all)} %` : "");
const putSamples = (whole, start, samples) => whole.set(samples.subarray(0, Math.max(0, whole.length - start)), start);

// The part of a patch that lies in a piece.
function overlay(whole, piece, { start, samples }) {
  const end = piece === grid.pieces - 1 ? whole.length : (piece + 1) * grid.piece_samples;
  const from = Math.max(start, piece * grid.piece_samples);
  const to = Math.min(start + samples.length, end);
  if (from < to) whole.set(samples.subarray(from - start, to - start), from);
}

function outdate(start, stop) {
  const number = (sample) => Math.min(grid.pieces - 1, Math.floor(sample / grid.piece_samples));
  for (let piece = number(start); piece <= number(stop - 1); piece++) stale.add(piece);
}

// What plays goes on with the sound as it is, and is replaced by the new one as soon as that is there.
async function renew() {
  await fetchTrack("edited");
  if (!stale.size && playing === "all" && !comparing) startSource(now());
}

async function pcm(flac) {
  const decoder = new OfflineAudioContext(1, 1, grid.sample_rate);
  const bytes = Uint8Array.from(atob(flac), (letter) => letter.charCodeAt(0));
  return (await decoder.decodeAudioData(bytes.buffer)).getChannelData(0);
}

function soundContext() {
  sound.context ||= new AudioContext({ sampleRate: grid.sample_rate });
  sound.context.resume();
  return sound.context;
}

const seconds = () => grid.columns * grid.column_seconds;
const looping = () => $(".loop").getAttribute("aria-pressed") === "true";
const now = () => {
  if (!playing) return sound.position;
  const at = sound.context.currentTime - sound.origin;
  const { from, to } = sound; // as they were when the loop began
  return sound.source?.loop && at > to ? from + ((at - from) % (to - from)) : at;
};

function loopSpan() {
  if (!selection) return [0, seconds()];
  return [selection.columns[0] * grid.column_seconds, (selection.columns[1] + 1) * grid.column_seconds];
}

function startSource(at, until) {
  const samples = comparing ? sound.before : sound.edited;
  if (!samples) return;
  const context = soundContext();
  silence();
  const buffer = context.createBuffer(1, samples.length, grid.sample_rate);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(1, context.currentTime + 0.006);
  source.connect(gain).connect(context.destination);
  if (looping() && playing === "all") {
    [sound.from, sound.to] = [source.loopStart, source.loopEnd] = loopSpan();
    source.loop = true;
  }
  source.start(0, at);
  if (until !== undefined && !source.loop) source.stop(context.currentTime + until - at);
  Object.assign(sound, { source, gain, origin: context.currentTime - at, until: until ?? seconds() });
}

function silence() {
  if (!sound.source) return;
  const { source, gain, context } = sound;
  gain.gain.setValueAtTime(gain.gain.value, context.currentTime);
  gain.gain.linearRampToValueAtTime(0, context.currentTime + 0.006);
  source.stop(context.currentTime + 0.01);
  sound.source = null;
}

async function play(at = sound.position) {
  soundContext();
  if (!sound.edited || stale.size) await fetchTrack("edited");
  if (!sound.edited || stale.size) return;
  const [from, to] = looping() ? loopSpan() : [0, seconds()];
  if (at < from || at >= to - 0.01) at = from;
  playing = "all";
  startSource(at);
  mark();
  watchTime();
}

function pause() {
  sound.position = Math.min(now(), seconds());
  playing = null;
  silence();
  mark();
}

function watchTime() {
  cancelAnimationFrame(ticking);
  ticking = requestAnimationFrame(follow);
}

function follow() {
  if (!playing || !element.isConnected) return silence();
  const over = now() >= sound.until && !(looping() && playing === "all");
  if (over) {
    const back = playing === "region" ? sound.position : 0;
    playing = null;
    silence();
    sound.position = back;
    mark();
  } else {
    const x = now() / grid.column_seconds * width();
    if (playing === "all" && (x < scroller.scrollLeft || x > scroller.scrollLeft + scroller.clientWidth)) scroller.scrollLeft = x - 40;
    draw();
    watchTime();
  }
}

function heardEdit(start, samples, version) {
  const whole = sound.edited || sound.coming;
  if (whole) putSamples(whole, start, samples);
  if (fetching.edited) late.push({ start, samples, version });
  if (!samples.length || comparing) return;
  const from = start / grid.sample_rate;
  const to = (start + samples.length) / grid.sample_rate;
  if (playing === "all") startSource(now());
  else if ($(".hear input").checked && sound.edited) {
    playing = "region";
    sound.position = from;
    startSource(from, to);
    watchTime();
  }
}

async function audition(code) {
  const answer = (await server.audition({ work: grid.work, level, code })) ?? GONE;
  if (answer.error) return tell(answer.error);
  const context = soundContext();
  const samples = await pcm(answer.flac);
  const buffer = context.createBuffer(1, samples.length, grid.sample_rate);
  buffer.copyToChannel(samples, 0);
  sound.audition?.stop();
  sound.audition = context.createBufferSource();
  sound.audition.buffer = buffer;
  sound.audition.connect(context.destination);
  sound.audition.start();
}

