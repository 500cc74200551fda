// The code grid: an instrument. Draws the codes of a clip over its spectrogram, and reports what a person does to them.
//
// props.value = {work: secret of the clip, name: of its file, editable: false for the example until this page has its own, levels: [name],
//                rows, columns, num_frames, model_id, format: of a grid's file, size, indices: base64 of uint16, original: the same before any edit,
//                palettes: [[css colour]], sprites: [data URI], order: [[code]], usage: [[count]], bands: [label per row],
//                column_seconds, sample_rate, samples: of the whole sound, piece_samples: of each piece of it but the last,
//                pieces: how many there are, edit_cells: the most that one edit may name, spectrogram: data URI,
//                history: [label of the latest], edits: how many there are, can_undo, can_redo}
// props.second = {work, name} of the second clip, or {}
// server.edit({work, id, kind, ...}) -> {positions, codes, start, flac, stale, version, history, edits, can_undo, can_redo}
//                or {error}, and with it gone: true if the server no longer has the clip. Where many codes changed, positions
//                is null, and indices has all of them, packed as above. start and flac are the sound where the change begins,
//                12 s at the most; flac is null if there is no change, or it is not decoded yet. stale: [[start, stop]] in
//                samples is where else the edited sound is to be fetched again before it is played. version counts the
//                changes of the sound. A swap tells of the other clip, too: second: {work, stale}.
// server.sound({work, track: 'edited' or 'before', piece}) -> {flac, pieces, version} or {error}; the version only of the
//                edited sound: it holds all edits up to that one.
// server.audition({work, level, code}) -> {flac} or {error}
// Its sound is in code_grid.sound.js, what edits do in code_grid.edits.js: the three are joined to one script.
// element.grid = {indices, pending, samples, stale, position, selection} for scripts and tests.

const $ = (name) => element.querySelector(name);
const canvas = $(".cells");
const scroller = $(".scroller");
const track = $(".track");
const AXIS = 22;
const LANE_GAP = 16;
const WIDEST = 72;
const GONE = { error: "The server does not answer; please try again in a moment." };
const PATIENCE = 60_000; // milliseconds until an edit is sent again; the server knows it by its id and does it once
const NUMBERS_FROM = 26; // pixels a column must have for its codes' numbers to be drawn

let grid = null; // props.value, its indices as arrays that this page changes ahead of the server
let textures = []; // of each level: a canvas of one pixel a cell
let backdrop = null;
let level = 0;
let stacked = false;
let tool = "brush";
let brush = 0;
let columnWidth = 0; // pixels; 0 for as wide as fits
let cursor = { row: 0, column: 0 };
let selection = null; // {rows: [first, last], columns: [first, last]}
let clipboard = null; // {codes: [level][row][column]}
let stroke = null;
let moving = null; // where a drag of the selection began
let queue = []; // edits that the server has not answered yet, oldest first
let busy = false;
let generation = 0;
let frame = 0;

// ---- drawing -----------------------------------------------------------------------------------------------------------

const width = () => columnWidth || Math.max(scroller.clientWidth / grid.columns, Math.min(22, WIDEST));
const rowHeight = () => (stacked ? (grid.levels.length > 3 ? 11 : 14) : 28);
const lanes = () => (stacked ? grid.levels.map((_, which) => which) : [level]);
const laneTop = (lane) => lane * (grid.rows * rowHeight() + LANE_GAP) + (stacked ? LANE_GAP : 0);
const style = (name) => getComputedStyle(element).getPropertyValue(name).trim();

function draw() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    paintCanvas();
  });
}

