// The codebook: every entry of a level as a small picture of its sound; pressing one plays it.
//
// props.value = {work: secret of the clip, levels: [name], size, sprites: [data URI per level, size tiles side by side],
//                colours: [[css colour]], order: [[code]], here: [[count in this clip]], trained: [[count]] or null}
// server.audition({work, level, code}) -> {flac: base64} or {error: sentence}

const levelBar = element.querySelector(".levels");
const tiles = element.querySelector(".tiles");
const sorting = element.querySelector("select");
const readout = element.querySelector(".readout");
const TILE = 32; // pixels, as wide as it is drawn

const GONE = { error: "The server does not answer; please try again in a moment." };
let level = 0;
let player = null;
let request = 0;

const counts = () => ({ here: props.value.here[level], trained: props.value.trained?.[level] });

function sorted() {
  const codes = [...props.value.order[level]];
  const by = { here: counts().here, trained: counts().trained || counts().here }[sorting.value];
  if (by) codes.sort((a, b) => by[b] - by[a]);
  if (sorting.value === "number") codes.sort((a, b) => a - b);
  return codes;
}

function percent(count, all) {
  const share = (100 * count) / Math.max(1, all.reduce((sum, n) => sum + n, 0));
  return `${share.toFixed(share < 10 ? 1 : 0)} %`;
}

function say(code) {
  const { here, trained } = counts();
  const training = !trained ? "" : trained[code] ? `, ${percent(trained[code], trained)} of the training clips` : ", never in the training clips (dead)";
  const use = here[code] ? `${here[code]} cells of this clip (${percent(here[code], here)})` : "not in this clip";
  readout.textContent = `${props.value.levels[level]}, code ${code}: ${use}${training}.`;
}

function build() {
  const { value } = props;
  level = Math.min(level, value.levels.length - 1);
  levelBar.replaceChildren(
    ...value.levels.map((name, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("aria-pressed", number === level);
      button.onclick = () => {
        level = number;
        build();
      };
      return button;
    }),
  );
  const { here, trained } = counts();
  const most = Math.max(1, ...here);
  tiles.replaceChildren(
    ...sorted().map((code) => {
      const tile = document.createElement("button");
      tile.type = "button";
      const dead = trained && !trained[code];
      tile.className = dead ? "dead" : here[code] ? "" : "unused";
      tile.style.backgroundImage = `url(${value.sprites[level]})`;
      tile.style.backgroundSize = `${TILE * value.size}px 64px`;
      tile.style.backgroundPositionX = `${-TILE * code}px`;
      tile.setAttribute("aria-label", `Code ${code}${dead ? ", dead" : ""}, ${here[code]} cells of this clip`);
      const use = document.createElement("i");
      use.style.height = `${Math.round((14 * here[code]) / most)}px`;
      const label = Object.assign(document.createElement("span"), { textContent: code });
      label.style.borderColor = value.colours[level][code];
      tile.append(use, label);
      tile.onclick = () => audition(code);
      tile.onfocus = tile.onpointerenter = () => say(code);
      return tile;
    }),
  );
  readout.textContent = "Each tile is one code's own sound: time goes right, frequency up. Press one to hear it.";
}

async function audition(code) {
  const mine = ++request;
  player?.pause();
  try {
    const answer = (await server.audition({ work: props.value.work, level, code })) ?? GONE;
    if (mine !== request) return;
    if (answer.error) throw new Error(answer.error);
    player = new Audio(`data:audio/flac;base64,${answer.flac}`);
    element.heard = { level, code, flac: answer.flac };
    say(code);
    await player.play();
  } catch (error) {
    if (mine === request && error.name !== "AbortError") readout.textContent = error.message;
  }
}

sorting.onchange = build;
watch("value", build);
build();
