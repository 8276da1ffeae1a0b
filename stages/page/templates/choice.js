// Which models are shown and which are highlighted: one choice for all pictures and tables of the page.

const data = JSON.parse(document.getElementById("data").textContent);
const models = new Map(data.models.map(([id, name, group, family]) => [id, { id, name, group, family }]));
const benchmarks = new Map(data.benchmarks.map(([id, name, language]) => [id, { id, name, language }]));
const hidden = new Set(); // groups, by position
const pinned = new Set(); // model_ids
const redraws = []; // pictures that depend on which groups are shown

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const isShown = (id) => !hidden.has(models.get(id)?.group);
const about = (id) => document.querySelectorAll(`[data-model="${CSS.escape(id)}"]`);

// Marks the highlighted models wherever they stand; the one under the pointer counts beside the pinned ones.
let marked = [];
function highlight(pointed) {
  for (const element of marked) element.classList.remove("lit");
  const ids = pointed && models.has(pointed) ? [...pinned, pointed] : [...pinned];
  marked = ids.flatMap((id) => [...about(id)]);
  for (const element of marked) element.classList.add("lit");
  document.body.classList.toggle("some-lit", ids.length > 0);
}

function showGroups() {
  for (const element of document.querySelectorAll("[data-model]")) {
    element.classList.toggle("off", !isShown(element.dataset.model));
  }
  for (const redraw of redraws) redraw();
  highlight();
}

const MARKERS = {
  o: (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`,
  s: (r) => `M${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}Z`,
  "^": (r) => `M0,${-1.15 * r}L${1.1 * r},${0.85 * r}H${-1.1 * r}Z`,
  v: (r) => `M0,${1.15 * r}L${1.1 * r},${-0.85 * r}H${-1.1 * r}Z`,
  D: (r) => `M0,${-1.3 * r}L${1.3 * r},0L0,${1.3 * r}L${-1.3 * r},0Z`,
  P: (r) => `M${-r / 2},${-r}h${r}v${r / 2}h${r / 2}v${r}h${-r / 2}v${r / 2}h${-r}v${-r / 2}h${-r / 2}v${-r}h${r / 2}Z`,
  X: (r) => `M${-r},${-r}h${0.8 * r}L0,${-0.6 * r}L${0.2 * r},${-r}h${0.8 * r}L${0.5 * r},0L${r},${r}h${-0.8 * r}L0,${0.6 * r}L${-0.2 * r},${r}h${-0.8 * r}L${-0.5 * r},0Z`,
};

function legendMark(colour, marker) {
  const svg = drawn("svg", { viewBox: "-7 -7 14 14", class: "key", "aria-hidden": "true" });
  drawn("path", { d: MARKERS[marker](5), fill: colour, class: "pt" }, svg);
  return svg;
}

function buildChoice(bar) {
  const present = new Set(data.models.map((model) => model[2]));
  const boxes = make("fieldset", {}, make("legend", {}, "Groups"));
  data.groups.forEach(([name, colour, marker], i) => {
    if (!present.has(i)) return;
    const box = make("input", { type: "checkbox", checked: "" });
    box.addEventListener("change", () => {
      hidden[box.checked ? "delete" : "add"](i);
      showGroups();
    });
    boxes.append(make("label", { class: "chip" }, box, legendMark(colour, marker), name));
  });
  const list = make("datalist", { id: "known-models" });
  const families = new Map();
  for (const { id, family } of models.values()) families.set(family, [...(families.get(family) ?? []), id]);
  const choices = new Map();
  for (const [family, ids] of families) if (ids.length > 1) choices.set(`family ${family}`, ids);
  for (const { id, name } of models.values()) choices.set(name, [id]);
  for (const name of choices.keys()) list.append(make("option", { value: name }));
  const input = make("input", { type: "search", list: "known-models", id: "find", placeholder: "model or family" });
  const told = make("output", { for: "find" });
  input.addEventListener("input", () => {
    const asked = input.value.trim().toLowerCase();
    const exact = [...choices.keys()].filter((name) => name.toLowerCase() === asked);
    const names = asked === "" ? [] : exact.length ? exact : [...choices.keys()].filter((name) => name.toLowerCase().includes(asked));
    pinned.clear();
    for (const name of names) for (const id of choices.get(name)) pinned.add(id);
    told.textContent = asked === "" ? "" : `${pinned.size} model${pinned.size === 1 ? "" : "s"}`;
    showGroups();
  });
  bar.append(boxes, make("label", { class: "find" }, "Highlight ", input), told, list);
}

// The box beside the pointer: names and values of what is under it.
const tip = make("div", { id: "tip", role: "tooltip", hidden: "" });
document.body.append(tip);

function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map((line, i) => make(i ? "div" : "strong", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 18}px`;
}

// What is known of a mark: its model or benchmark, then what the picture says of it.
function linesOf(mark) {
  const model = models.get(mark.dataset.model);
  const all = mark.dataset.told ?? "";
  const own = model && all.startsWith(`${model.name}: `) ? all.slice(model.name.length + 2) : all;
  const told = own.split("\n").filter(Boolean);
  if (model) return [model.name, `${data.groups[model.group][0]}, family ${model.family}`, ...told];
  const benchmark = mark.dataset.other ? undefined : benchmarks.get(mark.dataset.benchmark);
  return benchmark ? [benchmark.name, data.languages[benchmark.language][0], ...told] : told;
}

// A figure drawn elsewhere says of each mark in a <title> what it is; the box says it at once and beside the pointer.
for (const title of document.querySelectorAll(".picture .mark > title")) {
  title.parentNode.dataset.told = title.textContent;
  title.remove();
}

document.addEventListener("pointerover", (event) => {
  const element = event.target.closest?.("[data-model], .mark");
  const lines = element?.closest("svg") ? linesOf(element) : [];
  highlight(element?.dataset.model);
  if (lines.length) showTip(lines, event.clientX, event.clientY);
  else tip.hidden = true;
});
document.addEventListener("click", (event) => {
  const id = event.target.closest?.("svg [data-model]")?.dataset.model;
  if (!models.has(id)) return;
  pinned[pinned.has(id) ? "delete" : "add"](id);
  showGroups();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  tip.hidden = true;
  pinned.clear();
  showGroups();
});
addEventListener("scroll", () => (tip.hidden = true), { passive: true });