function paintCanvas() {
  if (!grid || !scroller.clientWidth) return;
  const scale = window.devicePixelRatio || 1;
  const view = scroller.clientWidth;
  const high = rowHeight();
  const tall = laneTop(lanes().length - 1) + grid.rows * high + AXIS;
  const wide = width();
  track.style.width = `${wide * grid.columns}px`;
  if (canvas.width !== Math.round(view * scale) || canvas.height !== Math.round(tall * scale)) {
    canvas.width = Math.round(view * scale);
    canvas.height = Math.round(tall * scale);
    canvas.style.width = `${view}px`;
    canvas.style.height = `${tall}px`;
  }
  const pen = canvas.getContext("2d");
  const ink = style("--body-text-color");
  const accent = style("--color-accent");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, view, tall);
  pen.font = "10px ui-monospace, monospace";
  pen.textBaseline = "middle";
  pen.translate(-scroller.scrollLeft, 0);
  pen.imageSmoothingEnabled = false;
  const first = Math.max(0, Math.floor(scroller.scrollLeft / wide));
  const last = Math.min(grid.columns, Math.ceil((scroller.scrollLeft + view) / wide));
  const opacity = number(".mix") / 100;
  lanes().forEach((which, lane) => {
    const top = laneTop(lane);
    const span = [first * wide, top, (last - first) * wide, grid.rows * high];
    if (stacked) {
      pen.fillStyle = ink;
      pen.textAlign = "left";
      pen.fillText(grid.levels[which], scroller.scrollLeft + 2, top - LANE_GAP / 2);
    }
    if (backdrop?.complete && backdrop.naturalWidth) {
      const per = backdrop.naturalWidth / grid.columns;
      pen.drawImage(backdrop, first * per, 0, (last - first) * per, backdrop.naturalHeight, ...span);
    }
    pen.globalAlpha = opacity;
    pen.drawImage(textures[which], first, 0, last - first, grid.rows, ...span);
    pen.globalAlpha = 1;
    if (wide >= 7) {
      pen.strokeStyle = "#0005";
      pen.lineWidth = 1;
      pen.beginPath();
      for (let column = first; column <= last; column++) pen.moveTo(column * wide + 0.5, top), pen.lineTo(column * wide + 0.5, top + grid.rows * high);
      for (let row = 0; row <= grid.rows; row++) pen.moveTo(first * wide, top + row * high + 0.5), pen.lineTo(last * wide, top + row * high + 0.5);
      pen.stroke();
    }
    const numbers = wide >= NUMBERS_FROM && high >= 20;
    for (let row = 0; row < grid.rows; row++) {
      const y = top + (grid.rows - 1 - row) * high;
      for (let column = first; column < last; column++) {
        const position = at(which, row, column);
        if (numbers) {
          pen.fillStyle = opacity > 0.5 && grid.light[which][grid.indices[position]] ? "#000c" : "#fffd";
          pen.textAlign = "center";
          pen.fillText(grid.indices[position], (column + 0.5) * wide, y + high / 2);
        }
        if (grid.indices[position] !== grid.original[position]) {
          pen.fillStyle = "#fff";
          pen.strokeStyle = "#000";
          const size = Math.max(1.5, Math.min(3, wide / 6));
          pen.beginPath();
          pen.arc((column + 1) * wide - size - 2, y + size + 2, size, 0, 7);
          pen.fill();
          pen.stroke();
        }
      }
    }
    if (selection && ($(".all input").checked || which === level)) {
      pen.strokeStyle = accent;
      pen.lineWidth = 2;
      pen.setLineDash([5, 3]);
      pen.strokeRect(
        selection.columns[0] * wide + 1, top + (grid.rows - 1 - selection.rows[1]) * high + 1,
        (selection.columns[1] - selection.columns[0] + 1) * wide - 2, (selection.rows[1] - selection.rows[0] + 1) * high - 2,
      );
      pen.setLineDash([]);
    }
    if (which === level) {
      pen.strokeStyle = "#fff";
      pen.lineWidth = 3;
      const box = [cursor.column * wide + 1, top + (grid.rows - 1 - cursor.row) * high + 1, Math.max(1, wide - 2), high - 2];
      pen.strokeRect(...box);
      pen.strokeStyle = "#000";
      pen.lineWidth = 1;
      pen.strokeRect(...box);
    }
  });
  drawAxis(pen, wide, tall, ink);
  const x = (now() / grid.column_seconds) * wide;
  pen.fillStyle = accent;
  pen.fillRect(x - 1, 0, 2, tall - AXIS);
}

function drawAxis(pen, wide, tall, ink) {
  const perSecond = wide / grid.column_seconds;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120].find((s) => s * perSecond > 60) || 300;
  const begin = Math.max(0, Math.floor(scroller.scrollLeft / perSecond / step) * step);
  const end = (scroller.scrollLeft + scroller.clientWidth) / perSecond;
  pen.fillStyle = ink;
  for (let second = begin; second <= end && second * perSecond < wide * grid.columns - 30; second += step) {
    pen.textAlign = second ? "center" : "left";
    pen.fillText(`${Number(second.toFixed(1))} s`, second * perSecond, tall - AXIS / 2 + 2);
  }
}

function say() {
  const code = grid.indices[at(level, cursor.row, cursor.column)];
  const time = (cursor.column * grid.column_seconds).toFixed(2);
  const chosen = selection ? ` Selected: ${selection.columns[1] - selection.columns[0] + 1} × ${selection.rows[1] - selection.rows[0] + 1}.` : "";
  $(".readout").textContent = `${time} s, ${grid.bands[cursor.row]}: ${grid.levels[level]} code ${code}. Brush: code ${brush}.${chosen}`;
}

