// The code grid: draws props.value on a canvas and reports what a person does to it.
//
// props.value = {levels: [name], rows, columns, size, model_id, indices: [flat], changed: [flat position],
//                palettes: [[css colour]], bands: [label per row], column_seconds}
// props.sound = {seq, uri: data URI or null}: played when it changes
// Events: 'edit' {level, code, cells: [[row, column]]}, 'audition' {level, code}, 'undo' {}, 'redo' {}.

const canvas = element.querySelector(".cells");
const scroller = element.querySelector(".scroller");
const track = element.querySelector(".track");
const bands = element.querySelector(".bands");
const levelBar = element.querySelector(".levels");
const palette = element.querySelector(".palette");
const readout = element.querySelector(".readout");
const AXIS = 22;
const ROW = 28;
const MIN_COLUMN = 14;

let grid = null; // the server's value; indices are also changed here at once, ahead of its answer
let level = 0;
let brush = 0;
let cursor = { row: 0, column: 0 };
let stroke = null;
let player = null;

const at = (row, column) => (level * grid.rows + row) * grid.columns + column;
const style = (name) => getComputedStyle(element).getPropertyValue(name).trim();
const columnWidth = () => Math.max(MIN_COLUMN, scroller.clientWidth / grid.columns);

function draw() {
  if (!grid || !scroller.clientWidth) return;
  const scale = window.devicePixelRatio || 1;
  // The canvas is as wide as the window on the grid, however long the clip: it stays in view and draws what is there.
  const width = scroller.clientWidth;
  const height = grid.rows * ROW + AXIS;
  track.style.width = `${columnWidth() * grid.columns}px`;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = "10px ui-monospace, monospace";
  context.textBaseline = "middle";
  const changed = new Set(grid.changed);
  const wide = columnWidth();
  const first = Math.floor(scroller.scrollLeft / wide);
  const last = Math.min(grid.columns, Math.ceil((scroller.scrollLeft + width) / wide));
  context.translate(-scroller.scrollLeft, 0);
  for (let row = 0; row < grid.rows; row++) {
    const y = (grid.rows - 1 - row) * ROW;
    for (let column = first; column < last; column++) {
      const code = grid.indices[at(row, column)];
      context.fillStyle = grid.palettes[level][code];
      context.fillRect(column * wide + 0.5, y + 0.5, wide - 1, ROW - 1);
      if (wide >= 24) {
        context.fillStyle = "#000b";
        context.textAlign = "center";
        context.fillText(code, (column + 0.5) * wide, y + ROW / 2);
      }
      if (changed.has(at(row, column))) {
        context.fillStyle = "#000";
        context.beginPath();
        context.arc((column + 1) * wide - 5, y + 5, 2.5, 0, 7);
        context.fill();
      }
    }
  }
  context.strokeStyle = style("--body-text-color");
  context.lineWidth = 2;
  context.strokeRect(cursor.column * wide + 1, (grid.rows - 1 - cursor.row) * ROW + 1, wide - 2, ROW - 2);
  drawAxis(context, wide);
}

function drawAxis(context, wide) {
  const perSecond = wide / grid.column_seconds;
  const step = [0.5, 1, 2, 5, 10, 30, 60].find((seconds) => seconds * perSecond > 60) || 60;
  context.fillStyle = style("--body-text-color");
  for (let second = 0; second * perSecond < wide * grid.columns - 30; second += step) {
    context.textAlign = second ? "center" : "left";
    context.fillText(`${second} s`, second * perSecond, grid.rows * ROW + AXIS / 2 + 2);
  }
}

function say() {
  const code = grid.indices[at(cursor.row, cursor.column)];
  const seconds = (cursor.column * grid.column_seconds).toFixed(2);
  readout.textContent = `${seconds} s, ${grid.bands[cursor.row]}: code ${code}. Brush: code ${brush}.`;
}

function fillPalette() {
  levelBar.replaceChildren(
    ...grid.levels.map((name, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("aria-pressed", number === level);
      button.onclick = () => choose(number);
      return button;
    }),
  );
  palette.replaceChildren(
    ...grid.palettes[level].map((colour, code) => {
      const button = document.createElement("button");
      button.type = "button";
      button.style.background = colour;
      button.textContent = code;
      button.setAttribute("aria-label", `Code ${code}`);
      button.setAttribute("aria-pressed", code === brush);
      button.onclick = () => {
        setBrush(code);
        trigger("audition", { level, code });
      };
      return button;
    }),
  );
}

