// Pictures drawn from the tables of the page: scatters of models, loadings of benchmarks.

const NS = "http://www.w3.org/2000/svg";
function drawn(name, attributes = {}, parent = null, text = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  parent?.append(element);
  return element;
}

// ---- numbers, read from the tables: key -> id -> number; the former state of a comparison apart

const numberIn = (text) => {
  const plain = text.replace("−", "-").replace(/[\s,%]/g, "");
  return plain === "" || plain === "–" ? NaN : Number(plain);
};
const values = new Map();
const before = new Map();
for (const table of document.querySelectorAll("table:has(th[data-key])")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => {
    if (!head.dataset.key) return;
    const store = head.dataset.state === "before" ? before : values;
    const column = store.get(head.dataset.key) ?? new Map(); // a component has scores of models and loadings of benchmarks
    for (const row of table.tBodies[0].rows) column.set(row.dataset.model ?? row.dataset.benchmark, numberIn(row.cells[i].textContent));
    store.set(head.dataset.key, column);
  });
}
const told = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
const titles = new Map(data.axes ?? []);

function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found.map((value) => [value, told(value, digits)]);
}

function scale(numbers, from, to) {
  let [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const room = 0.07 * (high - low);
  [low, high] = [low - room, high + room];
  return Object.assign((value) => from + ((value - low) / (high - low)) * (to - from), { low, high });
}

function fit(points) {
  const n = points.length;
  const mean = (key) => points.reduce((sum, point) => sum + point[key], 0) / n;
  const [mx, my] = [mean("x"), mean("y")];
  let [xx, yy, xy] = [0, 0, 0];
  for (const { x, y } of points) {
    xx += (x - mx) ** 2;
    yy += (y - my) ** 2;
    xy += (x - mx) * (y - my);
  }
  return { r: xy / Math.sqrt(xx * yy), slope: xy / xx, intercept: my - (xy / xx) * mx };
}

// ---- scatters

const RESPONSE = /^(PC|Factor)\d+$/; // of one analysis, these have no line through each other

const canvas = document.createElement("canvas").getContext("2d");
canvas.font = "11px system-ui, sans-serif";

const PLACES = [
  [8, 4, "start"], [-8, 4, "end"], [0, -8, "middle"], [0, 16, "middle"],
  [5, -7, "start"], [5, 15, "start"], [-5, -7, "end"], [-5, 15, "end"],
];

// Places names beside their points where they cover nothing: the pinned first, then what moved, then from the edge.
function placeNames(points, frame) {
  const taken = points.map(({ px, py }) => [px - 5, py - 5, px + 5, py + 5]);
  const [cx, cy] = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2];
  const away = ({ px, py }) => Math.hypot((px - cx) / (frame.right - frame.left), (py - cy) / (frame.bottom - frame.top));
  const order = [...points].sort((a, b) => pinned.has(b.id) - pinned.has(a.id) || b.moved - a.moved || away(b) - away(a));
  const placed = [];
  for (const point of order) {
    const width = canvas.measureText(point.name).width;
    for (const [dx, dy, anchor] of PLACES) {
      const left = point.px + dx - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0);
      const box = [left, point.py + dy - 10, left + width, point.py + dy + 2];
      const inside = box[0] >= frame.left && box[2] <= frame.right && box[1] >= frame.top && box[3] <= frame.bottom;
      const free = taken.every((other) => other[2] <= box[0] || other[0] >= box[2] || other[3] <= box[1] || other[1] >= box[3]);
      if (!inside || !(free || pinned.has(point.id))) continue;
      taken.push(box);
      placed.push({ point, x: point.px + dx, y: point.py + dy, anchor });
      break;
    }
  }
  return placed;
}

function axesInto(svg, frame, x, y, names) {
  for (const [value, text] of ticks(x.low, x.high, (frame.right - frame.left) / 80)) {
    drawn("line", { x1: x(value), x2: x(value), y1: frame.top, y2: frame.bottom, class: "grid" }, svg);
    drawn("text", { x: x(value), y: frame.bottom + 16, "text-anchor": "middle" }, svg, text);
  }
  for (const [value, text] of ticks(y.low, y.high, (frame.bottom - frame.top) / 45)) {
    drawn("line", { x1: frame.left, x2: frame.right, y1: y(value), y2: y(value), class: "grid" }, svg);
    drawn("text", { x: frame.left - 6, y: y(value) + 4, "text-anchor": "end" }, svg, text);
  }
  drawn("path", { d: `M${frame.left},${frame.top}V${frame.bottom}H${frame.right}`, class: "axis" }, svg);
  const middle = (frame.top + frame.bottom) / 2;
  drawn("text", { x: (frame.left + frame.right) / 2, y: frame.bottom + 34, "text-anchor": "middle", class: "title" }, svg, names[0]);
  drawn("text", { transform: `translate(13,${middle}) rotate(-90)`, "text-anchor": "middle", class: "title" }, svg, names[1]);
}

