// The code grid's edits: applied here at once, sent one after another, and corrected by the answers; and the tools that
// make them. Joined to code_grid.js.

const at = (which, row, column) => (which * grid.rows + row) * grid.columns + column;

function put(position, code) {
  grid.indices[position] = code;
  const which = Math.floor(position / (grid.rows * grid.columns));
  const row = Math.floor(position / grid.columns) % grid.rows;
  const pen = textures[which].getContext("2d");
  pen.fillStyle = grid.palettes[which][code];
  pen.fillRect(position % grid.columns, grid.rows - 1 - row, 1, 1);
}

function send(kind, rest = {}, local = []) {
  const id = crypto.randomUUID?.() || `${performance.now()} ${Math.random()}`;
  queue.push({ work: grid.editable ? grid.work : null, request: { id, kind, ...rest }, local });
  local.forEach(([position, code]) => put(position, code));
  mark();
  drain();
}

const after = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds, null));
const ours = (edit) => edit.work === grid.work || (edit.work === null && !grid.editable);
const ahead = () => queue.filter(ours).forEach((edit) => edit.local.forEach(([position, code]) => put(position, code)));

async function drain() {
  if (busy) return;
  busy = true;
  while (queue.length && (queue[0].work || grid.editable)) {
    const [edit] = queue;
    edit.work ||= grid.work; // made on the example, before this page had it for its own
    const answer = await Promise.race([server.edit({ work: edit.work, ...edit.request }), after(PATIENCE)]).catch(() => null);
    if (!answer) {
      tell("The server does not answer. Your edits are still on this page: trying again …");
      await after(1500);
      continue;
    }
    queue.shift();
    if (!ours(edit)) continue; // another clip is open by now; the server keeps this one with its edits
    if (answer.gone) {
      queue = queue.filter((later) => !ours(later));
      tell(answer.error);
      $(".message").append(" Your edits are still on this page: ", rescue());
      continue;
    }
    if (answer.error) {
      tell(answer.error);
      await resync();
      continue;
    }
    const idle = answer.positions && !answer.positions.length && !["undo", "redo", "paint"].includes(edit.request.kind);
    tell(idle ? "That changed nothing: the codes there are these already." : "");
    if (answer.positions) answer.positions.forEach((position, i) => put(position, answer.codes[i]));
    else unpack(answer.indices).forEach((code, position) => put(position, code));
    ahead();
    Object.assign(grid, { history: answer.history, edits: answer.edits, can_undo: answer.can_undo, can_redo: answer.can_redo });
    mark();
    answer.stale.forEach(([start, stop]) => outdate(start, stop));
    const samples = answer.flac && (await pcm(answer.flac));
    if (samples && ours(edit)) heardEdit(answer.start, samples, answer.version);
    if (answer.stale.length && ours(edit) && playing === "all" && !comparing) renew();
  }
  busy = false;
  mark();
}

async function resync() {
  const { work } = grid;
  const answer = await Promise.race([server.edit({ work, kind: "look" }), after(PATIENCE)]).catch(() => null);
  if (work !== grid.work || !answer || answer.error) return;
  unpack(answer.indices).forEach((code, position) => put(position, code));
  ahead();
  mark();
}

function rescue() {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Save this grid" });
  button.onclick = () => {
    const row = (which, r) => [...grid.indices.subarray(at(which, r, 0), at(which, r, 0) + grid.columns)];
    const rows = [...Array(grid.rows).keys()];
    const indices = grid.levels.map((_, which) => rows.map((r) => row(which, r)));
    const { format, num_frames, model_id, size: codebook_size } = grid;
    const text = JSON.stringify({ format, indices, num_frames, model_id, codebook_size });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${grid.name.replace(/\.[^.]*$/, "")}-edited.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return button;
}

function unpack(text) {
  return new Uint16Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

// ---- the selection and what is done to it ------------------------------------------------------------------------------

const wanted = () => selection || { level, rows: [cursor.row, cursor.row], columns: [cursor.column, cursor.column] };

function region() {
  const chosen = wanted();
  const all = $(".all input").checked;
  const levels = all ? [0, grid.levels.length - 1] : [level, level];
  return { levels, rows: chosen.rows, columns: chosen.columns };
}

function copy() {
  const { levels, rows, columns } = region();
  const codes = [];
  for (let which = levels[0]; which <= levels[1]; which++) {
    const plane = [];
    for (let row = rows[0]; row <= rows[1]; row++) {
      const first = at(which, row, columns[0]);
      plane.push([...grid.indices.subarray(first, first + columns[1] - columns[0] + 1)]);
    }
    codes.push(plane);
  }
  clipboard = { codes };
  tell(`Copied ${codes[0].length} × ${codes[0][0].length} cells of ${levels[0] === levels[1] ? grid.levels[levels[0]] : "all levels"}.`);
  mark();
}

function paste() {
  if (!clipboard) return tell("There is nothing to paste yet: select some cells and copy them.");
  const { rows, columns } = wanted();
  const { codes } = clipboard;
  const [tall, wide] = [codes[0].length, codes[0][0].length];
  const step = Math.max(1, Math.floor(grid.edit_cells / (codes.length * tall)));
  for (let first = 0; first < wide && columns[0] + first < grid.columns; first += step) {
    const part = codes.map((plane) => plane.map((row) => row.slice(first, first + step)));
    send("paste", { codes: part, level: codes.length === 1 ? level : 0, row: rows[0], column: columns[0] + first });
  }
}

const number = (name) => Number($(name).value);
const actions = {
  copy,
  paste,
  cut: () => {
    copy();
    send("clear", region());
  },
  clear: () => send("clear", region()),
  fill: () => send("set", { ...region(), levels: [level, level], code: brush }),
  reverse: () => send("reverse", region()),
  repeat: () => send("repeat", { ...region(), times: number(".times") }),
  left: () => send("shift", { ...region(), by_columns: -1 }),
  right: () => send("shift", { ...region(), by_columns: 1 }),
  up: () => send("shift", { ...region(), by_rows: 1 }),
  down: () => send("shift", { ...region(), by_rows: -1 }),
  similar: () => send("similar", { ...region(), levels: [level, level], rank: number(".rank") }),
  random: () => send("random", { ...region(), levels: [level, level], among: Math.max(2, number(".rank")), seed: Math.floor(Math.random() * 1e9) }),
  silence: () => send("clear", { levels: [level, level], rows: [0, grid.rows - 1], columns: [0, grid.columns - 1] }),
  replace: () => {
    const code = grid.indices[at(level, cursor.row, cursor.column)];
    if (code === brush) return tell("Pick another code in the palette first: it takes the place of the one under the cursor.");
    send("replace", { level, code, replacement: brush });
  },
  blend: () => withSecond((second) => send("blend", { ...region(), second: second.work, amount: number(".amount") / 100 })),
  swap: () => withSecond((second) => send("swap", { ...region(), second: second.work })),
  undo: () => send("undo"),
  redo: () => send("redo"),
  revert: () => send("reset"),
};

function withSecond(act) {
  if (!props.second?.work) return tell("Choose a second clip below the grid first.");
  act(props.second);
}