function setBrush(code) {
  palette.children[brush]?.setAttribute("aria-pressed", false);
  brush = code;
  palette.children[brush].setAttribute("aria-pressed", true);
  palette.children[brush].scrollIntoView({ block: "nearest", inline: "nearest" });
  say();
}

function choose(number) {
  level = number;
  brush = Math.min(brush, grid.palettes[level].length - 1);
  fillPalette();
  draw();
  say();
}

function paint(row, column) {
  cursor = { row, column };
  const key = at(row, column);
  if (stroke && grid.indices[key] !== brush) {
    grid.indices[key] = brush;
    stroke.push([row, column]);
  }
  draw();
  say();
}

function commit() {
  if (stroke && stroke.length) trigger("edit", { level, code: brush, cells: stroke });
  stroke = null;
}

function cellUnder(event) {
  const box = canvas.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left + scroller.scrollLeft) / columnWidth());
  const row = grid.rows - 1 - Math.floor((event.clientY - box.top) / ROW);
  const inside = column >= 0 && column < grid.columns && row >= 0 && row < grid.rows;
  return inside ? { row, column } : null;
}

canvas.addEventListener("pointerdown", (event) => {
  const cell = cellUnder(event);
  if (!cell || event.button) return;
  if (event.pointerType !== "touch") canvas.setPointerCapture(event.pointerId);
  if (event.altKey) {
    cursor = cell;
    setBrush(grid.indices[at(cell.row, cell.column)]);
    draw();
    return;
  }
  if (event.pointerType === "touch") return; // a finger that moves scrolls; a tap paints, in "click"
  stroke = [];
  paint(cell.row, cell.column);
});
canvas.addEventListener("click", (event) => {
  const cell = event.pointerType === "touch" && cellUnder(event);
  if (!cell) return;
  stroke = [];
  paint(cell.row, cell.column);
  commit();
});
canvas.addEventListener("pointermove", (event) => {
  const cell = stroke && cellUnder(event);
  if (cell) paint(cell.row, cell.column);
});
canvas.addEventListener("pointerup", commit);
canvas.addEventListener("pointercancel", commit);

canvas.addEventListener("keydown", (event) => {
  const move = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const command = event.ctrlKey || event.metaKey;
  if (move) {
    cursor.row = Math.min(grid.rows - 1, Math.max(0, cursor.row + move[0]));
    cursor.column = Math.min(grid.columns - 1, Math.max(0, cursor.column + move[1]));
    const x = cursor.column * columnWidth();
    if (x < scroller.scrollLeft || x + columnWidth() > scroller.scrollLeft + scroller.clientWidth) {
      scroller.scrollLeft = x - scroller.clientWidth / 2;
    }
    draw();
    say();
  } else if (event.key === "Enter") {
    stroke = [];
    paint(cursor.row, cursor.column);
    commit();
  } else if (event.key === "p") {
    setBrush(grid.indices[at(cursor.row, cursor.column)]);
  } else if (command && event.key.toLowerCase() === "z") {
    trigger(event.shiftKey ? "redo" : "undo", {});
  } else if (command && event.key.toLowerCase() === "y") {
    trigger("redo", {});
  } else if (!command && event.key >= "1" && event.key <= String(grid.levels.length)) {
    choose(Number(event.key) - 1);
  } else {
    return;
  }
  event.preventDefault();
});

function take() {
  const fresh = !grid || grid.columns !== props.value.columns || grid.model_id !== props.value.model_id;
  grid = { ...props.value, indices: [...props.value.indices] };
  if (fresh || level >= grid.levels.length) {
    level = 0;
    cursor = { row: 0, column: 0 };
    brush = grid.indices[at(0, 0)];
    scroller.scrollLeft = 0;
  }
  bands.replaceChildren(
    ...[...grid.bands].reverse().map((label) => Object.assign(document.createElement("span"), { textContent: label })),
  );
  fillPalette();
  draw();
  say();
}

function play() {
  player?.pause();
  if (!props.sound.uri) return;
  player = new Audio(props.sound.uri);
  player.play().catch(() => {}); // a browser may refuse sound before the first click
}

watch("value", take);
watch("sound", play);
scroller.addEventListener("scroll", draw);
new ResizeObserver(draw).observe(scroller);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
take();