function pointsOf(xKey, yKey) {
  const [xs, ys] = [values.get(xKey), values.get(yKey)];
  const [oldX, oldY] = [before.get(xKey), before.get(yKey)];
  return [...models.values()]
    .filter(({ id }) => isShown(id))
    .map((model) => ({
      ...model, x: xs?.get(model.id) ?? NaN, y: ys?.get(model.id) ?? NaN,
      oldX: oldX?.get(model.id) ?? NaN, oldY: oldY?.get(model.id) ?? NaN,
    }));
}

function arrow(svg, point, x, y) {
  const [fromX, fromY] = [x(point.oldX), y(point.oldY)];
  const length = Math.hypot(point.px - fromX, point.py - fromY);
  drawn("circle", { cx: fromX, cy: fromY, r: 3.5, class: "former mark", "data-model": point.id }, svg);
  if (length < 6) return;
  const [ux, uy] = [(point.px - fromX) / length, (point.py - fromY) / length];
  const [tx, ty] = [point.px - 6 * ux, point.py - 6 * uy];
  const head = `M${tx},${ty}L${tx - 7 * ux - 3.5 * uy},${ty - 7 * uy + 3.5 * ux}L${tx - 7 * ux + 3.5 * uy},${ty - 7 * uy - 3.5 * ux}Z`;
  drawn("path", { d: `M${fromX},${fromY}L${tx},${ty}`, class: "arrow", "data-model": point.id }, svg);
  drawn("path", { d: head, class: "arrowhead", "data-model": point.id }, svg);
}

function drawScatter(figure) {
  const svg = figure.querySelector("svg");
  const { x: xKey, y: yKey } = figure.dataset;
  const names = [titles.get(xKey), titles.get(yKey)];
  const width = Math.max(figure.clientWidth, 260);
  const height = Math.round(Math.min(0.62 * width, Number(figure.dataset.height)));
  const frame = { left: 48, right: width - 10, top: 10, bottom: height - 42 };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const all = pointsOf(xKey, yKey);
  const points = all.filter(({ x, y }) => Number.isFinite(x + y));
  const former = all.filter(({ oldX, oldY }) => Number.isFinite(oldX + oldY));
  if (points.length + former.length === 0) {
    drawn("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, svg, "no model has both");
    svg.setAttribute("aria-label", `${names[1]} against ${names[0]}: no model has both`);
    return;
  }
  const x = scale([...points.map((point) => point.x), ...former.map((point) => point.oldX)], frame.left, frame.right);
  const y = scale([...points.map((point) => point.y), ...former.map((point) => point.oldY)], frame.bottom, frame.top);
  axesInto(svg, frame, x, y, names);
  for (const point of points) {
    [point.px, point.py] = [x(point.x), y(point.y)];
    point.moved = Math.round(Math.hypot(point.px - x(point.oldX), point.py - y(point.oldY)) || 0);
  }
  let words = `${names[1]} against ${names[0]}, ${points.length} models`;
  if (before.size) {
    for (const point of former) if (Number.isFinite(point.x + point.y)) arrow(svg, points.find(({ id }) => id === point.id), x, y);
      else drawn("circle", { cx: x(point.oldX), cy: y(point.oldY), r: 3.5, class: "former mark", "data-model": point.id, "data-told": "only in the first state" }, svg);
  } else if (points.length > 2 && !(RESPONSE.test(xKey) && RESPONSE.test(yKey))) {
    const { r, slope, intercept } = fit(points);
    const ends = [Math.min(...points.map((point) => point.x)), Math.max(...points.map((point) => point.x))];
    drawn("line", { x1: x(ends[0]), x2: x(ends[1]), y1: y(intercept + slope * ends[0]), y2: y(intercept + slope * ends[1]), class: "fit" }, svg);
    words += `, Pearson's r ${told(r)}`;
  }
  for (const point of points) {
    const [, colour, marker] = data.groups[point.group];
    drawn("path", {
      d: MARKERS[marker](5), transform: `translate(${point.px},${point.py})`, fill: colour, class: "pt mark", "data-model": point.id,
      "data-told": `${names[0]}: ${told(point.x)}\n${names[1]}: ${told(point.y)}`,
    }, svg);
  }
  for (const { point, x: tx, y: ty, anchor } of placeNames(points, frame)) {
    drawn("text", { x: tx, y: ty, "text-anchor": anchor, class: "name", "data-model": point.id }, svg, point.name);
  }
  svg.setAttribute("aria-label", words);
  figure.querySelector(".now").textContent = `${words}.`;
}

function axisList(figure, axis, label) {
  const list = make("select", {});
  for (const [key, title] of data.axes) {
    if (values.has(key)) list.append(make("option", { value: key, ...(figure.dataset[axis] === key ? { selected: "" } : {}) }, title));
  }
  list.addEventListener("change", () => {
    figure.dataset[axis] = list.value;
    figure.classList.add("changed");
    drawScatter(figure);
    highlight();
  });
  return make("label", {}, `${label} `, list);
}

function buildScatter(figure) {
  const caption = figure.querySelector("figcaption");
  caption.replaceChildren(make("span", { class: "words" }, ...caption.childNodes), make("span", { class: "now", "aria-live": "polite" }));
  figure.prepend(make("div", { class: "axes" }, axisList(figure, "y", "Vertical"), axisList(figure, "x", "horizontal")));
  redraws.push(() => {
    figure.classList.toggle("fewer", hidden.size > 0);
    drawScatter(figure);
  });
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(figure.clientWidth - width) < 2) return;
    width = figure.clientWidth;
    drawScatter(figure);
    highlight();
  }).observe(figure);
}