const tell = (words) => {
  $(".message").textContent = words;
};

// ---- controls ------------------------------------------------------------------------------------------------------------

function press(name, on) {
  $(name).setAttribute("aria-pressed", on);
}

function mark() {
  element.querySelectorAll(".tools [data-tool]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.tool === tool));
  [...$(".levels").children].forEach((button, which) => button.setAttribute("aria-pressed", which === grid.levels.length ? stacked : which === level && !stacked));
  [...$(".palette").children].forEach((button) => button.setAttribute("aria-pressed", Number(button.dataset.code) === brush));
  const waiting = queue.some(ours);
  $("[data-act=undo]").disabled = !grid.can_undo && !waiting;
  $("[data-act=redo]").disabled = !grid.can_redo;
  $("[data-act=revert]").disabled = !grid.can_undo && !waiting;
  $("[data-act=paste]").disabled = !clipboard;
  const exporting = document.querySelector("#edit-export");
  if (exporting) exporting.disabled = queue.length > 0; // what is exported holds every stroke
  const second = !!props.second?.work;
  $("[data-act=blend]").disabled = $("[data-act=swap]").disabled = !second;
  $(".second").textContent = second ? `with ${props.second.name}` : "with a second clip, chosen below";
  $(".play").textContent = playing === "all" ? "Pause" : "Play";
  press(".before", comparing);
  canvas.style.cursor = tool === "pick" ? "copy" : tool === "select" ? "cell" : "crosshair";
  canvas.style.touchAction = tool === "scroll" ? "pan-x pan-y" : "none";
  $(".history").replaceChildren(
    ...grid.history.slice(-12).reverse().map((label) => Object.assign(document.createElement("li"), { textContent: label })),
  );
  $(".history").start = grid.edits;
  $(".none").hidden = grid.history.length > 0;
  $(".bands").hidden = stacked;
  draw();
  say();
}

function buildPalette() {
  $(".palette").replaceChildren(
    ...grid.order[level].map((code) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.code = code;
      button.style.backgroundImage = `url(${grid.sprites[level]})`;
      button.style.backgroundSize = `${32 * grid.size}px 40px`;
      button.style.backgroundPositionX = `${-32 * code}px`;
      button.setAttribute("aria-label", `Code ${code}`);
      button.title = `Code ${code}: ${grid.usage[level][code]} cells of this clip`;
      const label = Object.assign(document.createElement("span"), { textContent: code });
      label.style.borderColor = grid.palettes[level][code];
      button.append(label);
      button.onclick = () => {
        setBrush(code);
        audition(code);
      };
      return button;
    }),
  );
}

