// @ts-check
// A picture with an axis of time: a line shows the playback position, and a click changes it.

import { momentOf, placeOf } from "./axes.js";
import { find } from "./dom.js";
import { timeline } from "./timeline.js";

/** @param {import("./types.js").Component<string, unknown>} component */
export function mount({ element, props, watch }) {
  const frame = find(element, "[data-stop]");
  const axis = () => ({ start: props.start, stop: props.stop, left: props.left, right: props.right });

  /** @param {number} moment */
  const show = (moment) => {
    const line = find(element, ".playhead"); // Gradio may have replaced the element
    const place = placeOf(axis(), moment);
    line.hidden = place === null;
    if (place !== null) line.style.left = `${100 * place}%`;
  };
  const reveal = () => frame.scrollIntoView({ block: "center", behavior: "smooth" });
  const top = () => (element.isConnected ? frame.getBoundingClientRect().top : null);

  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    const moment = momentOf(axis(), (event.clientX - box.left) / box.width);
    if (moment !== null) timeline.point(moment);
  });
  watch(["value", "start", "stop"], () => show(timeline.moment));
  timeline.add({ show, reveal, top });
}