// ---- loadings: one panel a component, a row a benchmark

function drawComponent(panel, component, intervals) {
  const svg = panel.querySelector("svg");
  const now = values.get(component);
  const [low, high, former] = [values.get(`${component} low`), values.get(`${component} high`), before.get(component)];
  const ids = [...benchmarks.keys()].filter((id) => Number.isFinite(now.get(id)) || Number.isFinite(former?.get(id)));
  const [width, row, left] = [300, 17, 108];
  const height = ids.length * row + 34;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const columns = [now, former, ...(intervals ? [low, high] : [])];
  const shown = ids.flatMap((id) => columns.map((column) => column?.get(id))).filter(Number.isFinite);
  const x = scale([0, ...shown], left, width - 8);
  for (const [value, text] of ticks(x.low, x.high, 5)) {
    drawn("line", { x1: x(value), x2: x(value), y1: 2, y2: height - 22, class: value === 0 ? "axis" : "grid" }, svg);
    drawn("text", { x: x(value), y: height - 8, "text-anchor": "middle" }, svg, text);
  }
  ids.forEach((id, i) => {
    const [y, value, old] = [10 + i * row, now.get(id), former?.get(id)];
    const { name, language } = benchmarks.get(id);
    const colour = data.languages[language][1];
    const known = Number.isFinite(low?.get(id)) ? `interval ${told(low.get(id))} to ${told(high.get(id))}` : "";
    const was = Number.isFinite(old) ? `before: ${told(old, 3)}` : "";
    const group = drawn("g", { class: "mark", "data-benchmark": id, "data-told": [`${component}: ${told(value, 3)}`, known, was].filter(Boolean).join("\n") }, svg);
    drawn("rect", { x: 0, y: y - row / 2, width, height: row, class: "hit" }, group);
    drawn("text", { x: left - 8, y: y + 4, "text-anchor": "end", style: `fill:${colour}` }, group, name.length > 17 ? `${name.slice(0, 16)}…` : name);
    if (Number.isFinite(old)) {
      drawn("line", { x1: x(old), x2: x(value), y1: y, y2: y, class: "arrow" }, group);
      drawn("circle", { cx: x(old), cy: y, r: 3.5, class: "former" }, group);
    } else if (!former) drawn("line", { x1: x(0), x2: x(value), y1: y, y2: y, stroke: colour, class: "bar" }, group);
    if (intervals && known) drawn("path", { d: `M${x(low.get(id))},${y - 3}v6m0,-3H${x(high.get(id))}m0,-3v6`, class: "interval" }, group);
    if (Number.isFinite(value)) drawn("circle", { cx: x(value), cy: y, r: 4, fill: colour, class: "pt" }, group);
  });
  const largest = ids.filter((id) => Number.isFinite(now.get(id))).sort((a, b) => Math.abs(now.get(b)) - Math.abs(now.get(a))).slice(0, 3);
  svg.setAttribute("aria-label", `${component}, loadings of ${ids.length} benchmarks; largest: ${largest.map((id) => `${benchmarks.get(id).name} ${told(now.get(id))}`).join(", ")}`);
}

function buildLoadings(figure) {
  const components = [...values.keys()].filter((key) => /^PC\d+$/.test(key) && values.get(key).has(data.benchmarks[0][0]));
  const grid = figure.querySelector(".grid");
  const panels = components.map((component) => {
    const panel = make("div", {}, make("h3", {}, component));
    drawn("svg", { role: "img" }, panel);
    grid.append(panel);
    return panel;
  });
  const box = make("input", { type: "checkbox", checked: "" });
  const draw = () => panels.forEach((panel, i) => drawComponent(panel, components[i], box.checked));
  box.addEventListener("change", draw);
  const tools = make("div", { class: "axes" });
  if (components.some((component) => values.has(`${component} low`))) tools.append(make("label", {}, box, "intervals"));
  const used = new Set(data.benchmarks.map((benchmark) => benchmark[2]));
  data.languages.forEach(([name, colour], i) => {
    if (used.has(i)) tools.append(make("span", { style: `color:${colour}` }, `● ${name}`));
  });
  figure.prepend(tools);
  draw();
}

buildChoice(document.getElementById("choice"));
document.querySelectorAll(".plot.scatter").forEach(buildScatter);
document.querySelectorAll(".plot.loadings").forEach(buildLoadings);
