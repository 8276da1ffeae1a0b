// Tables that are sorted by their heads and searched; what is folded opens for print.

function sortBy(table, column, head) {
  const falling = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const numeric = head.classList.contains("number");
  const keyed = [...table.tBodies[0].rows].map((row) => {
    const text = row.cells[column].textContent.trim();
    return [numeric ? numberIn(text.split(" ")[0]) : text.toLowerCase(), row];
  });
  const sign = falling ? -1 : 1;
  keyed.sort(([a], [b]) => {
    if (!numeric) return sign * a.localeCompare(b, "en");
    return Number.isNaN(a) - Number.isNaN(b) || sign * (a - b) || 0; // what is missing stays last
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

function addSearch(table) {
  const input = make("input", { type: "search", placeholder: "Find in table", "aria-label": "Find in table" });
  const told = make("output", {});
  input.addEventListener("input", () => {
    const asked = input.value.trim().toLowerCase();
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) row.classList.toggle("unmatched", !row.textContent.toLowerCase().includes(asked));
    const left = rows.filter((row) => !row.classList.contains("unmatched")).length;
    told.textContent = asked === "" ? "" : `${left} of ${rows.length} rows`;
  });
  table.closest(".wide").before(make("div", { class: "search" }, input, told));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.textContent.trim() === "") return;
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(table, column, head));
  });
  if (table.classList.contains("filterable")) addSearch(table);
  table.closest(".wide").tabIndex = 0; // scrolled by keyboard
}

for (const text of document.querySelectorAll("pre")) text.tabIndex = 0; // likewise

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.more:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let one = target && target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
if (location.hash) openTarget();