function setBrush(code) {
  brush = code;
  mark();
  $(`.palette [data-code="${code}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function choose(which) {
  level = which;
  buildPalette();
  mark();
}

function buildLevels() {
  const names = [...grid.levels, "All levels"];
  $(".levels").replaceChildren(
    ...names.map((name, which) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.onclick = () => {
        stacked = which === grid.levels.length;
        if (stacked) mark();
        else choose(which);
      };
      return button;
    }),
  );
}

function zoom(factor) {
  const fit = scroller.clientWidth / grid.columns;
  const x = (cursor.column + 0.5) * width() - scroller.scrollLeft; // the cursor stays where it is, if it is in view
  const held = x >= 0 && x <= scroller.clientWidth ? x : scroller.clientWidth / 2;
  const column = (scroller.scrollLeft + held) / width();
  columnWidth = Math.min(Math.max(fit, WIDEST), Math.max(fit, width() * factor));
  track.style.width = `${columnWidth * grid.columns}px`;
  scroller.scrollLeft = column * columnWidth - held;
  draw();
}

// ---- hands -----------------------------------------------------------------------------------------------------------------

function cellUnder(event, clamp = false) {
  const box = canvas.getBoundingClientRect();
  const high = rowHeight();
  const y = event.clientY - box.top;
  let lane = stacked ? Math.floor(y / (grid.rows * high + LANE_GAP)) : 0;
  lane = Math.min(lanes().length - 1, Math.max(0, lane));
  if (clamp && stacked) lane = level;
  let column = Math.floor((event.clientX - box.left + scroller.scrollLeft) / width());
  let row = grid.rows - 1 - Math.floor((y - laneTop(lane)) / high);
  if (clamp) {
    column = Math.min(grid.columns - 1, Math.max(0, column));
    row = Math.min(grid.rows - 1, Math.max(0, row));
  }
  const inside = column >= 0 && column < grid.columns && row >= 0 && row < grid.rows;
  return inside ? { level: lanes()[lane], row, column } : null;
}

function paint(row, column) {
  const steps = Math.max(Math.abs(row - cursor.row), Math.abs(column - cursor.column), 1);
  const from = stroke.cells.length ? cursor : { row, column };
  for (let i = 1; i <= steps; i++) {
    const r = Math.round(from.row + ((row - from.row) * i) / steps);
    const c = Math.round(from.column + ((column - from.column) * i) / steps);
    const position = at(stroke.level, r, c);
    if (!stroke.seen.has(position)) {
      stroke.seen.add(position);
      stroke.cells.push([r, c]);
      put(position, stroke.code);
    }
  }
  cursor = { row, column };
  draw();
  say();
}

function commit() {
  if (!stroke) return;
  const { level: which, code, cells } = stroke;
  stroke = null;
  for (let first = 0; first < cells.length; first += grid.edit_cells) {
    const part = cells.slice(first, first + grid.edit_cells);
    send("paint", { level: which, code, cells: part }, part.map(([row, column]) => [at(which, row, column), code]));
  }
}

const ordered = (a, b) => [Math.min(a, b), Math.max(a, b)];
const within = (cell) => selection && cell.row >= selection.rows[0] && cell.row <= selection.rows[1] && cell.column >= selection.columns[0] && cell.column <= selection.columns[1];

canvas.addEventListener("pointerdown", (event) => {
  const cell = cellUnder(event);
  if (!cell || event.button || !event.isPrimary || tool === "scroll") return;
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  if (cell.level !== level) choose(cell.level);
  if (tool === "pick" || event.altKey) {
    cursor = cell;
    setBrush(grid.indices[at(level, cell.row, cell.column)]);
  } else if (tool === "select") {
    if (within(cell) && !event.shiftKey) moving = { from: cell, to: cell };
    else {
      cursor = event.shiftKey ? cursor : cell;
      selection = { rows: ordered(cursor.row, cell.row), columns: ordered(cursor.column, cell.column) };
    }
    mark();
  } else {
    stroke = { level, code: brush, cells: [], seen: new Set() };
    cursor = cell;
    paint(cell.row, cell.column);
  }
});
canvas.addEventListener("pointermove", (event) => {
  if (!event.buttons || !event.isPrimary) return;
  for (const step of stroke ? event.getCoalescedEvents?.() || [event] : [event]) {
    const cell = cellUnder(step, true);
    if (stroke) paint(cell.row, cell.column);
    else if (moving) moving.to = cell;
    else if (tool === "select" && canvas.hasPointerCapture(event.pointerId)) {
      selection = { rows: ordered(cursor.row, cell.row), columns: ordered(cursor.column, cell.column) };
      draw();
      say();
    }
  }
});
function release(event) {
  if (!event.isPrimary) return;
  commit();
  if (event.type === "pointercancel" || !selection) moving = null;
  if (moving) {
    const { from, to } = moving;
    moving = null;
    const row = Math.max(0, selection.rows[0] + to.row - from.row);
    const column = Math.max(0, selection.columns[0] + to.column - from.column);
    if (row === selection.rows[0] && column === selection.columns[0]) {
      cursor = from;
      selection = null;
    } else {
      const what = region();
      const tall = selection.rows[1] - selection.rows[0];
      const long = selection.columns[1] - selection.columns[0];
      send("move", { ...what, row, column });
      selection = { rows: [row, Math.min(grid.rows - 1, row + tall)], columns: [column, Math.min(grid.columns - 1, column + long)] };
    }
  }
  mark();
}
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);

canvas.addEventListener("keydown", (event) => {
  const move = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (move && event.altKey) {
    actions[{ ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" }[event.key]]();
  } else if (move) {
    const anchor = event.shiftKey && (selection?.anchor || { ...cursor });
    cursor = {
      row: Math.min(grid.rows - 1, Math.max(0, cursor.row + move[0])),
      column: Math.min(grid.columns - 1, Math.max(0, cursor.column + move[1])),
    };
    selection = anchor ? { anchor, rows: ordered(anchor.row, cursor.row), columns: ordered(anchor.column, cursor.column) } : null;
    const x = cursor.column * width();
    if (x < scroller.scrollLeft || x + width() > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = x - scroller.clientWidth / 2;
  } else if (command && key === "z") actions[event.shiftKey ? "redo" : "undo"]();
  else if (command && key === "y") actions.redo();
  else if (command && key === "a") selection = { rows: [0, grid.rows - 1], columns: [0, grid.columns - 1] };
  else if (key === "c") actions.copy();
  else if (key === "x") actions.cut();
  else if (key === "v") actions.paste();
  else if (command) return;
  else if (event.key === "Delete" || event.key === "Backspace") actions.clear();
  else if (event.key === " ") playing === "all" ? pause() : play(selection && looping() ? loopSpan()[0] : cursor.column * grid.column_seconds);
  else if (event.key === "Enter") {
    stroke = { level, code: brush, cells: [], seen: new Set() };
    paint(cursor.row, cursor.column);
    commit();
  } else if (key === "b" || key === "s" || key === "p") tool = { b: "brush", s: "select", p: "pick" }[key];
  else if (key === "r") actions.reverse();
  else if (event.key === "Escape") selection = moving = null;
  else if (event.key === "+" || event.key === "=") zoom(1.5);
  else if (event.key === "-") zoom(1 / 1.5);
  else if (event.key >= "1" && event.key <= String(grid.levels.length)) {
    stacked = false;
    choose(Number(event.key) - 1);
  } else return;
  event.preventDefault();
  mark();
});

element.querySelectorAll("[data-tool]").forEach((button) => {
  button.onclick = () => {
    tool = button.dataset.tool;
    mark();
  };
});
element.querySelectorAll("[data-act]").forEach((button) => {
  button.onclick = () => actions[button.dataset.act]();
});
$(".play").onclick = () => (playing === "all" ? pause() : play());
$(".loop").onclick = () => {
  press(".loop", !looping());
  if (playing === "all") play(now());
};
$(".before").onclick = async () => {
  if (!comparing && !sound.before) await fetchTrack("before");
  comparing = !comparing && !!sound.before;
  if (!comparing && playing === "all" && stale.size) renew();
  if (playing) startSource(now());
  else play(sound.position);
  mark();
};
$(".closer").onclick = () => zoom(1.5);
$(".wider").onclick = () => zoom(1 / 1.5);
$(".mix").oninput = draw;
$(".all input").onchange = draw;

// ---- a clip arrives ------------------------------------------------------------------------------------------------------

function luminous(css) {
  const [red, green, blue] = css.match(/\d+/g).map(Number);
  return 0.3 * red + 0.59 * green + 0.11 * blue > 120;
}

function take() {
  const { value } = props;
  if (grid && !grid.editable && value.editable && value.indices === grid.text) {
    grid.work = value.work; // the example, as this page's own: what was done until now is sent
    grid.editable = true;
    drain();
    return;
  }
  const another = !grid || grid.work !== value.work;
  if (!another && queue.some(ours)) return; // this page is ahead of what came
  stroke = moving = null;
  grid = { ...value, text: value.indices, indices: unpack(value.indices), original: unpack(value.original) };
  grid.light = grid.palettes.map((colours) => colours.map(luminous));
  textures = grid.levels.map(() => Object.assign(document.createElement("canvas"), { width: grid.columns, height: grid.rows }));
  grid.indices.forEach((code, position) => put(position, code));
  generation += 1;
  fetching = {};
  late = [];
  playing = null;
  comparing = false;
  silence();
  Object.assign(sound, { edited: null, coming: null, before: another ? null : sound.before, position: 0 });
  stale = new Set(Array(grid.pieces).keys());
  if (another) {
    level = Math.min(level, grid.levels.length - 1);
    cursor = { row: 0, column: 0 };
    selection = null;
    columnWidth = 0;
    brush = Math.min(brush, grid.size - 1);
    scroller.scrollLeft = 0;
    backdrop = new Image();
    backdrop.onload = draw;
    backdrop.src = grid.spectrogram;
    tell("");
    ahead();
  }
  fetchTrack("edited");
  $(".clip").textContent = grid.name;
  buildLevels();
  buildPalette();
  $(".bands").replaceChildren(
    ...[...grid.bands].reverse().map((label) => Object.assign(document.createElement("span"), { textContent: label })),
  );
  mark();
}

element.grid = {
  get indices() {
    return grid.indices;
  },
  get pending() {
    return queue.length + (busy ? 1 : 0);
  },
  get samples() {
    return sound.edited;
  },
  get stale() {
    return [...stale];
  },
  get position() {
    return now();
  },
  get selection() {
    return selection;
  },
};
window.addEventListener("beforeunload", (event) => {
  if (element.isConnected && (grid.edits || queue.length)) event.preventDefault(); // the browser asks whether to leave
});
watch("value", take);
watch("second", mark);
scroller.addEventListener("scroll", draw);
new ResizeObserver(draw).observe(scroller);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
take();
